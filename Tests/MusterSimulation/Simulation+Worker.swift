import MusterScheduling

/// What the simulated workers do, by the protocol in the documentation of `Scheduler`.
extension Simulation {
  mutating func receive(_ action: Action, at worker: Int) throws {
    switch action {
    case .assign(_, let assignment): try accept(assignment, at: worker)
    case .retract(_, let task, let attempt): giveBack(task, attempt, at: worker)
    case .release(_, let block): try drop(block, at: worker)
    case .complete, .fail: break
    }
    begin(at: worker)
  }

  private mutating func accept(_ assignment: Assignment, at worker: Int) throws {
    let task = assignment.task
    guard workers[worker].tasks[task] == nil else { throw fault("\(task) assigned twice to worker \(worker)") }
    if !workers[worker].isDoomed {
      for (number, other) in workers.enumerated() where number != worker && !other.isDoomed {
        if other.tasks[task] != nil { throw fault("\(task) assigned to the workers \(number) and \(worker)") }
      }
    }
    let inputs = Set(graph.inputs(of: task))
    var entry = SimulatedWorker.Entry(
      attempt: assignment.attempt, priority: assignment.priority, inputs: inputs, missing: [])
    var named = Set<TaskID>()
    for source in assignment.sources {
      for offset in 0..<source.count {
        let block = TaskID(layer: Int(source.first.layer), index: Int(source.first.index) + offset)
        guard inputs.contains(block) else { throw fault("\(block) is named for \(task), but not an input") }
        guard named.insert(block).inserted else { throw fault("\(block) is named twice for \(task)") }
        if workers[worker].blocks[block] != nil { continue }
        entry.missing.insert(block)
        guard workers[worker].requests[block] == nil else { continue }
        requestCount += 1
        workers[worker].requests[block] = requestCount
        let holder = Int(source.holder.number)
        send(.request(from: worker, to: holder, block, number: requestCount), from: worker, to: holder, 1...1000)
      }
    }
    for input in inputs where workers[worker].blocks[input] == nil && !named.contains(input) {
      throw fault("worker \(worker) doesn't hold \(input) for \(task), and isn't told who does")
    }
    workers[worker].tasks[task] = entry
    if random.chance(options.badReports) {
      // Out of date: the worker hasn't computed anything yet.
      let old = assignment.attempt &- 1
      let isFailure = random.chance(0.5)
      tell(
        isFailure
          ? .failed(WorkerID(worker), task, old)
          : .finished(WorkerID(worker), task, old, bytes: 1, nanoseconds: 1), from: worker)
    }
  }

  private mutating func giveBack(_ task: TaskID, _ attempt: Attempt, at worker: Int) {
    var isGivenBack = false
    if let entry = workers[worker].tasks[task], entry.attempt == attempt, !entry.hasBegun {
      isGivenBack = true
      workers[worker].tasks[task] = nil
      for block in entry.missing where !workers[worker].isAwaited(block) { workers[worker].requests[block] = nil }
    }
    tell(.retracted(WorkerID(worker), task, attempt, givenBack: isGivenBack), from: worker)
  }

  private mutating func drop(_ block: TaskID, at worker: Int) throws {
    guard workers[worker].blocks.removeValue(forKey: block) != nil else { return }
    blockCount -= 1
    workers[worker].heldBytes -= options.bytes(block)
    for (task, entry) in workers[worker].tasks where !entry.hasBegun && entry.inputs.contains(block) {
      throw fault("\(block) is released on worker \(worker), where \(task) needs it")
    }
    reportMemory(of: worker)
  }

  private mutating func store(_ block: TaskID, _ value: UInt64, at worker: Int) {
    guard workers[worker].blocks.updateValue(value, forKey: block) == nil else { return }
    blockCount += 1
    workers[worker].heldBytes += options.bytes(block)
    report.peakBlocks = max(report.peakBlocks, blockCount)
    report.peakBytes = max(report.peakBytes, workers[worker].heldBytes)
  }

  mutating func answerRequest(from requester: Int, to holder: Int, _ block: TaskID, _ number: Int) {
    // Nothing answers for a worker that is gone, or an error does.
    guard workers[holder].isRunning || random.chance(0.5) else { return }
    let value = workers[holder].blocks[block]
    let bytes = value == nil ? 0 : options.bytes(block)
    if value != nil {
      report.transfers += 1
      report.transferredBytes += bytes
    }
    let delay = (options.transferDelay.lowerBound + bytes)...(options.transferDelay.upperBound + bytes)
    let reply = Happening.reply(
      to: requester, block, number: number, value: value, wasHolderDoomed: workers[holder].isDoomed)
    send(reply, from: holder, to: requester, delay)
  }

  mutating func receive(
    _ block: TaskID, _ number: Int, _ value: UInt64?, at worker: Int, wasHolderDoomed: Bool
  ) throws {
    guard workers[worker].isRunning else { return }
    let isCurrent = workers[worker].requests[block] == number
    guard let value else {
      if isCurrent && !wasHolderDoomed && !workers[worker].isDoomed {
        throw fault("\(block) was asked for where it isn't held, by worker \(worker)")
      }
      return
    }
    guard workers[worker].isAwaited(block) else { return }
    workers[worker].requests[block] = nil
    store(block, value, at: worker)
    for task in workers[worker].tasks.keys { workers[worker].tasks[task]?.missing.remove(block) }
    begin(at: worker)
  }

  private mutating func begin(at worker: Int) {
    while let task = workers[worker].nextTask, let entry = workers[worker].tasks[task] {
      workers[worker].tasks[task]?.hasBegun = true
      workers[worker].busySlots += 1
      report.runs += 1
      report.runsByWorker[worker] += 1
      report.order.append(task)
      // Inputs that were asked for and are there can't have been dropped since: `drop` sees to it.
      let values = graph.inputs(of: task).map { workers[worker].blocks[$0] ?? 0 }
      let duration = options.duration(task)
      queue.add(
        .done(
          worker, task, entry.attempt, value: simulatedValue(of: task, inputs: values), duration: duration),
        at: now + duration)
    }
  }

  mutating func done(_ task: TaskID, _ attempt: Attempt, _ value: UInt64, _ duration: Int, at worker: Int) {
    workers[worker].busySlots -= 1
    workers[worker].tasks[task] = nil
    if task == options.failing {
      tell(.failed(WorkerID(worker), task, attempt), from: worker)
    } else {
      store(task, value, at: worker)
      let finished = Event.finished(
        WorkerID(worker), task, attempt, bytes: options.bytes(task), nanoseconds: duration)
      tell(finished, from: worker)
      if random.chance(options.badReports) { tell(finished, from: worker) }
      reportMemory(of: worker)
    }
    begin(at: worker)
  }

  private mutating func reportMemory(of worker: Int) {
    guard random.chance(options.memoryReports) else { return }
    tell(.memory(WorkerID(worker), bytes: workers[worker].heldBytes), from: worker)
  }

  private mutating func tell(_ event: Event, from worker: Int) {
    send(.toScheduler(event), from: worker, to: Self.scheduler, options.messageDelay)
  }
}
