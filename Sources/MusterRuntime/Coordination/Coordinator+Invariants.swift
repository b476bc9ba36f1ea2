/// What is wrong with a coordinator's state: a fault in the coordinator.
package struct CoordinatorInvariantViolation: Error, CustomStringConvertible, Sendable {
  package let description: String
}

/// For tests: what is held and awaited, and whether it agrees with itself.
extension Coordinator {
  /// Those who hold a lock or a semaphore's leases, the oldest first.
  package func holders(of object: CoordinationObject) -> [CoordinationOwner] {
    objects[Key(kind: object.kind, name: object.name)]?.holders.map(\.owner) ?? []
  }

  /// Those who wait for something, the oldest first.
  package func waiters(for object: CoordinationObject) -> [CoordinationOwner] {
    objects[Key(kind: object.kind, name: object.name)]?.waiters.elements.map(\.owner) ?? []
  }

  /// The number of objects that are remembered.
  package var objectCount: Int { objects.count }

  /// Recomputes everything that is kept twice. O(objects, holders and waiters).
  package func checkInvariants() throws {
    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
      if !condition { throw CoordinatorInvariantViolation(description: message()) }
    }
    var held: [CoordinationOwner: [Key: Int]] = [:]
    var waiting = 0
    for (key, object) in objects {
      let text = object.definition.text
      try expect(key.kind == object.definition.kind && key.name == object.definition.name, "\(text) is under \(key)")
      let waiters = Array(object.waiters.elements)
      waiting += waiters.count
      for waiter in waiters {
        let wait = waits[waiter.owner]
        try expect(wait?.ticket == waiter.ticket, "\(waiter.name) waits for \(text), and isn't known to wait")
        try expect(wait?.key == key, "\(waiter.name) waits for \(text), and is thought to wait for something else")
      }
      for holder in object.holders { held[holder.owner, default: [:]][key, default: 0] += 1 }
      switch key.kind {
      case .lock, .semaphore:
        try expect(object.holders.count <= leases(key), "\(text) is held by \(object.holders.count)")
        try expect(
          waiters.isEmpty || object.holders.count == leases(key), "\(text) is free, and \(waiters.count) wait for it")
      case .event: try expect(waiters.isEmpty || !object.isSet, "\(text) is set, and \(waiters.count) wait for it")
      case .variable:
        try expect(waiters.isEmpty || object.value == nil, "\(text) is set, and \(waiters.count) wait for it")
      case .queue:
        let limit = object.definition.limit
        try expect(limit == 0 || object.items.count <= limit, "\(text) holds \(object.items.count) of \(limit)")
        for waiter in waiters {
          if case .put = waiter.operation {
            try expect(limit > 0 && object.items.count == limit, "\(waiter.name) waits to put, and \(text) has room")
          } else {
            try expect(object.items.isEmpty, "\(waiter.name) waits to get, and \(text) has items")
          }
        }
      }
    }
    try expect(waits.count == waiting, "\(waits.count) owners are thought to wait, and \(waiting) do")
    let counted = holdings.mapValues { $0.reduce(into: [Key: Int]()) { $0[$1, default: 0] += 1 } }
    try expect(counted == held, "what owners are thought to hold isn't what they hold")
    for (owner, wait) in waits where wait.deadline != nil {
      let known = deadlines.unordered.contains { $0.owner == owner && $0.ticket == wait.ticket }
      try expect(known, "\(owner) waits with a timeout that nobody looks at")
    }
    for owner in waits.keys { try expect(!isBarred(owner), "\(owner) waits after it was cancelled") }
  }
}
