package import MusterScheduling

/// What a worker does with its assignments, as a state machine: events in, actions out; no thread, clock or MPI.
///
/// An assignment waits until all of its inputs are here and there is room for them in memory, is then ready, and is over
/// when its block is stored. A new assignment of a task supersedes the one before. A block lives until the scheduler
/// releases it, in memory or on disk.
package struct WorkerState {
  package enum Action {
    /// All inputs are here.
    case run(ReadyTask)
    /// Takes the task out of the queue of ready ones, if it is there still; the answer is for `answerRetract`.
    case takeBack(TaskID, Attempt)
    /// The same of a task that turns out to need room; the answer is for `answerHoldBack`.
    case holdBack(TaskID, Attempt)
    case fetch(first: TaskID, count: Int, holder: WorkerID, isComing: Bool)
    /// A block for the member that asked for it.
    case reply(any Block, of: TaskID, to: Int)
    /// The member asked for a block that the disk has lost.
    case refuse(TaskID, to: Int, MusterError)
    /// A small block that others are likely to want, for rank 0, before anybody asks.
    case present(any Block, of: TaskID)
    /// To rank 0.
    case send(Message)
    /// To be written together; what becomes of each is for `receive`.
    case spill([BlockStore.SpillOrder])
    /// To be read back; what becomes of it is for `receive`.
    indirect case load(BlockStore.Ticket, TaskID, SpillPlace, as: any Block.Type)
    /// The place on disk is free.
    indirect case discard(SpillPlace)
  }

  struct Assigned {
    var attempt: Attempt
    var priority: Int64
    var isShared: Bool
    var isBrief: Bool
    var missing: Int
    var inputs: [TaskID]
    /// Whether it has been given to the threads.
    var isReady = false
    /// Whether it runs, and waits for others.
    var isIdle = false
  }

  /// Blocks up to this size go to rank 0 with the news of them where others are likely to want them: rank 0 needn't ask for
  /// a result, and sends inputs along with the tasks that take them.
  private static let presentedBytes = 1024

  /// The layers that this rank's program has come to.
  private var layers = LayerBook()
  /// Tasks of layers that it hasn't come to yet.
  package private(set) var early: [Assignment] = []
  private(set) var assigned = TaskMap<Assigned>()
  private(set) var waiting = TaskMap<[TaskID]>()
  /// What has been asked for and hasn't come.
  private(set) var inFlight = TaskMap<Void>()
  /// Who has asked for a block that is to be computed here. Where that comes to nothing the entry stays until the layer
  /// goes: whoever asked has been told, and drops what comes.
  private(set) var awaited: [TaskID: [Int]] = [:]
  package private(set) var store: BlockStore
  private var storeActions: [BlockStore.Action] = []
  private var memoryReports: MemoryReports
  private let rank: Int

  /// What the stored blocks hold in memory, in bytes.
  package var storedBytes: Int { store.memoryBytes }
  /// What tasks that are about to run, or run, are expected to make, in bytes.
  package var reservedBytes: Int { store.reservedBytes - store.transit.takenBytes }
  /// What the transport holds, as far as it was told.
  package var transit: BlockTransit { store.transit }

  /// - Parameters:
  ///   - memoryLimit: What the worker may take, in bytes; 0 where there is no limit, and then the memory isn't reported.
  ///   - rank: For messages.
  ///   - marks: When blocks go to disk, where that doesn't follow from the limit.
  package init(memoryLimit: Int = 0, rank: Int = 0, marks: BlockStore.Marks? = nil) {
    memoryReports = MemoryReports(limit: memoryLimit)
    store = BlockStore(marks: marks ?? BlockStore.Marks(limit: memoryLimit))
    self.rank = rank
  }

  /// The block, where it is in memory.
  package func block(of task: TaskID) -> (any Block)? { store.block(of: task) }

  /// The layer with a number, where the program has come to it and it isn't forgotten.
  package func layer(_ number: UInt32) -> Layer? { layers[number]?.layer }

  /// The layers that the program has come to and that aren't forgotten. O(layers).
  package var graphCounts: GraphCounts { GraphCounts(layers: layers.count, layerPlaces: layers.placeCount) }

  /// The program has come to a graph: tasks of its layers can run now.
  package mutating func register(_ new: [Layer], from firstLayer: Int, into actions: inout [Action]) {
    layers.register(new, from: firstLayer)
    guard !early.isEmpty else { return }
    let known = early.filter { Int($0.task.layer) < layers.nextNumber }
    early.removeAll { Int($0.task.layer) < layers.nextNumber }
    for var assignment in known {
      // What came with it came too early, and wasn't kept.
      for place in assignment.sources.indices { assignment.sources[place].isAttached = false }
      assign(assignment, into: &actions)
    }
    follow(into: &actions)
  }

  /// All tasks of these layers have ended: what their functions hold goes.
  package mutating func end(_ numbers: Range<Int>) { for number in numbers { layers.end(number) } }

  /// Whether there are layers to be dropped, where that may take long.
  var hasRetired: Bool { !layers.retired.isEmpty }
  mutating func takeRetired() -> [RegisteredLayer] { layers.takeRetired() }
  /// The session is over.
  mutating func retireAll() { layers.forgetAll() }

  /// No task of these layers will be assigned any more.
  package mutating func forget(_ numbers: Range<Int>) {
    layers.forget(numbers)
    if !awaited.isEmpty { awaited = awaited.filter { !numbers.contains(Int($0.key.layer)) } }
  }

  /// A message from rank 0, or from another worker that asks for blocks.
  package mutating func receive(_ message: Message, from source: Int, into actions: inout [Action]) {
    switch message {
    case .assign(let assignment): assign(assignment, into: &actions)
    case .retract(let task, let attempt): retract(task, attempt: attempt, into: &actions)
    case .release(let task): _ = store.take(task, into: &storeActions)
    case .fetch(let first, let count, let isComing):
      for offset in 0..<count {
        let task = TaskID(layer: Int(first.layer), index: Int(first.index) + offset)
        guard store.holds(task) else {
          // The assignment may come after this: rank 0 sends that.
          if isComing, layers[task.layer] != nil || Int(task.layer) >= layers.nextNumber {
            awaited[task, default: []].append(source)
          }
          // Else released meanwhile where the task that wanted it was moved: then nobody waits for it any more.
          continue
        }
        if let block = store.block(of: task), store.maySend(task) {
          store.send(block.byteCount, into: &storeActions)
          actions.append(.reply(block, of: task, to: source))
        } else {
          // Before all tasks: another member waits with its own.
          let member = BlockStore.Consumer.member(source, block: task)
          store.want(member, inputs: [task], priority: .min)
          store.prepare(member, into: &storeActions)
        }
      }
    default: preconditionFailure("a worker got a message that isn't for it")
    }
    follow(into: &actions)
  }

  /// Rank 0 hands this worker a task.
  private mutating func assign(_ assignment: Assignment, into actions: inout [Action]) {
    let task = assignment.task
    guard let layer = layers[task.layer] else {
      // Rank 0's program is ahead of this rank's. What is forgotten isn't assigned.
      precondition(Int(task.layer) >= layers.nextNumber, "\(task) was assigned after its layer was forgotten")
      early.removeAll { $0.task == task }
      early.append(assignment)
      return
    }
    if let old = assigned[task] {
      // The new assignment names other holders where the old ones are lost: nothing is taken to be on its way.
      for input in old.inputs { inFlight.removeValue(forKey: input) }
      forget(task)
    }
    var inputs: [TaskID] = []
    layer.layer.tasks.inputs(Int(task.index), &inputs)
    var missing = 0
    for input in inputs where !store.holds(input) {
      missing += 1
      if waiting.change(input, { $0.append(task) }) == nil { waiting[input] = [task] }
    }
    assigned[task] = Assigned(
      attempt: assignment.attempt, priority: assignment.priority, isShared: assignment.isShared,
      isBrief: assignment.isBrief, missing: missing, inputs: inputs)
    for source in assignment.sources {
      fetch(source, into: &actions)
    }
    if missing == 0 {
      prepare(task, into: &actions)
    } else if !store.isLight(task, outputBytes: layer.expectedBytes) {
      // What is here of its inputs leaves memory late.
      want(task, of: layer)
    }
  }

  private mutating func want(_ task: TaskID, of layer: RegisteredLayer) {
    guard let entry = assigned[task] else { return }
    store.want(.task(task), inputs: entry.inputs, priority: entry.priority, outputBytes: layer.expectedBytes)
  }

  /// Asks for the blocks of a source that aren't here, in runs, unless they come anyway.
  private mutating func fetch(_ source: InputSource, into actions: inout [Action]) {
    var first: TaskID?
    var count = 0
    for offset in 0...source.count {
      let id = TaskID(layer: Int(source.first.layer), index: Int(source.first.index) + offset)
      if offset < source.count && !store.holds(id) && inFlight.insert((), for: id) {
        if first == nil { first = id }
        count += 1
      } else if let start = first {
        if !source.isAttached {
          actions.append(
            .fetch(first: start, count: count, holder: source.holder, isComing: source.isComing))
        }
        (first, count) = (nil, 0)
      }
    }
  }

  /// All inputs are here.
  private mutating func prepare(_ task: TaskID, into actions: inout [Action]) {
    if !store.wants(.task(task)) {
      // What has come may be large.
      guard let entry = assigned[task], let layer = layers[task.layer] else { return }
      if store.isLight(task, inputs: entry.inputs, outputBytes: layer.expectedBytes) {
        return makeReady(task, isLight: true, into: &actions)
      }
      want(task, of: layer)
    }
    store.prepare(.task(task), into: &storeActions)
  }

  /// All inputs are in memory.
  ///
  /// - Parameter isLight: Whether nothing large is expected of it, so that the store isn't told. What it makes says nothing
  ///   of others where it's the only one of its layer.
  private mutating func makeReady(_ task: TaskID, isLight: Bool, into actions: inout [Action]) {
    guard let layer = layers[task.layer] else { return }
    let ready = assigned.change(task) { entry in
      entry.isReady = true
      return entry
    }
    guard let entry = ready else { return }
    actions.append(
      .run(
        ReadyTask(
          task: task, attempt: entry.attempt, priority: entry.priority, isBrief: entry.isBrief,
          isLight: isLight && layer.layer.tasks.count > 1,
          layer: layer, inputs: entry.inputs.map { store.block(of: $0)! })))
  }

  /// A block that was fetched has come.
  ///
  /// - Parameter transit: What the transport holds without it.
  package mutating func received(
    _ block: any Block, of task: TaskID, leaving transit: BlockTransit = BlockTransit(), into actions: inout [Action]
  ) {
    inFlight.removeValue(forKey: task)
    // Else nobody waits for it any more: the task was taken back meanwhile.
    if !store.holds(task), waiting.contains(task) {
      store.noteTransit(transit)
      wantForWaiters(of: task, byteCount: block.byteCount)
      store.store(block, of: task, into: &storeActions)
      tellWaiters(of: task, into: &actions)
    } else {
      store.setTransit(transit, into: &storeActions)
    }
    follow(into: &actions)
  }

  /// A block that was fetched has come, and can't be read: the tasks that wait for it have failed.
  package mutating func refused(_ task: TaskID, because error: MusterError, into actions: inout [Action]) {
    inFlight.removeValue(forKey: task)
    for waiter in Set(waiting[task] ?? []) {
      guard let attempt = assigned[waiter]?.attempt else { continue }
      forget(waiter)
      actions.append(.send(.failed(waiter, attempt, error)))
    }
    follow(into: &actions)
  }

  /// A thread has run a task.
  package mutating func completed(_ completion: Completion, into actions: inout [Action]) {
    guard let entry = assigned[completion.task], entry.attempt == completion.attempt else { return }
    assigned[completion.task] = nil
    switch completion.result {
    case .success(let block):
      let bytes = completion.byteCount
      let members = awaited.isEmpty ? nil : awaited.removeValue(forKey: completion.task)
      for member in members ?? [] { actions.append(.reply(block, of: completion.task, to: member)) }
      if members != nil { store.send(bytes, into: &storeActions) }
      // Those who want it have it already.
      if members == nil && entry.isShared && bytes <= Self.presentedBytes {
        actions.append(.present(block, of: completion.task))
      }
      actions.append(
        .send(.finished(completion.task, completion.attempt, bytes: bytes, nanoseconds: completion.nanoseconds)))
      // A task may be run again where its block is held: the block is the same.
      wantForWaiters(of: completion.task, byteCount: bytes)
      store.finish(completion.task, with: block, byteCount: bytes, into: &storeActions)
      tellWaiters(of: completion.task, into: &actions)
    case .failure(let error):
      store.end(.task(completion.task), into: &storeActions)
      actions.append(.send(.failed(completion.task, completion.attempt, error)))
    }
    follow(into: &actions)
  }

  /// A task that runs begins to wait for others, or doesn't any more.
  package mutating func setIdle(_ run: TaskRun, _ isIdle: Bool, into actions: inout [Action]) {
    guard let entry = assigned[run.task], entry.attempt == run.attempt else { return }
    assigned.change(run.task) { $0.isIdle = isIdle }
    store.setIdle(.task(run.task), isIdle, into: &storeActions)
    follow(into: &actions)
  }

  /// What the transport holds of blocks that come and go has changed.
  package mutating func setTransit(_ transit: BlockTransit, into actions: inout [Action]) {
    store.setTransit(transit, into: &storeActions)
    follow(into: &actions)
  }

  /// Whether there is room for a block that another member is to send; see `BlockStore.admits`.
  package mutating func admits(_ bytes: Int, into actions: inout [Action]) -> Bool {
    let mayCome = store.admits(bytes, into: &storeActions)
    follow(into: &actions)
    return mayCome
  }

  /// What became of a write or a read.
  package mutating func receive(_ completion: Spiller.Completion, into actions: inout [Action]) {
    store.receive(completion, into: &storeActions)
    follow(into: &actions)
  }

  /// What blocks may take of the worker's memory has changed.
  package mutating func limitBlocks(to bytes: Int, into actions: inout [Action]) {
    store.setLimit(bytes, into: &storeActions)
    follow(into: &actions)
  }

  /// Rank 0 asks for a task back.
  private mutating func retract(_ task: TaskID, attempt: Attempt, into actions: inout [Action]) {
    if let place = early.firstIndex(where: { $0.task == task && $0.attempt == attempt }) {
      early.remove(at: place)
      actions.append(.send(.retracted(task, attempt, givenBack: true)))
      return
    }
    guard let entry = assigned[task], entry.attempt == attempt else {
      actions.append(.send(.retracted(task, attempt, givenBack: false)))
      return
    }
    if !entry.isReady {
      forget(task)
      actions.append(.send(.retracted(task, attempt, givenBack: true)))
    } else {
      actions.append(.takeBack(task, attempt))
    }
  }

  /// Whether the queue still had the task that was to be taken back.
  package mutating func answerRetract(_ task: TaskID, attempt: Attempt, wasQueued: Bool, into actions: inout [Action]) {
    if wasQueued { forget(task) }
    actions.append(.send(.retracted(task, attempt, givenBack: wasQueued)))
    follow(into: &actions)
  }

  /// Whether the queue still had the task that was to be held back. Where it has, it waits for room; else what it makes is
  /// expected from now on.
  package mutating func answerHoldBack(_ task: TaskID, attempt: Attempt, wasQueued: Bool, into actions: inout [Action])
  {
    guard let entry = assigned[task], entry.attempt == attempt else { return }
    guard wasQueued else {
      store.noteRunning(task, isIdle: entry.isIdle, into: &storeActions)
      return follow(into: &actions)
    }
    guard let layer = layers[task.layer] else { preconditionFailure("\(task) is of a layer that was forgotten") }
    assigned.change(task) { $0.isReady = false }
    store.want(.task(task), inputs: entry.inputs, priority: entry.priority, outputBytes: layer.expectedBytes)
    store.prepare(.task(task), into: &storeActions)
    follow(into: &actions)
  }

  /// Tasks that were let through since nothing large was known of their layers, and that there may be no room for.
  private mutating func holdBackUnexpected(into actions: inout [Action]) {
    guard store.takeUnexpected().contains(where: layers.hasSeveralTasks) else { return }
    let tasks = assigned.filter { $0.value.isReady && store.needsRoom($0.key) }
    for (task, entry) in tasks.sorted(by: { $0.key < $1.key }) { actions.append(.holdBack(task, entry.attempt)) }
  }

  private mutating func forget(_ task: TaskID) {
    guard let entry = assigned.removeValue(forKey: task) else { return }
    store.end(.task(task), into: &storeActions)
    guard entry.missing > 0 else { return }
    for input in Set(entry.inputs) {
      let isLast = waiting.change(input) { waiters in
        waiters.removeAll { $0 == task }
        return waiters.isEmpty
      }
      if isLast == true {
        // Nobody waits for it now; a later assignment asks anew.
        waiting[input] = nil
        inFlight.removeValue(forKey: input)
      }
    }
  }

  /// Before a block is stored: a large one that tasks wait for leaves memory late.
  private mutating func wantForWaiters(of task: TaskID, byteCount: Int) {
    guard !store.isSmall(byteCount) else { return }
    for waiter in waiting[task] ?? [] where !store.wants(.task(waiter)) {
      if let layer = layers[waiter.layer] { want(waiter, of: layer) }
    }
  }

  /// Makes ready what has waited for a block alone that is here now.
  private mutating func tellWaiters(of task: TaskID, into actions: inout [Action]) {
    for waiter in waiting.removeValue(forKey: task) ?? [] {
      // A task that takes the same input twice waits for it twice.
      let isComplete = assigned.change(waiter) { entry in
        guard entry.missing > 0 else { return false }
        entry.missing -= 1
        return entry.missing == 0
      }
      if isComplete == true { prepare(waiter, into: &actions) }
    }
  }

  // MARK: Memory and disk

  /// Does what the store wants done. It may want more thereupon: that comes at the end of the list.
  private mutating func follow(into actions: inout [Action]) {
    var next = 0
    while next < storeActions.count {
      let action = storeActions[next]
      next += 1
      switch action {
      case .ready(.task(let task)): makeReady(task, isLight: false, into: &actions)
      case .ready(.member(let member, let task)):
        let block = store.block(of: task)!
        actions.append(.reply(block, of: task, to: member))
        store.send(block.byteCount, to: .member(member, block: task), into: &storeActions)
      case .failed(.task(let task), let error): fail(task, because: error, into: &actions)
      case .failed(.member(let member, let task), let error):
        actions.append(.refuse(task, to: member, describe(error, of: task, attempt: 1)))
      case .cannotFit(.task(let task), let inputBytes, let outputBytes):
        guard let entry = assigned[task], let layer = layers[task.layer]?.layer else { break }
        let error = TaskFit.error(
          task: task, of: layer, rank: rank, attempt: Int(entry.attempt), inputBytes: inputBytes,
          outputBytes: outputBytes, marks: store.marks)
        fail(task, because: error!, into: &actions)
      case .spill(let orders): actions.append(.spill(orders))
      case .load(let ticket, let task, let place):
        if let layer = layers[task.layer]?.layer {
          actions.append(.load(ticket, task, place, as: layer.blockType))
        } else {
          let error = MusterError(.internal, "the block of \(task) is of a layer that isn't known any more")
          store.loadFailed(ticket, error, into: &storeActions)
        }
      case .discard(let place): actions.append(.discard(place))
      case .drop(_, let leaving):
        // It goes with the list, and that before anything is carried out.
        if leaving > 0 { store.dropped(leaving, into: &storeActions) }
      case .unavailable(.member): break  // nobody waits for what was released
      case .unavailable(.task(let task)): preconditionFailure("an input of \(task) was released before it ran")
      case .ready(.results), .failed(.results, _), .unavailable(.results), .cannotFit(.results, _, _),
        .cannotFit(.member, _, _):
        preconditionFailure("rank 0 asks for results block by block")
      }
    }
    storeActions.removeAll(keepingCapacity: true)
    holdBackUnexpected(into: &actions)
    if let bytes = memoryReports.report(of: storedBytes) { actions.append(.send(.memory(bytes: bytes))) }
  }

  /// A task fails before it has begun.
  private mutating func fail(_ task: TaskID, because error: MusterError, into actions: inout [Action]) {
    guard let entry = assigned[task] else { return }
    forget(task)
    actions.append(.send(.failed(task, entry.attempt, describe(error, of: task, attempt: Int(entry.attempt)))))
  }

  private func describe(_ error: MusterError, of task: TaskID, attempt: Int) -> MusterError {
    guard let layer = layers[task.layer]?.layer else { return error }
    return MusterError(taskError: error, layer: layer, task: task, rank: rank, attempt: attempt)
  }
}
