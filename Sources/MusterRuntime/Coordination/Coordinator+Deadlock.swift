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
