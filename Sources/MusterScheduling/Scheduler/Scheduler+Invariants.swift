/// What is wrong with a scheduler's state: a fault in the scheduler, never in its use.
package struct InvariantViolation: Error, CustomStringConvertible, Sendable {
  package let description: String
}

extension Scheduler {
  /// Recomputes everything that is kept up to date from what it's derived from. For tests, after every event.
  /// O(tasks + dependencies + workers).
  ///
  /// Nothing in the library calls it, so it costs a program no time, only some 20 kB of code. No condition leaves it
  /// out of a release: the tests are built for release too, and a manifest can't tell a build for tests from another.
  ///
  /// - Throws: `InvariantViolation` for the first thing that is off.
  package func checkInvariants() throws {
    guard phase != .failed else { return }
    try checkTasks()
    try checkReplicas()
    try checkWorkers()
    if phase == .running { try checkProgress() }
    if phase == .complete {
      try expect(assigned == 0 && unanswered == 0, "complete, but something is under way")
    }
  }

  private func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw InvariantViolation(description: message()) }
  }

  private func checkTasks() throws {
    var outstanding = 0
    var outstandingResults = 0
    var withheld = 0
    var assigned = 0
    var finishedByLayer = [Int](repeating: 0, count: layers.count)
    var assignedByLayer = finishedByLayer
    let inARun = rootsInRuns()
    for task in 0..<tasks.count {
      let record = tasks.records[task]
      let inputs = tasks.inputRange(of: task).map { tasks.records[Int(tasks.inputs[$0])] }
      let consumers = tasks.consumerRange(of: task).map { tasks.records[Int(tasks.consumers[$0])] }
      let wanted = consumers.count { $0.isOutstanding }
      try expect(Int(record.wanted) == wanted, "\(record.id): wanted \(record.wanted), has \(wanted) consumers to run")
      if record.isOutstanding {
        outstanding += 1
        if record.flags.contains(.result) { outstandingResults += 1 }
        let unmet = inputs.count { $0.state != .finished }
        try expect(Int(record.unmet) == unmet, "\(record.id): unmet \(record.unmet), misses \(unmet) inputs")
        try expect(
          inputs.allSatisfy { $0.state != .released }, "\(record.id) is to run, but an input is released for good")
      } else {
        finishedByLayer[Int(record.id.layer)] += 1
      }
      switch record.state {
      case .waiting:
        try expect(record.unmet > 0, "\(record.id) waits for nothing")
        try expect(record.isNeeded, "\(record.id) waits, but isn't needed")
      case .withheld:
        withheld += 1
        try expect(tasks.isRoot(task), "\(record.id) is withheld, but has inputs")
        try expect(record.isNeeded, "\(record.id) is withheld, but isn't needed")
        try expect(inARun.contains(UInt32(task)), "\(record.id) is withheld, but in no run of roots")
      case .ready:
        try expect(record.unmet == 0, "\(record.id) is ready, but misses inputs")
        try expect(record.isNeeded, "\(record.id) is ready, but isn't needed")
        if record.worker >= 0 {
          try expect(isAlive(Int(record.worker)), "\(record.id) is in the backlog of a lost worker")
        } else {
          try expect(live.isEmpty && unplaced.contains(UInt32(task)), "\(record.id) is ready, but has no place")
        }
      case .assigned:
        assigned += 1
        assignedByLayer[Int(record.id.layer)] += 1
        let worker = Int(record.worker)
        try expect(isAlive(worker), "\(record.id) is assigned to a worker that isn't there")
        try expect(
          workers[worker].queue.indices.contains(Int(record.position))
            && workers[worker].queue[Int(record.position)] == UInt32(task),
          "\(record.id) isn't where it should be in the queue of worker \(worker)")
        try expect(
          record.unmet == 0 || record.flags.contains(.begun) || retractions[UInt32(task)] != nil,
          "\(record.id) is assigned and misses inputs, but wasn't asked for")
      case .finished:
        try expect(isAlive(Int(record.worker)), "\(record.id) is finished, but held by a lost worker")
        try expect(record.isNeeded || phase != .running, "\(record.id) is kept, but nothing needs it")
      case .released:
        try expect(!record.isNeeded || phase != .running, "\(record.id) is released, but needed")
      }
    }
    try expect(outstanding == self.outstanding, "outstanding is \(self.outstanding), should be \(outstanding)")
    try expect(
      outstandingResults == self.outstandingResults || phase != .running,
      "outstanding results are \(self.outstandingResults), should be \(outstandingResults)")
    try expect(withheld == self.withheld, "withheld is \(self.withheld), should be \(withheld)")
    try expect(assigned == self.assigned, "assigned is \(self.assigned), should be \(assigned)")
    for (number, layer) in layers.enumerated() {
      try expect(
        layer.finished == finishedByLayer[number] && layer.assigned == assignedByLayer[number],
        "the counts of layer \(number) are off")
    }
  }

  private func rootsInRuns() -> Set<UInt32> {
    var found = Set<UInt32>()
    for run in rootRuns.unordered { found.formUnion(tasks.roots[Int(run.lower)..<Int(run.upper)]) }
    for worker in live { found.formUnion(tasks.roots[workers[Int(worker)].roots]) }
    return found
  }

  private func checkReplicas() throws {
    for (task, set) in replicas {
      let record = tasks.records[Int(task)]
      try expect(
        record.state == .finished && record.flags.contains(.replicated) && set.count > 1,
        "\(record.id) has a set of holders that it shouldn't have")
      try expect(set.contains(Int(record.worker)), "\(record.id): its first holder isn't in the set")
      try expect(set.allSatisfy { isAlive($0) }, "\(record.id) is held by a lost worker")
    }
    for task in 0..<tasks.count where tasks.records[task].flags.contains(.replicated) {
      try expect(replicas[UInt32(task)] != nil, "\(tasks.records[task].id) is marked as replicated")
    }
  }

  private func checkWorkers() throws {
    try expect(
      live.map { Int($0) } == workers.indices.filter { workers[$0].isAlive }, "the list of live workers is off")
    try expect(totalSlots == live.reduce(0) { $0 + workers[Int($1)].slots }, "the count of slots is off")
    try expect(unanswered == live.reduce(0) { $0 + workers[Int($1)].unanswered }, "the count of retracts is off")
    try expect(inputBytes.allSatisfy { $0 == 0 } && candidates.isEmpty, "placement left something behind")
    var retracting = [Int](repeating: 0, count: workers.count)
    var requested = retracting
    for (task, thief) in retractions {
      let record = tasks.records[Int(task)]
      try expect(record.state == .assigned, "\(record.id) is asked for, but not assigned")
      retracting[Int(record.worker)] += 1
      if thief >= 0 { requested[Int(thief)] += 1 }
    }
    var inBacklogs = 0
    for entry in live {
      let worker = Int(entry)
      let record = workers[worker]
      let backlog = Set(record.backlog.unordered.filter { isBacklogged(Int($0), on: worker) })
      try expect(
        backlog.count == record.backlogCount, "worker \(worker): backlog of \(record.backlogCount), has \(backlog)")
      inBacklogs += backlog.count
      try expect(record.retracting == retracting[worker], "worker \(worker): retracting is off")
      try expect(record.requested == requested[worker], "worker \(worker): requested is off")
      try expect(record.unanswered >= record.retracting, "worker \(worker): unanswered is off")
      let expected = record.queue.reduce(0) { $0 + layers[Int(tasks.records[Int($1)].id.layer)].expectedBytes }
      try expect(record.expected == expected, "worker \(worker): expected bytes are off")
      try expect(
        loads.bucket(of: worker) == min(LoadIndex.bucketCount - 1, record.load), "worker \(worker): load is off")
    }
    try expect(inBacklogs == backlogged, "backlogged is \(backlogged), should be \(inBacklogs)")
  }

  /// Nothing that could be done waits while a worker is idle.
  private func checkProgress() throws {
    guard !live.isEmpty else { return }
    try expect(outstanding == 0 || assigned > 0 || unanswered > 0, "tasks are to be run, but nothing is under way")
    for entry in live where workers[Int(entry)].queue.isEmpty {
      let worker = workers[Int(entry)]
      try expect(worker.backlogCount == 0, "worker \(entry) is idle, but has a backlog")
      guard withheld > 0 else { continue }
      try expect(worker.isFull, "worker \(entry) is idle, but roots are withheld")
      // Whatever the next root may be, it doesn't fit.
      let largest = tasks.roots.reduce(0) { max($0, layers[Int(tasks.records[Int($1)].id.layer)].expectedBytes) }
      try expect(
        !hasMemory(Int(entry), expecting: largest), "worker \(entry) has memory for a root, but is idle")
    }
  }
}
