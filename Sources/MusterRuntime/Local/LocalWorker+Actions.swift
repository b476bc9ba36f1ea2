internal import HeapModule
internal import MusterScheduling
internal import Synchronization

/// Carries out what the scheduler decides.
extension LocalWorker {
  func apply() {
    var next = 0
    repeat {
      while next < actions.count {
        next += 1
        apply(actions[next - 1])
      }
      holdBackUnexpected()
      // What comes to and from disk may end tasks and graphs.
      applyStoreActions()
      if places.areLost { failReady() }
    } while next < actions.count || !storeActions.isEmpty
    actions.removeAll(keepingCapacity: true)
    let abandoned = conductor.takeAbandoned()
    if !abandoned.isEmpty { coordination.tasksCancelled(abandoned) }
    if !asked.isEmpty { answerAsked() }
    for _ in 0..<min(idle, ready.count) { condition.signal() }
    lookForStallLocked()
  }

  @inline(__always)  // one call for each task and more
  func apply(_ action: Action) {
    switch action {
    case .assign(_, let assignment): assign(assignment)
    case .release(_, let task):
      if let block = store.take(task, into: &storeActions) { garbage.blocks.append(block) }
    case .complete(let graph): complete(graph)
    case .fail(let graph, let failure):
      guard let failed = waiting[graph] else { break }
      waiting[graph]?.failure = conductor.error(failure)
      coordination.graphFailed(failed.layers)
      conductor.handle(.released(graph), at: now, into: &actions)
    case .forget(let graph, let layers):
      coordination.forget(layers)
      pace.forget(layers)
      // Nothing that a failed collective began outlives it.
      if let ended = waiting[graph], let failure = ended.failure { end(graph, ended, .failure(failure)) }
    case .retract(_, let task, let attempt):
      var wasQueued = ready.unordered.contains { $0.task == task && $0.attempt == attempt }
      if wasQueued { ready = Heap(ready.unordered.filter { $0.task != task || $0.attempt != attempt }) }
      if blocked[task]?.attempt == attempt {
        blocked[task] = nil
        wasQueued = true
      }
      if wasQueued {
        store.end(.task(task), into: &storeActions)
      } else if conductor.scheduler.isAssigned(task) {
        // A thread has it.
        recalls[task] = attempt
        recallCount.add(1, ordering: .releasing)
        break
      }
      conductor.handle(.retracted(Self.worker, task, attempt, givenBack: wasQueued), at: now, into: &actions)
    case .resultReady(_, let task): futureReady(task)
    case .resultFailed(_, let task, let failure): futureFailed(task, failure)
    }
  }

  @inline(__always)
  func assign(_ assignment: Assignment) {
    let task = assignment.task
    let next = Ready(priority: assignment.priority, attempt: assignment.attempt, task: task)
    guard let layer = conductor.layers[task.layer] else {
      preconditionFailure("\(task) is of a layer that was forgotten")
    }
    let outputBytes = layer.expectedBytes
    // The inputs are asked for only where it matters: most graphs without large blocks are of many tasks.
    if store.isLight(task, outputBytes: outputBytes) { return ready.insert(next) }
    let inputs = inputs(of: task, in: layer)
    if store.isLight(task, inputs: inputs, outputBytes: outputBytes) { return ready.insert(next) }
    waitForRoom(next, inputs: inputs, outputBytes: outputBytes)
  }

  /// No thread is left for what is ready.
  private func failReady() {
    while let next = ready.popMin() {
      guard let layer = conductor.layers[next.task.layer]?.layer else { continue }
      let attempt = next.attempt
      let error = MusterError(
        taskError: places.exhaustion, layer: layer, task: next.task, rank: 0, attempt: Int(attempt))
      store.end(.task(next.task), into: &storeActions)
      conductor.failed(Self.worker, next.task, attempt, error, at: now, into: &actions)
    }
  }

  /// Tells the scheduler what blocks hold in memory, where that has changed much.
  func reportMemory() {
    guard let bytes = memoryReports.report(of: store.memoryBytes) else { return }
    conductor.handle(.memory(Self.worker, bytes: bytes), at: now, into: &actions)
    observeMemory()
    apply()
  }
}
