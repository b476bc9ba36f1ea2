internal import HeapModule
internal import MusterScheduling

/// Blocks between memory and disk. Everything but `diskDone` is called with the lock held.
extension LocalWorker {
  /// Whether something goes on when the disk is done with what it does.
  var isWaitingForDisk: Bool { (!blocked.isEmpty || !resultsAwaited.isEmpty) && store.isBusy && !isShutDown }

  /// Does what the store wants done. It may want more thereupon: that comes at the end of the list.
  func applyStoreActions() {
    guard !storeActions.isEmpty else { return }
    var next = 0
    while next < storeActions.count {
      next += 1
      apply(storeActions[next - 1])
    }
    storeActions.removeAll(keepingCapacity: true)
  }

  private func apply(_ action: BlockStore.Action) {
    switch action {
    case .ready(.task(let task)):
      if let next = blocked.removeValue(forKey: task) { ready.insert(next) }
    case .ready(.results(let number)): complete(withResultsInMemory: GraphID(Int(number)))
    case .drop(let block, let leaving):
      garbage.blocks.append(block)
      garbage.leavingBytes += leaving
    case .spill(let orders): startedSpiller()?.spill(orders)
    case .load(let ticket, let task, let place):
      if let layer = conductor.layers[task.layer]?.layer {
        startedSpiller()?.load(ticket, of: task, at: place, as: layer.blockType)
      } else {
        let error = MusterError(.internal, "the block of \(task) is of a layer that isn't known any more")
        store.loadFailed(ticket, error, into: &storeActions)
      }
    case .discard(let place): startedSpiller()?.discard(place)
    case .failed(.task(let task), let error): fail(task, because: error)
    case .failed(.results(let number), let error):
      let graph = GraphID(Int(number))
      guard resultsAwaited.remove(graph) != nil, let failed = waiting[graph] else { break }
      if graph == Self.gathering {
        end(graph, failed, .failure(error))
      } else {
        waiting[graph]?.failure = error
        release(graph)
      }
    case .cannotFit(.task(let task), let inputBytes, let outputBytes):
      guard let next = blocked[task], let layer = conductor.layers[task.layer]?.layer else { break }
      let error = TaskFit.error(
        task: task, of: layer, rank: 0, attempt: Int(next.attempt), inputBytes: inputBytes, outputBytes: outputBytes,
        marks: store.marks)
      fail(task, because: error!)
    case .unavailable(.results): break  // the graph has ended otherwise
    case .ready(.member), .failed(.member, _), .unavailable, .cannotFit:
      preconditionFailure("one process asks for no block that it hasn't got")
    }
  }

  /// Tasks that were let through since nothing large was known of their layers wait for room after all.
  func holdBackUnexpected() {
    guard store.takeUnexpected().contains(where: conductor.layers.hasSeveralTasks) else { return }
    let light = ready.unordered.filter { store.needsRoom($0.task) }
    guard !light.isEmpty else { return }
    ready = Heap(ready.unordered.filter { !store.needsRoom($0.task) })
    for next in light {
      guard let layer = conductor.layers[next.task.layer] else { continue }
      waitForRoom(next, inputs: inputs(of: next.task, in: layer), outputBytes: layer.expectedBytes)
    }
  }

  /// A task whose inputs are there begins when there is room.
  func waitForRoom(_ next: Ready, inputs: [TaskID], outputBytes: Int) {
    blocked[next.task] = next
    store.want(.task(next.task), inputs: inputs, priority: next.priority, outputBytes: outputBytes)
    store.prepare(.task(next.task), into: &storeActions)
  }

  /// A task fails before it has begun.
  private func fail(_ task: TaskID, because error: MusterError) {
    guard let next = blocked.removeValue(forKey: task), let layer = conductor.layers[task.layer]?.layer else { return }
    let told = MusterError(taskError: error, layer: layer, task: task, rank: 0, attempt: Int(next.attempt))
    conductor.failed(Self.worker, task, next.attempt, told, at: now, into: &actions)
  }

  // MARK: Results

  /// Some of a graph's results are on disk.
  func awaitResults(of graph: GraphID, _ results: [TaskID]) {
    resultsAwaited.insert(graph)
    store.want(.results(graph.number), inputs: results, priority: .min)
    store.prepare(.results(graph.number), into: &storeActions)
  }

  private func complete(withResultsInMemory graph: GraphID) {
    guard resultsAwaited.remove(graph) != nil, let ended = waiting[graph], ended.failure == nil else { return }
    end(graph, ended, .success(ComputedBlocks(blocks: ended.results.map { store.block(of: $0)! })))
    store.end(.results(graph.number), into: &storeActions)
    release(graph)
  }

  // MARK: The disk

  /// nil where the session is over: then nothing is needed any more.
  private func startedSpiller() -> Spiller? {
    if let spiller { return spiller }
    guard !isShutDown else { return nil }
    let new = Spiller(scratch: scratch, events: events) { [weak self] in
      self?.diskDone()
    }
    spiller = new
    return new
  }

  /// On a thread of the spiller's, without the lock.
  private func diskDone() {
    acquire()
    guard let spiller else { return relinquish() }
    var completions: [Spiller.Completion] = []
    spiller.takeCompletions(into: &completions)
    for completion in completions { store.receive(completion, into: &storeActions) }
    apply()
    reportMemory()
    var garbage = takeGarbage()
    // The program's calls are for another thread: the spiller's is to go on.
    var due: [@Sendable () -> Void] = []
    if idle == 0 && !isSynchronous { swap(&due, &calls) }
    condition.signal()
    relinquish()
    completions.removeAll()
    drop(&garbage)
    guard !due.isEmpty else { return }
    SystemThread.start(name: "muster-call") { [due] in for call in due { call() } }
  }

  /// What has left the store, to be dropped without the lock.
  struct Garbage {
    var blocks: [any Block] = []
    /// What of it the store counts until it is told that they have gone.
    var leavingBytes = 0
  }

  func takeGarbage() -> Garbage {
    var taken = Garbage()
    swap(&taken, &garbage)
    return taken
  }

  /// Drops what has left the store until now. Nobody else refers to it, once it was taken: the store is told that it has gone
  /// when it has.
  func dropGarbage() {
    acquire()
    var garbage = takeGarbage()
    relinquish()
    drop(&garbage)
  }

  /// Without the lock. Other blocks may come into memory thereupon, and others leave it: those are dropped, too.
  func drop(_ garbage: inout Garbage) {
    garbage.blocks.removeAll()
    while garbage.leavingBytes > 0 {
      acquire()
      // A store that was replaced at the session's end knows nothing of it.
      guard !isShutDown else { return relinquish() }
      store.dropped(garbage.leavingBytes, into: &storeActions)
      apply()
      reportMemory()
      garbage = takeGarbage()
      condition.signal()
      finishChange()
      garbage.blocks.removeAll()
    }
  }

  /// Looks at what the process takes besides blocks, each time that those have changed much.
  ///
  /// - Parameter newBytes: What a block holds that is about to be stored.
  func observeMemory(with newBytes: Int = 0) {
    guard
      let isTight = budget.observeProcess(
        storedBytes: store.memoryBytes, reservedBytes: store.reservedBytes, storing: newBytes)
    else { return }
    if isTight { startedSpiller()?.trim() }
    store.setLimit(budget.blockLimit, into: &storeActions)
  }
}
