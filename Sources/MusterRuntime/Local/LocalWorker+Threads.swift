internal import HeapModule
internal import MusterScheduling
internal import Synchronization

/// The threads that run tasks.
extension LocalWorker {
  /// Runs tasks until the session's end; every thread calls it.
  func work() {
    let batch = Batch(worker: self)
    acquire()
    while !isShutDown {
      takeDropped()
      if runSome(batch) { continue }
      if !calls.isEmpty || hasGarbage {
        unlock()
        acquire()
        continue
      }
      if dropped.withLock({ !$0.isEmpty }) { continue }
      idle += 1
      rest()
      idle -= 1
    }
    relinquish()
  }

  /// Runs tasks on the calling thread until none is ready.
  func drain() {
    let batch = Batch(worker: self)
    acquire()
    repeat {
      takeDropped()
      if runSome(batch) { continue }
      if calls.isEmpty && !hasGarbage && isWaitingForDisk {
        idle += 1
        rest()
        idle -= 1
      } else {
        unlock()
        acquire()
      }
    } while !ready.isEmpty || !calls.isEmpty || hasGarbage || isWaitingForDisk || dropped.withLock { !$0.isEmpty }
    relinquish()
  }

  /// Takes some tasks and runs them, with the lock released meanwhile. Returns whether there were any, and room for them.
  func runSome(_ batch: Batch) -> Bool {
    guard let first = ready.min?.task.layer, places.hasRoom(running: running) else { return false }
    if hasGarbage, conductor.layers[first]?.layer.timeout != nil {
      // To drop that may take long, and isn't to count towards the task's time.
      unlock()
      acquire()
      return true
    }
    // A share of what there is: the other threads want some too.
    let share = max(1, ready.count / (2 * threads))
    var count = pace.batchSize(of: first, layerCount: conductor.layers[first]?.layer.tasks.count ?? 1, share: share)
    // A task that waits may wait for one of those taken with it, and another for one that has been run.
    if coordination.isUsed { count = 1 }
    while batch.tasks.count < count, let next = ready.popMin() {
      guard let layer = conductor.layers[next.task.layer] else {
        preconditionFailure("\(next.task) is of a layer that was forgotten")
      }
      let hasTimeout = layer.layer.timeout != nil
      // Its time is its own.
      if hasTimeout && !batch.tasks.isEmpty {
        ready.insert(next)
        break
      }
      batch.tasks.append(Taken(ready: next, layer: layer, inputs: takeInputs(of: next.task, in: layer)))
      guard hasTimeout else { continue }
      timeLimits.began(next.task, next.attempt, layer, at: now)
      startTimer()
      break
    }
    batch.seenRecalls = recallCount.load(ordering: .relaxed)
    running += 1
    takenCount += batch.tasks.count
    unlock()
    let end = run(batch)
    acquire()
    running -= 1
    guard !isShutDown else {
      // Nobody waits for it any more.
      unlock()
      batch.tasks.removeAll()
      acquire()
      return true
    }
    notePace(of: batch.tasks)
    finish(batch.tasks.indices, of: batch)
    for place in batch.tasks.indices
    where conductor.layers[batch.tasks[place].ready.task.layer] !== batch.tasks[place].layer {
      ended.append(batch.tasks[place].layer)
    }
    batch.tasks.removeAll(keepingCapacity: true)
    apply()
    events?.holds(store.memoryBytes, at: end)
    reportMemory()
    if !calls.isEmpty {
      unlock()
      acquire()
    }
    return true
  }

  private func notePace(of tasks: [Taken]) {
    guard let last = tasks.indices.last else { return }
    let layer = tasks[last].ready.task.layer
    var nanoseconds = 0
    for place in tasks.indices {
      nanoseconds += tasks[place].nanoseconds
      longestTask = max(longestTask, tasks[place].nanoseconds)
    }
    pace.ended(
      tasks.count, of: tasks[0].ready.task.layer == layer ? layer : nil,
      layerCount: tasks[last].layer.layer.tasks.count, nanoseconds: nanoseconds)
  }

  /// Returns when the last of the tasks ended.
  func run(_ batch: Batch) -> Int {
    CurrentTask.withThread(coordination, batch) { current in
      var begin = MonotonicClock.nanoseconds
      batch.current = 0
      while batch.current < batch.tasks.count {
        if recallCount.load(ordering: .acquiring) != batch.seenRecalls { withdraw(from: batch) }
        guard !batch.tasks[batch.current].isWithdrawn else {
          batch.current += 1
          continue
        }
        let ready = batch.tasks[batch.current].ready
        var inputs: [any Block] = []
        swap(&inputs, &batch.tasks[batch.current].inputs)
        let layer = batch.tasks[batch.current].layer
        let result = current.run(ready.task, ready.attempt, of: layer, inputs: inputs, at: begin)
        let end = MonotonicClock.nanoseconds
        events?.ran(
          ready.task, attempt: ready.attempt, begin: begin, end: end,
          bytes: layer.layer.exceedsTimeout(end - begin) ? nil : result.byteCount)
        // Its place may be another one than before: where it has waited the others are gone.
        batch.tasks[batch.current].result = result
        batch.tasks[batch.current].nanoseconds = end - begin
        batch.current += 1
        if end - begin > TaskPace.longNanoseconds, batch.current < batch.tasks.count { giveBackRest(of: batch) }
        begin = end
      }
      return begin
    }
  }

  /// Lets others have what a thread has taken and not begun: it was taken for short.
  private func giveBackRest(of batch: Batch) {
    acquire()
    let rest = batch.tasks[batch.current...]
    batch.tasks.removeSubrange(batch.current...)
    if isShutDown {
      relinquish()
    } else {
      giveBack(rest)
      finishChange()
    }
    // What they would have taken may go only where the lock isn't held.
    extendLifetime(rest)
  }

  /// Puts tasks back that a thread has taken and not begun.
  func giveBack(_ tasks: ArraySlice<Taken>) {
    for task in tasks {
      takenCount -= 1
      guard !task.isWithdrawn, !answerRecall(of: task.ready, givenBack: true) else { continue }
      // Meanwhile its layer may have turned out to make large blocks.
      if store.needsRoom(task.ready.task) {
        waitForRoom(
          task.ready, inputs: inputs(of: task.ready.task, in: task.layer), outputBytes: task.layer.expectedBytes)
      } else {
        ready.insert(task.ready)
      }
    }
  }

  /// Gives back what was asked for of the tasks that a thread has taken and not begun.
  private func withdraw(from batch: Batch) {
    acquire()
    guard !isShutDown else { return relinquish() }
    batch.seenRecalls = recallCount.load(ordering: .relaxed)
    var dropped: [[any Block]] = []
    for place in batch.current..<batch.tasks.count {
      let ready = batch.tasks[place].ready
      guard answerRecall(of: ready, givenBack: true) else { continue }
      batch.tasks[place].isWithdrawn = true
      dropped.append([])
      swap(&dropped[dropped.count - 1], &batch.tasks[place].inputs)
    }
    finishChange()
    dropped.removeAll()
  }

  /// Tells the scheduler what became of a task that was to be given back. Returns whether it was to be.
  @discardableResult
  func answerRecall(of ready: Ready, givenBack: Bool) -> Bool {
    guard !recalls.isEmpty, recalls[ready.task] == ready.attempt else { return false }
    recalls[ready.task] = nil
    if givenBack { store.end(.task(ready.task), into: &storeActions) }
    conductor.handle(
      .retracted(Self.worker, ready.task, ready.attempt, givenBack: givenBack), at: now, into: &actions)
    return true
  }

  func inputs(of task: TaskID, in layer: RegisteredLayer) -> [TaskID] {
    inputIDs.removeAll(keepingCapacity: true)
    layer.layer.tasks.inputs(Int(task.index), &inputIDs)
    return inputIDs
  }

  private func takeInputs(of task: TaskID, in layer: RegisteredLayer) -> [any Block] {
    inputs(of: task, in: layer).map { id in
      guard let block = store.block(of: id) else { preconditionFailure("the block of \(id) isn't there for \(task)") }
      return block
    }
  }

  /// Tells what became of tasks that a thread has taken. They ended just now, one like the other.
  func finish(_ places: Range<Int>, of batch: Batch) {
    guard !places.isEmpty else { return }
    let time = now
    for place in places { finish(&batch.tasks[place], at: time) }
  }

  /// Takes the task's result.
  private func finish(_ taken: inout Taken, at time: Int) {
    takenCount -= 1
    let (task, attempt) = (taken.ready.task, taken.ready.attempt)
    guard !taken.isWithdrawn else {
      _ = timeLimits.ended(TaskRun(task, attempt), isLimited: taken.layer.layer.timeout != nil)
      return
    }
    answerRecall(of: taken.ready, givenBack: false)
    guard timeLimits.ended(TaskRun(task, attempt), isLimited: taken.layer.layer.timeout != nil) else {
      // It has failed before. What comes of it now is of no interest, but it gives its place back. What it holds goes
      // outside of the lock.
      if case .success(let block)? = taken.result { garbage.blocks.append(block) }
      ended.append(taken.layer)
      places.takeBackOverdue(TaskRun(task, attempt))
      return tellSlots()
    }
    var result: Result<any Block, any Error>?
    swap(&result, &taken.result)
    switch result! {
    case .success(let block):
      let bytes = block.byteCount
      // What it took to make it tells how many others may be made at a time, from now on.
      if budget.isLookDue(storing: bytes) { observeMemory(with: bytes) }
      store.finish(task, with: block, byteCount: bytes, into: &storeActions)
      conductor.handle(
        .finished(Self.worker, task, attempt, bytes: bytes, nanoseconds: taken.nanoseconds), at: time, into: &actions)
      if boardTotal > 0 { board?.taskFinished() }
    case .failure(let error):
      let told = MusterError(
        taskError: error, layer: taken.layer.layer, task: task, rank: 0, attempt: Int(attempt))
      store.end(.task(task), into: &storeActions)
      conductor.failed(Self.worker, task, attempt, told, at: time, into: &actions)
    }
  }
}
