import MusterRuntime
import MusterScheduling

/// What surrounds a worker's state machine: messages in, actions out, threads, and what the protocol in the
/// documentation of `Scheduler` forbids.
extension Simulation {
  // MARK: Messages

  /// The worker's program comes to a graph, perhaps after tasks of it have been assigned to the worker.
  mutating func register(_ number: Int, at worker: Int) throws {
    guard workers[worker].isRunning else { return }
    let part = parts[number]
    var actions: [WorkerState.Action] = []
    let layers = Array(plan.layers[part.firstLayer..<part.firstLayer + part.layers.count])
    workers[worker].state.register(layers, from: part.firstLayer, into: &actions)
    // What an early assignment lacks is asked for now.
    for case .fetch(let first, let count, _, _) in actions {
      requestCount += 1
      for block in blocks(from: first, count) { workers[worker].requests[block] = requestCount }
    }
    try carryOut(&actions, at: worker)
  }

  mutating func receive(_ message: Message, from source: Int, number: Int, at worker: Int) throws {
    if case .forget(let layers) = message { return workers[worker].state.forget(layers) }
    if case .ended(let layers) = message { return workers[worker].state.end(layers) }
    var lacking: [TaskID] = []
    var toFetch: [TaskID: WorkerID] = [:]
    var isStale = false
    switch message {
    case .assign(let assignment):
      try check(assignment, at: worker)
      if workers[worker].state.layer(assignment.task.layer) != nil {
        isStale = random.chance(options.staleAttempts)
        if isStale { try supersede(assignment, at: worker) }
        toFetch = fetches(for: assignment, at: worker)
      }
    case .release(let block): try checkRelease(of: block, at: worker)
    // What is to be computed first is answered when it is.
    case .fetch(let first, let count, isComing: false):
      lacking = blocks(from: first, count).filter { !workers[worker].state.store.holds($0) }
    default: break
    }
    var actions: [WorkerState.Action] = []
    workers[worker].state.receive(message, from: source, into: &actions)
    try check(actions, fetch: toFetch, at: worker)
    try carryOut(&actions, at: worker)
    if isStale, case .assign(let assignment) = message { try retractOld(assignment, at: worker) }
    // The worker doesn't answer for blocks that it doesn't hold; whoever still waits for one then waits in vain.
    for block in lacking {
      let nothing = Happening.nothing(
        to: source, block, number: number, wasHolderDoomed: workers[worker].isDoomed)
      send(nothing, from: worker, to: source, options.transferDelay)
    }
  }

  /// An older attempt comes right before the assignment that supersedes it, which has to win: whatever the older one
  /// has begun is ignored, and so is a retract of it.
  private mutating func supersede(_ assignment: Assignment, at worker: Int) throws {
    var old = assignment
    old.attempt &-= 1
    let toFetch = fetches(for: old, at: worker)
    var actions: [WorkerState.Action] = []
    workers[worker].state.receive(.assign(old), from: Self.scheduler, into: &actions)
    try check(actions, fetch: toFetch, at: worker)
    try carryOut(&actions, at: worker)
  }

  /// A retract of the attempt before is refused, and changes nothing. The scheduler doesn't hear of it: it didn't ask.
  private mutating func retractOld(_ assignment: Assignment, at worker: Int) throws {
    // What doesn't fit has failed already.
    guard workers[worker].state.isAssigned(assignment.task) else { return }
    let old = assignment.attempt &- 1
    var actions: [WorkerState.Action] = []
    workers[worker].state.receive(.retract(assignment.task, old), from: Self.scheduler, into: &actions)
    guard actions.count == 1, case .send(.retracted(assignment.task, old, givenBack: false)) = actions[0],
      workers[worker].state.isAssigned(assignment.task)
    else { throw fault("worker \(worker) gives back \(assignment.task) for a retract of attempt \(old)") }
  }

  mutating func receiveNothing(_ block: TaskID, number: Int, at worker: Int, wasHolderDoomed: Bool) throws {
    guard workers[worker].isRunning, !workers[worker].isDoomed, !wasHolderDoomed else { return }
    if workers[worker].requests[block] == number && workers[worker].state.awaits(block) {
      throw fault("\(block) was asked for where it isn't held, by worker \(worker)")
    }
  }

  /// Does what the state machine wants done.
  mutating func carryOut(
    _ actions: inout [WorkerState.Action], at worker: Int, asksAgain: Bool = true
  ) throws {
    // Carrying out an action may yield others: they come at the end of the list.
    var next = 0
    while next < actions.count {
      let action = actions[next]
      next += 1
      switch action {
      case .run(let task):
        try check(task, at: worker)
        workers[worker].push(task)
      case .takeBack(let task, let attempt):
        let wasQueued = workers[worker].remove(task, attempt: attempt)
        workers[worker].state.answerRetract(task, attempt: attempt, wasQueued: wasQueued, into: &actions)
      case .holdBack(let task, let attempt):
        let wasQueued = workers[worker].remove(task, attempt: attempt)
        if wasQueued { report.heldBack += 1 }
        workers[worker].state.answerHoldBack(task, attempt: attempt, wasQueued: wasQueued, into: &actions)
      case .fetch(let first, let count, let holder, let isComing):
        requestCount += 1
        for block in blocks(from: first, count) { workers[worker].requests[block] = requestCount }
        let message = Happening.toWorker(
          Int(holder.number), .fetch(first: first, count: count, isComing: isComing), from: worker,
          number: requestCount)
        send(message, from: worker, to: Int(holder.number), options.requestDelay)
      case .present(let block, let task):
        send(.presented(task, block), from: worker, to: Self.scheduler, options.messageDelay)
      case .reply(let block, let task, let requester):
        try reply(block, of: task, from: worker, to: requester)
      case .spill(let orders): try write(orders, at: worker)
      case .load(let ticket, let task, let place, _): try read(task, at: place, ticket, at: worker)
      case .discard(let place):
        guard workers[worker].disk.removeValue(forKey: place) != nil else {
          throw fault("worker \(worker) gives a place on disk back that isn't in use")
        }
      case .refuse(let task, let requester, let error):
        guard report.diskFailures > 0 else { throw fault("\(task) is refused, though no disk has failed: \(error)") }
        send(
          .refused(to: requester, task, error, by: worker), from: worker, to: requester, options.transferDelay)
      case .send(let message):
        if case .failed(let task, _, let error) = message {
          workers[worker].failed.insert(task)
          try check(error, of: task, at: worker)
        }
        send(.toScheduler(message, from: worker), from: worker, to: Self.scheduler, options.messageDelay)
        if case .memory(let bytes) = message { workers[worker].reportedBytes = bytes }
        if case .finished = message, random.chance(options.badReports) {
          send(.toScheduler(message, from: worker), from: worker, to: Self.scheduler, options.messageDelay)
        }
      }
    }
    try tellSending(at: worker)
    try look(at: worker)
    wakeThread(of: worker)
    // Something has happened: there may be room now.
    guard asksAgain else { return }
    for (task, block) in workers[worker].heldUp { queue.add(.block(to: worker, task, block), at: now) }
    workers[worker].heldUp = []
  }

  mutating func receiveRefusal(of task: TaskID, _ error: MusterError, at worker: Int) throws {
    var actions: [WorkerState.Action] = []
    workers[worker].state.refused(task, because: error, into: &actions)
    try carryOut(&actions, at: worker)
  }

  /// A task fails of itself, where it doesn't fit, or where a disk has failed.
  private mutating func check(_ error: MusterError, of task: TaskID, at worker: Int) throws {
    switch error.code {
    case .taskFailed:
      guard options.mishaps[task]?.kind == .throwing || report.diskFailures > 0 else {
        throw fault("\(task) failed, though it didn't throw")
      }
    case .timedOut:
      guard options.mishaps[task]?.kind == .overrunning else { throw fault("\(task) failed, though it ran in time") }
    case .outOfMemory:
      report.misfits += 1
      let store = workers[worker].state.store
      if store.marks.limit > 0 && store.fixedBytes > store.marks.limit { break }
      let bytes = options.neededBytes(of: task, in: graph)
      guard bytes > workers[worker].memoryLimit else {
        throw fault("\(task) needs \(bytes) bytes, and fails for want of memory on worker \(worker)")
      }
    default: guard report.diskFailures > 0 else { throw fault("\(task) failed without a cause: \(error)") }
    }
  }

  // MARK: Threads

  /// A thread that is free looks for a task a moment later.
  private mutating func wakeThread(of worker: Int) {
    guard workers[worker].hasWork else { return }
    if options.threadDelay == 0...0 {
      begin(at: worker)
    } else {
      queue.add(.begin(worker), at: now + Int.random(in: options.threadDelay, using: &random))
    }
  }

  mutating func begin(at worker: Int) {
    while workers[worker].isRunning, let next = workers[worker].beginNext() {
      report.runs += 1
      report.runsByWorker[worker] += 1
      report.order.append(next.task)
      var duration = options.duration(next.task)
      if let limit = options.timeLimits[next.task.layer] {
        if meets(.overrunning, next.task) { duration = limit + Int.random(in: 0...3 * limit, using: &random) }
        workers[worker].timeLimits.began(next.task, next.attempt, next.layer, at: now)
        // Whoever looks does so in time: what ends late has failed.
        queue.add(.overdue(worker), at: now + limit)
      }
      queue.add(.done(worker, next, duration: duration), at: now + duration)
    }
  }

  /// A thread is done with a task. The state machine hears of it a moment later, when the thread of the messages
  /// looks.
  mutating func done(_ task: ReadyTask, duration: Int, at worker: Int) throws {
    workers[worker].busySlots -= 1
    // As `WorkQueue` does.
    let isLimited = task.layer.layer.timeout != nil
    guard workers[worker].timeLimits.ended(TaskRun(task.task, task.attempt), isLimited: isLimited) else {
      report.lateEnds += 1
      return wakeThread(of: worker)
    }
    let result = Result {
      if meets(.throwing, task.task) { throw MusterError(.taskFailed, "\(task.task) throws") }
      return try task.layer.layer.run(TaskInputs(index: Int(task.task.index), blocks: task.inputs))
    }
    .mapError { MusterError(.taskFailed, "\($0)") }
    let completion = Completion(
      task: task.task, attempt: task.attempt, result: result, nanoseconds: duration)
    if options.threadDelay == 0...0 {
      try complete(completion, at: worker)
    } else {
      queue.add(.completed(worker, completion), at: now + Int.random(in: options.threadDelay, using: &random))
      wakeThread(of: worker)
    }
  }

  /// The time of tasks is up. Their threads go on to the end of what they run.
  mutating func failOverdue(at worker: Int) throws {
    for late in workers[worker].timeLimits.takeOverdue(at: now) {
      report.overdue += 1
      let error = MusterError(.timedOut, "\(late.task) takes too long")
      try complete(
        Completion(
          task: late.task, attempt: late.attempt, result: .failure(error),
          nanoseconds: options.timeLimits[late.task.layer] ?? 0), at: worker)
    }
  }

  mutating func complete(_ completion: Completion, at worker: Int) throws {
    workers[worker].begun.remove(Attempted(task: completion.task, attempt: completion.attempt))
    var actions: [WorkerState.Action] = []
    workers[worker].state.completed(completion, into: &actions)
    try carryOut(&actions, at: worker)
  }

  // MARK: Checks

  private func blocks(from first: TaskID, _ count: Int) -> [TaskID] {
    (0..<count).map { TaskID(layer: Int(first.layer), index: Int(first.index) + $0) }
  }

  /// What the scheduler must keep to, and a report that is out of date in between.
  private mutating func check(_ assignment: Assignment, at worker: Int) throws {
    let task = assignment.task
    guard assignment.priority >> 32 == -Int64(urgencies[task.layer] ?? 0) else {
      throw fault("\(task) has the priority \(assignment.priority), which isn't of its graph's urgency")
    }
    guard !workers[worker].state.isAssigned(task) else { throw fault("\(task) assigned twice to worker \(worker)") }
    if !workers[worker].isDoomed {
      for (number, other) in workers.enumerated() where number != worker && !other.isDoomed {
        if other.state.isAssigned(task) { throw fault("\(task) assigned to the workers \(number) and \(worker)") }
      }
    }
    let inputs = Set(graph.inputs(of: task))
    var named = Set<TaskID>()
    for source in assignment.sources {
      for block in blocks(from: source.first, source.count) {
        guard inputs.contains(block) else { throw fault("\(block) is named for \(task), but not an input") }
        guard named.insert(block).inserted else { throw fault("\(block) is named twice for \(task)") }
      }
    }
    for input in inputs where !workers[worker].state.store.holds(input) && !named.contains(input) {
      // Assigned ahead: the worker is to compute it, or has failed to, and the scheduler hasn't heard yet.
      if options.configuration.assignsAhead && workers[worker].hasHad(input) { continue }
      throw fault("worker \(worker) doesn't hold \(input) for \(task), and isn't told who does")
    }
    if random.chance(options.badReports) {
      // Out of date: the worker hasn't computed anything yet.
      let old = assignment.attempt &- 1
      let message: Message =
        random.chance(0.5)
        ? .failed(task, old, MusterError(.taskFailed, "an old attempt"))
        : .finished(task, old, bytes: 1, nanoseconds: 1)
      send(.toScheduler(message, from: worker), from: worker, to: Self.scheduler, options.messageDelay)
    }
  }

  /// What the worker has to ask for, and whom.
  private func fetches(for assignment: Assignment, at worker: Int) -> [TaskID: WorkerID] {
    var fetches: [TaskID: WorkerID] = [:]
    let state = workers[worker].state
    // What a superseded attempt waited for is asked for again: its holder may be lost.
    let again = state.inputs(ofAssigned: assignment.task)
    for source in assignment.sources where !source.isAttached {
      for block in blocks(from: source.first, source.count) where !state.store.holds(block) {
        if !state.awaits(block) || again.contains(block) { fetches[block] = source.holder }
      }
    }
    return fetches
  }

  /// Every block is asked for once, of the holder that the scheduler names.
  private func check(_ actions: [WorkerState.Action], fetch expected: [TaskID: WorkerID], at worker: Int) throws {
    var left = expected
    for case .fetch(let first, let count, let holder, _) in actions {
      for block in blocks(from: first, count) where left.removeValue(forKey: block) != holder {
        throw fault("worker \(worker) asks \(holder) for \(block), which it holds, awaits or isn't to have from there")
      }
    }
    guard left.isEmpty else { throw fault("worker \(worker) doesn't ask for \(left.keys.sorted())") }
  }

  private func checkRelease(of block: TaskID, at worker: Int) throws {
    let state = workers[worker].state
    guard state.store.holds(block) else { return }
    for task in state.assignedTasks
    where state.inputs(ofAssigned: task).contains(block) && !workers[worker].hasBegun(task) {
      throw fault("\(block) is released on worker \(worker), where \(task) needs it")
    }
  }

  /// A task that is said to be ready has its own inputs, all of them, in order.
  private func check(_ ready: ReadyTask, at worker: Int) throws {
    let inputs = graph.inputs(of: ready.task)
    let attempted = Attempted(task: ready.task, attempt: ready.attempt)
    guard workers[worker].state.attempt(ofAssigned: ready.task) == ready.attempt,
      !workers[worker].begun.contains(attempted)
    else {
      throw fault("worker \(worker) is to run \(ready.task), which it wasn't given or has begun")
    }
    guard ready.inputs.count == inputs.count else {
      throw fault("worker \(worker) is to run \(ready.task) with \(ready.inputs.count) of \(inputs.count) inputs")
    }
  }

  /// Counts what the worker holds, and has it checked.
  private mutating func look(at worker: Int) throws {
    let held = workers[worker].state.heldBlocks.count
    blockCount += held - workers[worker].countedBlocks
    workers[worker].countedBlocks = held
    report.peakBlocks = max(report.peakBlocks, blockCount)
    report.peakBytes = max(report.peakBytes, workers[worker].state.storedBytes)
    guard options.checksInvariants else { return }
    let unreported = abs(workers[worker].state.storedBytes - workers[worker].reportedBytes)
    let limit = workers[worker].memoryLimit
    guard limit == 0 || unreported == 0 || unreported < limit / 32 else {
      throw fault("\(unreported) bytes have come or gone on worker \(worker), and weren't reported")
    }
    do { try workers[worker].state.checkInvariants() } catch { throw fault("worker \(worker): \(error)") }
  }
}
