package import MusterScheduling

/// What is wrong with a worker's state: a fault in the worker.
package struct WorkerInvariantViolation: Error, CustomStringConvertible, Sendable {
  package let description: String
}

/// For tests: what a worker has, and whether it agrees with itself.
extension WorkerState {
  /// The tasks that were assigned and are neither finished nor given back.
  package var assignedTasks: some Collection<TaskID> { assigned.tasks }
  package var heldBlocks: [TaskID] { store.tasks }

  package func isAssigned(_ task: TaskID) -> Bool { assigned.contains(task) }
  package func attempt(ofAssigned task: TaskID) -> Attempt? { assigned[task]?.attempt }
  /// The inputs of an assigned task, as its layer gives them.
  package func inputs(ofAssigned task: TaskID) -> [TaskID] { assigned[task]?.inputs ?? [] }
  /// The blocks that others have asked for and that are to be computed here.
  package var awaitedByOthers: [TaskID] { awaited.keys.sorted() }
  /// Whether a task waits for the block.
  package func awaits(_ block: TaskID) -> Bool { waiting.contains(block) }

  /// Recomputes everything that is kept up to date from what it's derived from. O(assigned tasks + blocks).
  package func checkInvariants() throws {
    func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
      if !condition { throw WorkerInvariantViolation(description: message()) }
    }
    try store.checkInvariants()
    var missingOfAll = 0
    for (task, entry) in assigned where entry.missing > 0 {
      let absent = entry.inputs.filter { !store.holds($0) }
      try expect(absent.count == entry.missing, "\(task) misses \(absent), but counts \(entry.missing)")
      for input in absent {
        try expect(waiting[input]?.contains(task) == true, "\(task) misses \(input), but isn't told when it comes")
      }
      missingOfAll += entry.missing
    }
    for (task, entry) in assigned where entry.missing == 0 && !entry.isReady {
      try expect(store.wants(.task(task)), "\(task) has its inputs, and neither runs nor waits for memory")
    }
    let waiters = waiting.reduce(0) { $0 + $1.value.count }
    try expect(waiters == missingOfAll, "\(waiters) tasks are told when a block comes, should be \(missingOfAll)")
    for (block, _) in waiting {
      try expect(!store.holds(block), "\(block) is awaited, though it's here")
    }
    for block in inFlight.tasks {
      try expect(waiting[block] != nil, "\(block) is thought to be on its way, but no task waits for it")
    }
  }
}
