/// Tasks that can't be computed, and what follows for others.
extension Scheduler {
  /// A task threw. It's run again while it has retries left.
  mutating func threw(_ task: Int, attempt: Attempt, on worker: Int, into actions: inout [Action]) {
    let id = tasks.id(of: task)
    let layer = Int(tasks.records[task].layer)
    let hasStrayCopy = tasks.records[task].flags.contains(.strayCopy)
    unassign(task, from: worker)
    recallFollowers(of: task, into: &actions)
    tasks.records[task].state = .waiting
    touch(worker)
    let tried = tries[UInt32(task), default: 0] + 1
    // What nothing needs any more hasn't failed for good: a lost worker may have it needed again.
    let isToBeTried = tried <= layers[layer].retries || !tasks.records[task].isNeeded
    if isToBeTried || tasks.records[task].flags.contains(.cancelled) {
      tries[UInt32(task)] = tried
      requeue(task, into: &actions)
    }
    // What was fetched for the task alone is of no use there.
    for edge in tasks.inputRange(of: task) { dropStrayCopy(of: Int(tasks.inputs[edge]), on: worker, into: &actions) }
    if hasStrayCopy { dropStrayCopy(of: task, on: worker, into: &actions) }
    guard tasks.records[task].state == .waiting, !isToBeTried else { return }
    failures[UInt32(task)] = .taskFailed(id, attempt, WorkerID(worker))
    fail(task, origin: task, into: &actions)
  }

  /// A task isn't to be run, whoever needs it.
  mutating func cancel(_ id: TaskID, into actions: inout [Action]) {
    guard let task = tasks.ordinals[id], tasks.records[task].isOutstanding else { return }
    guard !tasks.records[task].flags.contains(.cancelled) else { return }
    failures[UInt32(task)] = .taskCancelled(id)
    fail(task, origin: task, into: &actions)
  }

  /// Tasks that workers still have though all that needed them has failed, since this was last asked.
  package mutating func takeAbandoned() -> [TaskID] {
    guard !abandoned.isEmpty else { return [] }
    var taken: [TaskID] = []
    swap(&taken, &abandoned)
    return taken
  }

  /// A task can't be computed, and so nothing that needs it can: `origin` is the task with which it began. Within another
  /// graph it begins with the first task there: the graph where it really began may go before that one.
  mutating func fail(_ first: Int, origin: Int, into actions: inout [Action]) {
    var stack = [(first, origin)]
    while let (task, reason) = stack.popLast() {
      var origin = reason
      let record = tasks.records[task]
      guard record.isOutstanding, !record.flags.contains(.cancelled) else { continue }
      if record.state == .assigned {
        // One that has begun although an input was lost since may have what it needs; what is cancelled is to end, and
        // what was assigned ahead waits in vain.
        guard task == first || isAhead(task) else { continue }
        if task != first {
          failures[UInt32(task)] = failure(of: origin)
          origin = task
        }
        tasks.records[task].flags.insert(.cancelled)
        recall(task, into: &actions)
      } else {
        if origin != task && !graphs[place(ofTask: task)].tasks.contains(origin) {
          failures[UInt32(task)] = failure(of: origin)
          origin = task
        }
        leaveReady(task)
        becomeFailed(task, origin: origin, into: &actions)
      }
      var places: [Int] = []
      forEachKeeper(of: task) { places.append($0) }
      for place in places { reportFailure(of: task, origin: origin, to: place, into: &actions) }
      for consumer in tasks.consumers(of: task) { stack.append((consumer, origin)) }
    }
  }

  /// A task that no worker has is failed for good.
  mutating func becomeFailed(_ task: Int, origin: Int, into actions: inout [Action]) {
    tasks.records[task].state = .failed
    tasks.records[task].worker = -1
    tasks.records[task].position = UInt32(origin)
    countEnd(inLayer: Int(tasks.records[task].layer), of: task)
    isFailing = true
    for edge in tasks.inputRange(of: task) { stopNeeding(Int(tasks.inputs[edge]), into: &actions) }
    isFailing = false
  }

  /// A graph hears that a result of it can't be computed.
  mutating func reportFailure(of task: Int, origin: Int, to place: Int, into actions: inout [Action]) {
    let failure = failure(of: origin)
    let graph = graphs[place].id
    if graphs[place].reportsEachResult { actions.append(.resultFailed(graph, tasks.id(of: task), failure)) }
    guard !graphs[place].hasFailed else { return }
    graphs[place].hasFailed = true
    actions.append(.fail(graph, failure))
  }

  private func failure(of origin: Int) -> SchedulingFailure {
    failures[UInt32(origin)] ?? .taskCancelled(tasks.id(of: origin))
  }

  /// Why tasks have failed whose graphs aren't gone.
  package var standingFailures: some Collection<SchedulingFailure> { failures.values }

  /// A worker is done with a task that was cancelled meanwhile.
  mutating func endCancelled(_ task: Int, into actions: inout [Action]) {
    tasks.records[task].flags.remove(.cancelled)
    becomeFailed(task, origin: task, into: &actions)
  }

  /// A worker has computed what nobody asked it for any more.
  func releaseUnknown(_ id: TaskID, on worker: WorkerID, into actions: inout [Action]) {
    guard isAlive(Int(worker.number)) else { return }
    if let task = tasks.ordinals[id] {
      let record = tasks.records[task]
      guard record.state == .failed || record.state == .released else { return }
    }
    actions.append(.release(worker, id))
  }
}
