/// What follows when a worker is lost.
extension Scheduler {
  mutating func lose(_ worker: Int, into actions: inout [Action]) {
    guard isAlive(worker) else { return }
    retire(worker)

    // Its backlog and its roots go to others.
    while let task = workers[worker].backlog.popMin() {
      guard isBacklogged(Int(task), on: worker) else { continue }
      leaveReady(Int(task))
      unplaced.append(task)
    }
    let roots = workers[worker].roots
    if !roots.isEmpty {
      workers[worker].roots = 0..<0
      rootRuns.insert(RootRun(lower: UInt32(roots.lowerBound), upper: UInt32(roots.upperBound)))
    }

    let (lost, shaken) = removeHolder(worker)
    let interrupted = takeBackAssignments(of: worker, into: &actions)
    guard phase == .running else { return }

    for task in lost where tasks.records[task].state == .finished { becomeUnavailable(task) }
    recall(consumersOf: lost, into: &actions)
    recall(consumersOf: shaken, into: &actions)
    for task in lost where tasks.records[task].isNeeded { revive(task) }
    for task in interrupted { resume(task, into: &actions) }
    touchAll()
  }

  /// After the graph is complete, all that counts is who holds the results.
  mutating func forgetHoldings(of worker: Int) {
    guard isAlive(worker) else { return }
    retire(worker)
    for task in removeHolder(worker).lost {
      tasks.records[task].state = .released
      tasks.records[task].worker = -1
    }
  }

  private mutating func retire(_ worker: Int) {
    workers[worker].isAlive = false
    loads.remove(worker)
    live.removeAll { $0 == worker }
    totalSlots -= workers[worker].slots
    unanswered -= workers[worker].unanswered
    workers[worker].unanswered = 0
  }

  /// Strikes a worker off as a holder. Yields the blocks that nobody holds any more, still as finished, and those
  /// that others hold too.
  private mutating func removeHolder(_ worker: Int) -> (lost: [Int], shaken: [Int]) {
    var lost: [Int] = []
    var shaken: [Int] = []
    for task in 0..<tasks.count where tasks.records[task].state == .finished {
      guard tasks.records[task].flags.contains(.replicated) else {
        if tasks.records[task].worker == worker { lost.append(task) }
        continue
      }
      guard var set = replicas[UInt32(task)], set.contains(worker) else { continue }
      set.remove(worker)
      if tasks.records[task].worker == worker { tasks.records[task].worker = Int32(set.member(seed: 0) ?? -1) }
      if set.count > 1 {
        replicas[UInt32(task)] = set
      } else {
        replicas[UInt32(task)] = nil
        tasks.records[task].flags.remove(.replicated)
      }
      shaken.append(task)
    }
    return (lost, shaken)
  }

  /// Ends the assignments of a lost worker, and counts the loss against the tasks that it ran.
  private mutating func takeBackAssignments(of worker: Int, into actions: inout [Action]) -> [Int] {
    let queue = workers[worker].queue.sorted()
    let queued = Set(presumablyQueued(on: worker))
    for entry in queue {
      let task = Int(entry)
      if !queued.contains(entry) && tasks.records[task].losses < .max {
        tasks.records[task].losses += 1
        let losses = Int(tasks.records[task].losses)
        if losses >= configuration.maximumLosses {
          fail(.taskLostWorkers(tasks.records[task].id, losses: losses), into: &actions)
        }
      }
      unassign(task, from: worker)
      tasks.records[task].state = .waiting
    }
    workers[worker].queue = ContiguousArray(queue)
    return queue.map { Int($0) }
  }

  /// A finished task's block is gone. What still needs it waits for it again; an assigned task stays assigned.
  private mutating func becomeUnavailable(_ task: Int) {
    tasks.records[task].state = .released
    tasks.records[task].worker = -1
    for edge in tasks.consumerRange(of: task) {
      let consumer = Int(tasks.consumers[edge])
      guard tasks.records[consumer].isOutstanding else { continue }
      tasks.records[consumer].unmet += 1
      if tasks.records[consumer].state == .ready {
        leaveReady(consumer)
        tasks.records[consumer].state = .waiting
      }
    }
  }

  /// Asks for the tasks that may wait for a block from a lost worker. One that has begun has the block and goes on.
  private mutating func recall(consumersOf blocks: [Int], into actions: inout [Action]) {
    for task in blocks {
      for edge in tasks.consumerRange(of: task) {
        let consumer = Int(tasks.consumers[edge])
        let record = tasks.records[consumer]
        guard record.state == .assigned, !record.flags.contains(.begun), retractions[UInt32(consumer)] == nil else {
          continue
        }
        if tasks.records[task].state == .finished && holds(Int(record.worker), task) { continue }
        sendRetract(of: consumer, from: Int(record.worker), for: nil, into: &actions)
      }
    }
  }

  /// A task is to be computed again, and so is every input that has been released since.
  private mutating func revive(_ first: Int) {
    var stack = [first]
    while let task = stack.popLast() {
      guard tasks.records[task].state == .released else { continue }
      countAsOutstanding(task)
      if tasks.isRoot(task) {
        withhold(task)
        continue
      }
      tasks.records[task].state = .waiting
      var unmet: UInt32 = 0
      for edge in tasks.inputRange(of: task) {
        let input = Int(tasks.inputs[edge])
        tasks.records[input].wanted += 1
        if tasks.records[input].state != .finished { unmet += 1 }
        if tasks.records[input].state == .released { stack.append(input) }
      }
      tasks.records[task].unmet = unmet
      if unmet == 0 {
        tasks.records[task].state = .ready
        unplaced.append(UInt32(task))
      }
    }
  }

  /// A task that the lost worker had.
  private mutating func resume(_ task: Int, into actions: inout [Action]) {
    if tasks.isRoot(task) && tasks.records[task].isNeeded {
      withhold(task)
    } else {
      requeue(task, into: &actions)
    }
  }
}
