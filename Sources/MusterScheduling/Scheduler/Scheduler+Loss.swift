/// What follows when a worker is lost.
extension Scheduler {
  mutating func lose(_ worker: Int, into actions: inout [Action]) {
    guard isAlive(worker) else { return }
    precondition(configuration.recoversLostBlocks, "what is needed to go on without a lost worker wasn't kept")
    retire(worker)

    // Its backlog and its roots go to others.
    while let key = workers[worker].backlog.popMin() {
      let task = Self.task(ofKey: key)
      guard isBacklogged(task, on: worker) else { continue }
      leaveReady(task)
      unplaced.append(UInt32(task))
    }
    let roots = workers[worker].roots
    if !roots.isEmpty {
      workers[worker].roots = 0..<0
      rootRuns.insert(rootRun(roots))
    }

    let (lost, shaken) = removeHolder(worker)
    let (interrupted, suspects) = takeBackAssignments(of: worker)

    for task in lost where tasks.records[task].state == .finished { becomeUnavailable(task) }
    recall(consumersOf: lost, into: &actions)
    recall(consumersOf: shaken, into: &actions)
    for task in lost where tasks.records[task].isNeeded { revive(task, into: &actions) }
    // Some may have failed by now, with what they need.
    for task in interrupted where tasks.records[task].state == .waiting { resume(task, into: &actions) }
    for task in suspects where tasks.records[task].isOutstanding {
      let losses = Int(tasks.records[task].losses)
      failures[UInt32(task)] = .taskLostWorkers(tasks.id(of: task), losses: losses)
      fail(task, origin: task, into: &actions)
    }
    touchAll()
  }

  private mutating func retire(_ worker: Int) {
    workers[worker].isAlive = false
    loads.remove(worker)
    live.removeAll { $0 == worker }
    totalSlots -= workers[worker].slots
    totalWaiting -= workers[worker].waiting
    workers[worker].waiting = 0
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

  /// Ends the assignments of a lost worker, and counts the loss against the tasks that it ran. Those that lost too many
  /// are suspects.
  private mutating func takeBackAssignments(of worker: Int) -> (tasks: [Int], suspects: [Int]) {
    workers[worker].hadWhenLost = assigned(to: WorkerID(worker), evenIfLost: true)
    let queue = workers[worker].queue.sorted()
    let queued = Set(presumablyQueued(on: worker))
    var suspects: [Int] = []
    for entry in queue {
      let task = Int(entry)
      if !queued.contains(entry) && tasks.records[task].losses < .max {
        tasks.records[task].losses += 1
        if Int(tasks.records[task].losses) >= configuration.maximumLosses { suspects.append(task) }
      }
      unassign(task, from: worker)
      tasks.records[task].state = .waiting
    }
    return (queue.map { Int($0) }, suspects)
  }

  /// A finished task's block is gone. What still needs it waits for it again; an assigned task stays assigned.
  private mutating func becomeUnavailable(_ task: Int) {
    tasks.records[task].state = .released
    tasks.records[task].worker = -1
    for consumer in tasks.consumers(of: task) {
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
      for consumer in tasks.consumers(of: task) {
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
  private mutating func revive(_ first: Int, into actions: inout [Action]) {
    var stack = [first]
    // What was computed once may need what has failed since.
    var doomed: [(task: Int, origin: Int)] = []
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
        if tasks.records[input].state == .failed { doomed.append((task, Int(tasks.records[input].position))) }
      }
      tasks.records[task].unmet = unmet
      if unmet == 0 {
        tasks.records[task].state = .ready
        unplaced.append(UInt32(task))
      }
    }
    for (task, origin) in doomed { fail(task, origin: origin, into: &actions) }
  }

  /// A task that the lost worker had.
  private mutating func resume(_ task: Int, into actions: inout [Action]) {
    if tasks.isRoot(task) && tasks.records[task].isNeeded && !tasks.records[task].flags.contains(.cancelled) {
      withhold(task)
    } else {
      requeue(task, into: &actions)
    }
  }
}
