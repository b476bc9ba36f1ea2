/// Locks and semaphores: a lock is held by one task, a semaphore's leases by as many as its limit says.
extension Coordinator {
  mutating func acquire(
    _ key: Key, _ request: CoordinationRequest, at now: Int, into actions: inout [Action]
  ) throws(MusterError) {
    let object = objects[key]!
    if key.kind == .lock, object.holders.first?.owner == request.owner {
      throw MusterError(
        .deadlock, "\(request.ownerName) holds \(request.object.text) already, and would wait for itself",
        fix: "Acquire it once: a lock isn't reentrant")
    }
    guard object.holders.count < leases(key) else { return try wait(request, for: key, at: now) }
    grant(key, to: request.owner, named: request.ownerName, at: now)
    actions.append(.answer(request.ticket, .done))
  }

  mutating func release(
    _ key: Key, _ request: CoordinationRequest, at now: Int, into actions: inout [Action]
  ) throws(MusterError) {
    guard let place = objects[key]!.holders.firstIndex(where: { $0.owner == request.owner }) else {
      let holders = objects[key]!.holders
      let reason = holders.isEmpty ? "nobody holds it" : "held by \(Self.names(holders.map(\.name)))"
      forgetIfFree(key)
      throw MusterError(
        .notHeld, "\(request.ownerName) releases \(request.object.text), which it doesn't hold: \(reason)",
        fix: "Release it once for each time that the same task has acquired it")
    }
    objects[key]!.holders.remove(at: place)
    if let entry = holdings[request.owner]?.firstIndex(of: key) { holdings[request.owner]!.remove(at: entry) }
    if holdings[request.owner]?.isEmpty == true { holdings[request.owner] = nil }
    actions.append(.answer(request.ticket, .done))
    passOn(key, at: now, into: &actions)
  }

  func leases(_ key: Key) -> Int { key.kind == .lock ? 1 : objects[key]!.definition.limit }

  private mutating func grant(_ key: Key, to owner: CoordinationOwner, named name: String, at now: Int) {
    objects[key]!.holders.append(Holder(owner: owner, name: name, since: now))
    holdings[owner, default: []].append(key)
  }

  /// Gives what is free to those who wait, in their order.
  mutating func passOn(_ key: Key, at now: Int, into actions: inout [Action]) {
    while objects[key]!.holders.count < leases(key), let next = nextWaiter(for: key) {
      grant(key, to: next.owner, named: next.name, at: now)
      actions.append(.answer(next.ticket, .done))
    }
    forgetIfFree(key)
  }

  /// A free lock has nothing to remember: programs may use any number of names.
  private mutating func forgetIfFree(_ key: Key) {
    guard key.kind == .lock, objects[key]!.holders.isEmpty, objects[key]!.waiters.isEmpty else { return }
    objects[key] = nil
  }

  /// Some names for a message, of which those beyond a handful are counted.
  static func names(_ names: [String]) -> String {
    names.prefix(4).joined(separator: ", ") + (names.count > 4 ? " and \(names.count - 4) more" : "")
  }
}
