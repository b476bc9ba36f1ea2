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
    try checkTasks()
    try checkGraphs()
    try checkReplicas()
    try checkWorkers()
    try checkProgress()
  }

  private func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw InvariantViolation(description: message()) }
  }

  private func checkTasks() throws {
    var outstanding = 0
    var withheld = 0
    var assigned = 0
    var finishedByLayer = [Int](repeating: 0, count: layers.count)
    var assignedByLayer = finishedByLayer
    let inARun = rootsInRuns()
    for task in 0..<tasks.count {
      let record = tasks.records[task]
      let inputs = tasks.inputRange(of: task).map { tasks.records[Int(tasks.inputs[$0])] }
      let id = tasks.id(of: task)
      try expect(tasks.ordinals[id] == task, "\(id) isn't found by its identity")
      let consumers = tasks.consumers(of: task).map { tasks.records[$0] }
      let wanted = consumers.count { $0.isOutstanding }
      try expect(Int(record.wanted) == wanted, "\(id): wanted \(record.wanted), has \(wanted) consumers to run")
      if record.isOutstanding {
        outstanding += 1
        let unmet = inputs.count { $0.state != .finished }
        try expect(Int(record.unmet) == unmet, "\(id): unmet \(record.unmet), misses \(unmet) inputs")
        try expect(
          inputs.allSatisfy { $0.state != .released }, "\(id) is to run, but an input is released for good")
        try expect(
          record.state == .assigned || inputs.allSatisfy { $0.state != .failed && !$0.flags.contains(.cancelled) },
          "\(id) is to run, but an input has failed")
      } else {
        finishedByLayer[Int(record.layer)] += 1
      }
      switch record.state {
      case .waiting:
        try expect(record.unmet > 0, "\(id) waits for nothing")
        try expect(record.isNeeded, "\(id) waits, but isn't needed")
      case .withheld:
        withheld += 1
        try expect(tasks.isRoot(task), "\(id) is withheld, but has inputs")
        try expect(record.isNeeded, "\(id) is withheld, but isn't needed")
        try expect(inARun.contains(UInt32(task)), "\(id) is withheld, but in no run of roots")
      case .ready:
        try expect(record.unmet == 0, "\(id) is ready, but misses inputs")
        try expect(record.isNeeded, "\(id) is ready, but isn't needed")
        if record.worker >= 0 {
          try expect(isAlive(Int(record.worker)), "\(id) is in the backlog of a lost worker")
        } else {
          try expect(live.isEmpty && unplaced.contains(UInt32(task)), "\(id) is ready, but has no place")
        }
      case .assigned:
        assigned += 1
        assignedByLayer[Int(record.layer)] += 1
        let worker = Int(record.worker)
        try expect(isAlive(worker), "\(id) is assigned to a worker that isn't there")
        try expect(
          workers[worker].queue.indices.contains(Int(record.position))
            && workers[worker].queue[Int(record.position)] == UInt32(task),
          "\(id) isn't where it should be in the queue of worker \(worker)")
        try expect(
          record.unmet == 0 || record.flags.contains(.begun) || retractions[UInt32(task)] != nil
            || isAhead(task) && inputsAreComing(to: task),
          "\(id) is assigned and misses inputs, but wasn't asked for")
      case .finished:
        try expect(isAlive(Int(record.worker)), "\(id) is finished, but held by a lost worker")
        try expect(record.isNeeded, "\(id) is kept, but nothing needs it")
      case .released:
        try expect(!record.isNeeded, "\(id) is released, but needed")
      case .failed:
        // One that had begun when an input was lost has no need of it any more.
        try expect(
          consumers.allSatisfy { !$0.isOutstanding || $0.state == .assigned },
          "\(id) has failed, but something waits for it")
        try expect(
          tasks.records[Int(record.position)].state == .failed
            || tasks.records[Int(record.position)].flags.contains(.cancelled),
          "\(id) has failed because of a task that hasn't")
      }
    }
    try expect(outstanding == self.outstanding, "outstanding is \(self.outstanding), should be \(outstanding)")
    try expect(withheld == self.withheld, "withheld is \(self.withheld), should be \(withheld)")
    try expect(assigned == self.assigned, "assigned is \(self.assigned), should be \(assigned)")
    for (number, layer) in layers.enumerated() {
      try expect(
        layer.finished == finishedByLayer[number] && layer.assigned == assignedByLayer[number],
        "the counts of layer \(number) are off")
    }
  }

  private func inputsAreComing(to task: Int) -> Bool {
    tasks.inputRange(of: task).allSatisfy { edge in
      let input = tasks.records[Int(tasks.inputs[edge])]
      return input.state == .finished || input.state == .assigned
    }
  }

  private func checkGraphs() throws {
    var builtOn: [GraphID: Int] = [:]
    var end = 0
    for (place, graph) in graphs.enumerated() {
      try expect(graph.tasks.lowerBound == end, "\(graph.id) doesn't follow the graph before it")
      end = graph.tasks.upperBound
      guard !graph.isGone else { continue }
      try expect(graphPlaces[graph.id] == place, "\(graph.id) isn't found")
      try expect(
        graph.unreleased > 0 || graph.builtOn > 0 || graph.lingering ?? 0 > 0 || !graph.hadResults,
        "nothing needs \(graph.id), but it's there")
      for other in graph.buildsOn {
        builtOn[other, default: 0] += 1
        try expect(graphPlaces[other] != nil, "\(graph.id) builds on \(other), which is gone")
      }
      if !configuration.recoversLostBlocks {
        let unfinished = layers[graph.slots].count { $0.finished < $0.total }
        try expect(
          unfinished == graph.unfinishedLayers,
          "\(graph.id) has \(unfinished) layers to finish, thinks \(graph.unfinishedLayers)")
        let kept = graphsOfBorrowed(by: place)
        try expect(
          unfinished > 0 || graph.results.isEmpty || graph.buildsOn.allSatisfy { kept.contains($0) },
          "\(graph.id) is done, and holds others")
      }
      let kept = graph.results.map { Int($0) }.filter { task in
        graph.tasks.contains(task)
          ? tasks.records[task].flags.contains(.result) : borrowers[UInt32(task)]?.contains(graph.id) == true
      }
      try expect(kept.count == graph.unreleased, "\(graph.id) keeps \(kept.count), thinks \(graph.unreleased)")
      let missing = kept.count { tasks.records[$0].state != .finished }
      try expect(missing == graph.outstanding, "\(graph.id) misses \(missing) results, thinks \(graph.outstanding)")
      if let lingering = graph.lingering {
        let left = graph.tasks.count { tasks.records[$0].state == .assigned }
        try expect(left == lingering, "\(graph.id) waits for \(lingering) tasks, should for \(left)")
      }
    }
    try expect(end == tasks.count, "tasks belong to no graph")
    try expect(graphPlaces.count == graphs.count { !$0.isGone }, "the places of graphs are off")
    try expect(
      goneTasks == graphs.reduce(0) { $0 + ($1.isGone ? $1.tasks.count : 0) }, "the tasks that are gone are off")
    try expect(lingeringGraphs == graphs.count { !$0.isGone && $0.lingering != nil }, "graphs that linger are off")
    for graph in graphs where !graph.isGone {
      try expect(graph.builtOn == builtOn[graph.id] ?? 0, "\(graph.id): built on by \(graph.builtOn), is off")
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
      let id = tasks.id(of: Int(task))
      try expect(
        record.state == .finished && record.flags.contains(.replicated) && set.count > 1,
        "\(id) has a set of holders that it shouldn't have")
      try expect(set.contains(Int(record.worker)), "\(id): its first holder isn't in the set")
      try expect(set.allSatisfy { isAlive($0) }, "\(id) is held by a lost worker")
    }
    for task in 0..<tasks.count where tasks.records[task].flags.contains(.replicated) {
      try expect(replicas[UInt32(task)] != nil, "\(tasks.id(of: task)) is marked as replicated")
    }
  }

  private func checkWorkers() throws {
    try expect(
      live.map { Int($0) } == workers.indices.filter { workers[$0].isAlive }, "the list of live workers is off")
    try expect(totalSlots == live.reduce(0) { $0 + workers[Int($1)].slots }, "the count of slots is off")
    try expect(totalWaiting == live.reduce(0) { $0 + workers[Int($1)].waiting }, "the count of waits is off")
    try expect(unanswered == live.reduce(0) { $0 + workers[Int($1)].unanswered }, "the count of retracts is off")
    try expect(inputBytes.allSatisfy { $0 == 0 } && candidates.isEmpty, "placement left something behind")
    var retracting = [Int](repeating: 0, count: workers.count)
    var requested = retracting
    for (task, thief) in retractions {
      let record = tasks.records[Int(task)]
      let id = tasks.id(of: Int(task))
      try expect(record.state == .assigned, "\(id) is asked for, but not assigned")
      retracting[Int(record.worker)] += 1
      if thief >= 0 { requested[Int(thief)] += 1 }
    }
    var inBacklogs = 0
    for entry in live {
      let worker = Int(entry)
      let record = workers[worker]
      let backlog = Set(record.backlog.unordered.map { Self.task(ofKey: $0) }.filter { isBacklogged($0, on: worker) })
      try expect(
        backlog.count == record.backlogCount, "worker \(worker): backlog of \(record.backlogCount), has \(backlog)")
      inBacklogs += backlog.count
      try expect(record.retracting == retracting[worker], "worker \(worker): retracting is off")
      try expect(record.requested == requested[worker], "worker \(worker): requested is off")
      try expect(record.unanswered >= record.retracting, "worker \(worker): unanswered is off")
      try expect(
        record.ahead == record.queue.count { isAhead(Int($0)) }, "worker \(worker): what is assigned ahead is off")
      let top = record.queue.count { layers[Int(tasks.records[Int($0)].layer)].urgency == record.topUrgency }
      try expect(record.queue.isEmpty || record.topCount == top, "worker \(worker): the count of urgent tasks is off")
      let expected = record.queue.reduce(0) { $0 + layers[Int(tasks.records[Int($1)].layer)].expectedBytes }
      try expect(record.expected == expected, "worker \(worker): expected bytes are off")
      try expect(
        loads.bucket(of: worker) == min(LoadIndex.bucketCount - 1, load(of: worker)), "worker \(worker): load is off")
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
      let largest = tasks.roots.reduce(0) { max($0, layers[Int(tasks.records[Int($1)].layer)].expectedBytes) }
      try expect(
        !hasMemory(Int(entry), expecting: largest), "worker \(entry) has memory for a root, but is idle")
    }
  }
}
