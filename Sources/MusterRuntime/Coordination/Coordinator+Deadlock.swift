/// Finds waits that can't ever end: those for a lock, or a lease, all of whose holders wait themselves, without a timeout,
/// for each other.
///
/// Only a new wait can close such a ring. Waits with a timeout, and those for an event, a queue or a variable, may be
/// ended by somebody who isn't known here: they never count.
extension Coordinator {
  /// The error for an owner that is about to wait without a timeout; nil where somebody may let it go on.
  func deadlock(of owner: CoordinationOwner, named name: String, for key: Key) -> MusterError? {
    guard key.kind == .lock || key.kind == .semaphore else { return nil }
    var links = ["\(name) waits for \(objects[key]!.definition.text)"]
    var seen: Set<CoordinationOwner> = [owner]
    var pending = [key]
    while let awaited = pending.popLast() {
      for holder in objects[awaited]!.holders {
        links[links.count - 1] += ", held by \(holder.name)"
        guard seen.insert(holder.owner).inserted else { continue }
        guard let wait = waits[holder.owner], wait.deadline == nil,
          wait.key.kind == .lock || wait.key.kind == .semaphore
        else { return nil }
        pending.append(wait.key)
        links.append("\(holder.name) waits for \(objects[wait.key]!.definition.text)")
      }
    }
    return MusterError(
      .deadlock, "tasks wait for each other: \(links.joined(separator: "; "))",
      fix: "Acquire locks in the same order everywhere, or with a timeout")
  }
}

/// Finds that nobody is left to end any wait.
extension Coordinator {
  /// The tasks that wait without a timeout.
  package var endlessWaits: Int { waits.count { $0.key != .program && $0.value.deadline == nil } }
  package var programWaits: Bool { waits[.program] != nil }
  /// Whether the program waits without a timeout.
  var programWaitsEndlessly: Bool { waits[.program].map { $0.deadline == nil } ?? false }

  /// All tasks that have begun wait without a timeout, no other one begins before one of them ends, and the program waits:
  /// ends their waits, and that of the program, with an error that names them.
  package mutating func stalled(into actions: inout [Action]) {
    let stuck = waits.filter { $0.value.deadline == nil }
    let links = stuck.sorted { Self.isBefore($0.key, $1.key) }.map { owner, wait in
      let object = objects[wait.key]!
      let name = object.waiters.elements.first { $0.owner == owner }!.name
      return "\(name) waits for \(object.definition.text)"
    }
    let error = MusterError(
      .deadlock,
      "every task that has begun waits, and none is left to wake them: \(Self.names(links))",
      fix: "See to it that a task sets, puts or releases what they wait for, and have fewer tasks wait at a time so"
        + " that it can begin, or wait with a timeout")
    var errors = stuck.mapValues { _ in error }
    if stuck.count == 1, stuck[.program] != nil {
      errors[.program] = MusterError(
        .deadlock, "\(links[0]), and no task is left that could end that",
        fix: "Submit a task that does, or see to it before that the program needn't wait")
    }
    endWaits(errors, into: &actions)
  }
}
