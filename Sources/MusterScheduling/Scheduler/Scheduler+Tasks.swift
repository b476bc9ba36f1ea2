/// The life of a task: assigned, finished, given back, needed no longer.
extension Scheduler {
  /// The ordinal of a task that this worker has with this attempt; nil where a report is out of date.
  func assignedTask(_ id: TaskID, _ attempt: Attempt, to worker: WorkerID) -> Int? {
    guard isAlive(Int(worker.number)), let task = tasks.ordinals[id] else { return nil }
    let record = tasks.records[task]
    guard record.state == .assigned, record.worker == worker.number, record.attempt == attempt else { return nil }
    return task
  }

  /// Hands a task whose inputs are all available to a worker.
  mutating func assign(_ task: Int, to worker: Int, into actions: inout [Action]) {
    let sources = tasks.isRoot(task) ? [] : sources(of: task, for: worker)
    tasks.records[task].attempt = tasks.records[task].attempt == .max ? 1 : tasks.records[task].attempt + 1
    tasks.records[task].state = .assigned
    tasks.records[task].worker = Int32(worker)
    tasks.records[task].position = UInt32(workers[worker].queue.count)
    noteUrgency(of: task, on: worker)
    workers[worker].queue.append(UInt32(task))
    if workers[worker].queue.count == workers[worker].slots { workers[worker].fullSince = now }
    let record = tasks.records[task]
    let layer = Int(record.layer)
    layers[layer].assigned += 1
    workers[worker].expected += layers[layer].expectedBytes
    assigned += 1
    updateLoad(of: worker)
    noteAssigned(task)
    if assignsAhead {
      if !tasks.isRoot(task) { noteShare(of: task, on: worker) }
      noteFollowers(of: task)
    }
    actions.append(
      .assign(
        WorkerID(worker),
        Assignment(
          task: tasks.id(of: task), attempt: record.attempt, priority: assignedPriority(of: task),
          isShared: record.isKept && layers[layer].hasFewResults || joinsOthers(task),
          isBrief: pace(ofLayer: layer).isBrief, sources: sources)))
  }

  /// More results than these are better asked for many at a time.
  static var fewResults: Int { 256 }
  /// More inputs than these are better fetched many at a time.
  private static var fewInputs: Int { 8 }

  /// Whether what takes the block of a task takes a few others too, which may be made elsewhere. O(1): the first one tells.
  private func joinsOthers(_ task: Int) -> Bool {
    guard workers.count > 1, let consumer = tasks.ownConsumerRange(of: task).first else { return false }
    return (2...Self.fewInputs).contains(tasks.inputRange(of: Int(tasks.consumers[consumer])).count)
  }

  /// Takes a task from the worker that it's assigned to. The caller sets its next state.
  mutating func unassign(_ task: Int, from worker: Int) {
    let position = Int(tasks.records[task].position)
    if let last = workers[worker].queue.popLast(), last != UInt32(task) {
      workers[worker].queue[position] = last
      tasks.records[Int(last)].position = UInt32(position)
    }
    if isAhead(task) { countAhead(on: worker, by: -1) }
    if layers[Int(tasks.records[task].layer)].urgency == workers[worker].topUrgency { workers[worker].topCount -= 1 }
    tasks.records[task].worker = -1
    tasks.records[task].flags.subtract([.begun, .strayCopy, .ahead])
    let layer = Int(tasks.records[task].layer)
    layers[layer].assigned -= 1
    workers[worker].expected -= layers[layer].expectedBytes
    assigned -= 1
    dropRetraction(of: task, by: worker)
    updateLoad(of: worker)
    noteUnassigned(task)
  }

  mutating func finish(
    _ task: Int, on worker: Int, bytes: Int, nanoseconds: Int, into actions: inout [Action]
  ) {
    unassign(task, from: worker)
    tasks.records[task].bytes = max(0, bytes)
    sample(nanoseconds, ofLayer: Int(tasks.records[task].layer))
    workers[worker].pace.sample(nanoseconds)
    workers[worker].fullSince = now
    touch(worker)
    if !crowdedOut.isEmpty { reconsiderFollowers() }
    if tasks.records[task].flags.contains(.cancelled) {
      actions.append(.release(WorkerID(worker), tasks.id(of: task)))
      for edge in tasks.inputRange(of: task) { dropStrayCopy(of: Int(tasks.inputs[edge]), on: worker, into: &actions) }
      return endCancelled(task, into: &actions)
    }
    becomeAvailable(task, on: worker, into: &actions)
    for edge in tasks.inputRange(of: task) {
      let input = Int(tasks.inputs[edge])
      keepCopy(of: input, on: worker, into: &actions)
      stopNeeding(input, into: &actions)
    }
    if !tasks.records[task].isNeeded { discard(task, into: &actions) }
  }

  /// A block came to be, on one worker.
  mutating func becomeAvailable(_ task: Int, on worker: Int, into actions: inout [Action]) {
    tasks.records[task].state = .finished
    tasks.records[task].worker = Int32(worker)
    workers[worker].held += tasks.records[task].bytes
    countAsDone(task)
    countResult(task, by: -1, into: &actions)
    for edge in tasks.ownConsumerRange(of: task) { meetInput(of: Int(tasks.consumers[edge])) }
    guard tasks.records[task].flags.contains(.late) else { return }
    for consumer in tasks.lateConsumers[UInt32(task)] ?? [] { meetInput(of: Int(consumer)) }
  }

  /// An input of a task came to be available.
  private mutating func meetInput(of consumer: Int) {
    guard tasks.records[consumer].isOutstanding else { return }
    tasks.records[consumer].unmet -= 1
    guard tasks.records[consumer].unmet == 0 else { return }
    endLead(of: consumer)
    if tasks.records[consumer].state == .waiting {
      tasks.records[consumer].state = .ready
      tasks.records[consumer].worker = -1
      unplaced.append(UInt32(consumer))
    }
  }

  /// A task that consumed `input` finished on `worker`, which therefore holds a copy.
  private mutating func keepCopy(of input: Int, on worker: Int, into actions: inout [Action]) {
    switch tasks.records[input].state {
    case .finished:
      guard !holds(worker, input) else { return }
      if tasks.records[input].wanted == 1 && !tasks.records[input].isKept {
        // The last use: all copies go at once.
        actions.append(.release(WorkerID(worker), tasks.id(of: input)))
      } else {
        addHolder(worker, of: input)
      }
    case .waiting, .ready, .withheld:
      // Its holders were lost and it was to be computed again: the copy saves that.
      leaveReady(input)
      becomeAvailable(input, on: worker, into: &actions)
      for edge in tasks.inputRange(of: input) { stopNeeding(Int(tasks.inputs[edge]), into: &actions) }
    case .assigned, .released, .failed:
      dropStrayCopy(of: input, on: worker, into: &actions)
    }
  }

  /// Has a worker drop a copy that it isn't counted a holder of, unless a task that it has may use it: then what
  /// becomes of that task decides. The worker may turn out to hold none.
  mutating func dropStrayCopy(of task: Int, on worker: Int, into actions: inout [Action]) {
    let record = tasks.records[task]
    if record.state == .finished && holds(worker, task) { return }
    if record.state == .assigned && record.worker == Int32(worker) {
      // The copy and the block that it's computing are one to the worker. Should it give the task back, it's a copy.
      tasks.records[task].flags.insert(.strayCopy)
      return
    }
    let consumers = tasks.consumers(of: task)
    let isUsed =
      if consumers.count < workers[worker].queue.count {
        consumers.contains { number in
          let consumer = tasks.records[number]
          return consumer.state == .assigned && consumer.worker == Int32(worker)
        }
      } else {
        workers[worker].queue.contains { tasks.isConsumer($0, of: task) }
      }
    if !isUsed { actions.append(.release(WorkerID(worker), tasks.id(of: task))) }
  }

  /// One consumer of a task less is to be run.
  mutating func stopNeeding(_ task: Int, into actions: inout [Action]) {
    tasks.records[task].wanted -= 1
    abandonUnneeded(task, into: &actions)
  }

  /// Lets go of a task that nothing may need any more, and of what was to be computed for it alone.
  mutating func abandonUnneeded(_ first: Int, into actions: inout [Action]) {
    guard !tasks.records[first].isNeeded else { return }
    // Abandoning a task means that its own inputs are needed less: a stack, since chains are long.
    var stack = [first]
    while let task = stack.popLast() {
      switch tasks.records[task].state {
      case .finished:
        discard(task, into: &actions)
      case .waiting, .ready, .withheld:
        leaveReady(task)
        tasks.records[task].state = .released
        countAsDone(task)
        for edge in tasks.inputRange(of: task) {
          let input = Int(tasks.inputs[edge])
          tasks.records[input].wanted -= 1
          if !tasks.records[input].isNeeded { stack.append(input) }
        }
      case .assigned:
        if isFailing { abandoned.append(tasks.id(of: task)) }
        // What has begun is discarded when it's finished.
        recall(task, into: &actions)
      case .released, .failed: break
      }
    }
  }

  /// Releases a block that nothing needs, wherever it's held.
  private mutating func discard(_ task: Int, into actions: inout [Action]) {
    let record = tasks.records[task]
    if let set = replicas.removeValueIfReplicated(task, record) {
      for holder in set { drop(task, on: holder, into: &actions) }
      tasks.records[task].flags.remove(.replicated)
    } else {
      drop(task, on: Int(record.worker), into: &actions)
    }
    tasks.records[task].state = .released
    tasks.records[task].worker = -1
  }

  private mutating func drop(_ task: Int, on worker: Int, into actions: inout [Action]) {
    workers[worker].held = max(0, workers[worker].held - tasks.records[task].bytes)
    if workers[worker].isFull { touch(worker) }
    actions.append(.release(WorkerID(worker), tasks.id(of: task)))
  }

  /// A task that was assigned is to be run again, or as soon as its inputs are available again.
  mutating func requeue(_ task: Int, into actions: inout [Action]) {
    if tasks.records[task].flags.contains(.cancelled) { return endCancelled(task, into: &actions) }
    guard tasks.records[task].isNeeded else {
      tasks.records[task].state = .released
      countAsDone(task)
      for edge in tasks.inputRange(of: task) { stopNeeding(Int(tasks.inputs[edge]), into: &actions) }
      return
    }
    if tasks.records[task].unmet > 0 {
      tasks.records[task].state = .waiting
      guard !failures.isEmpty else { return }
      for edge in tasks.inputRange(of: task) {
        let input = tasks.records[Int(tasks.inputs[edge])]
        if input.state == .failed { return fail(task, origin: Int(input.position), into: &actions) }
      }
    } else {
      tasks.records[task].state = .ready
      tasks.records[task].worker = -1
      unplaced.append(UInt32(task))
    }
  }

  /// Takes a task that is ready, withheld or waiting out of the counts of these states. The caller sets the next one.
  mutating func leaveReady(_ task: Int) {
    switch tasks.records[task].state {
    case .withheld:
      withheld -= 1
    case .ready:
      let worker = Int(tasks.records[task].worker)
      if worker >= 0 {
        workers[worker].backlogCount -= 1
        backlogged -= 1
        updateLoad(of: worker)
        tasks.records[task].worker = -1
      }
    case .waiting, .assigned, .finished, .released, .failed:
      break
    }
  }

  private mutating func countAsDone(_ task: Int) { countEnd(inLayer: Int(tasks.records[task].layer), of: task) }

  mutating func countAsOutstanding(_ task: Int) {
    outstanding += 1
    layers[Int(tasks.records[task].layer)].finished -= 1
    var none: [Action] = []
    countResult(task, by: 1, into: &none)
  }
}

extension [UInt32: HolderSet] {
  /// The flag in the record spares the lookup for the many blocks with one holder.
  fileprivate mutating func removeValueIfReplicated(_ task: Int, _ record: TaskRecord) -> HolderSet? {
    record.flags.contains(.replicated) ? removeValue(forKey: UInt32(task)) : nil
  }
}
