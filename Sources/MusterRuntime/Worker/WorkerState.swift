package import MusterScheduling

/// What a worker does with its assignments, as a state machine: events in, actions out; no thread, clock or MPI.
///
/// An assignment waits until all of its inputs are here, is then ready, and is over when its block is stored. A new
/// assignment of a task supersedes the one before. A block lives until the scheduler releases it.
package struct WorkerState {
  package enum Action {
    /// All inputs are here.
    case run(ReadyTask)
    /// Takes the task out of the queue of ready ones, if it is there still; the answer is for `answerRetract`.
    case takeBack(TaskID, Attempt)
    case fetch(first: TaskID, count: Int, holder: WorkerID)
    /// A block for the member that asked for it.
    case reply(any Block, of: TaskID, to: Int)
    /// A small result for rank 0, before it asks.
    case present(any Block, of: TaskID)
    /// To rank 0.
    case send(Message)
  }

  struct Assigned {
    var attempt: Attempt
    var priority: Int64
    var isResult: Bool
    var missing: Int
    var inputs: [TaskID]
  }

  /// Results up to this size go to rank 0 with the news of them: it needn't ask.
  private static let presentedBytes = 1024

  /// The layers that this rank's program has come to.
  private var layers = LayerBook()
  /// Tasks of layers that it hasn't come to yet.
  package private(set) var early: [Assignment] = []
  private(set) var assigned: [TaskID: Assigned] = [:]
  private(set) var waiting: [TaskID: [TaskID]] = [:]
  /// What has been asked for and hasn't come.
  private(set) var inFlight: Set<TaskID> = []
  private(set) var store: [TaskID: any Block] = [:]
  /// What the stored blocks hold, in bytes.
  package private(set) var storedBytes = 0
  private var memoryReports: MemoryReports

  /// - Parameter memoryLimit: What the worker's blocks may take, in bytes; 0 where there is no limit, and then the
  ///   memory isn't reported.
  package init(memoryLimit: Int = 0) {
    memoryReports = MemoryReports(limit: memoryLimit)
  }

  package func block(of task: TaskID) -> (any Block)? { store[task] }

  /// The layer with a number, where the program has come to it and it isn't forgotten.
  package func layer(_ number: UInt32) -> Layer? { layers[number]?.layer }

  /// The program has come to a graph: tasks of its layers can run now.
  package mutating func register(_ new: [Layer], from firstLayer: Int, into actions: inout [Action]) {
    layers.register(new, from: firstLayer)
    guard !early.isEmpty else { return }
    let known = early.filter { Int($0.task.layer) < layers.nextNumber }
    early.removeAll { Int($0.task.layer) < layers.nextNumber }
    for assignment in known { assign(assignment, into: &actions) }
  }

  /// No task of these layers will be assigned any more.
  package mutating func forget(_ numbers: Range<Int>) { layers.forget(numbers) }

  /// A message from rank 0, or from another worker that asks for blocks.
  package mutating func receive(_ message: Message, from source: Int, into actions: inout [Action]) {
    switch message {
    case .assign(let assignment): assign(assignment, into: &actions)
    case .retract(let task, let attempt): retract(task, attempt: attempt, into: &actions)
    case .release(let task): release(task, into: &actions)
    case .fetch(let first, let count):
      for offset in 0..<count {
        let task = TaskID(layer: Int(first.layer), index: Int(first.index) + offset)
        // Released meanwhile where the task that wanted it was moved: then nobody waits for it any more.
        guard let block = store[task] else { continue }
        actions.append(.reply(block, of: task, to: source))
      }
    default: preconditionFailure("a worker got a message that isn't for it")
    }
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
      inFlight.subtract(old.inputs)
      forget(task)
    }
    var inputs: [TaskID] = []
    layer.layer.tasks.inputs(Int(task.index), &inputs)
    var missing = 0
    for input in inputs where store[input] == nil {
      missing += 1
      waiting[input, default: []].append(task)
    }
    assigned[task] = Assigned(
      attempt: assignment.attempt, priority: assignment.priority, isResult: assignment.isResult,
      missing: missing, inputs: inputs)
    for source in assignment.sources {
      fetch(source, into: &actions)
    }
    if missing == 0 { makeReady(task, into: &actions) }
  }

  /// Asks for the blocks of a source that aren't here, in runs.
  private mutating func fetch(_ source: InputSource, into actions: inout [Action]) {
    var first: TaskID?
    var count = 0
    for offset in 0...source.count {
      let id = TaskID(layer: Int(source.first.layer), index: Int(source.first.index) + offset)
      if offset < source.count && store[id] == nil && inFlight.insert(id).inserted {
        if first == nil { first = id }
        count += 1
      } else if let start = first {
        actions.append(.fetch(first: start, count: count, holder: source.holder))
        (first, count) = (nil, 0)
      }
    }
  }

  private mutating func makeReady(_ task: TaskID, into actions: inout [Action]) {
    guard let entry = assigned[task], let layer = layers[task.layer] else { return }
    actions.append(
      .run(
        ReadyTask(
          task: task, attempt: entry.attempt, priority: entry.priority, layer: layer,
          inputs: entry.inputs.map { store[$0]! })))
  }

  /// A block that was fetched has come.
  package mutating func received(_ block: any Block, of task: TaskID, into actions: inout [Action]) {
    inFlight.remove(task)
    // Nobody waits for it any more: the task was taken back meanwhile.
    guard store[task] == nil, waiting[task] != nil else { return }
    keep(block, of: task, into: &actions)
  }

  /// A block that was fetched has come, and can't be read: the tasks that wait for it have failed.
  package mutating func refused(_ task: TaskID, because error: MusterError, into actions: inout [Action]) {
    inFlight.remove(task)
    for waiter in Set(waiting[task] ?? []) {
      guard let attempt = assigned[waiter]?.attempt else { continue }
      forget(waiter)
      actions.append(.send(.failed(waiter, attempt, error)))
    }
  }

  /// A thread has run a task.
  package mutating func completed(_ completion: Completion, into actions: inout [Action]) {
    guard let entry = assigned[completion.task], entry.attempt == completion.attempt else { return }
    assigned[completion.task] = nil
    switch completion.result {
    case .success(let block):
      let bytes = block.byteCount
      if entry.isResult && bytes <= Self.presentedBytes { actions.append(.present(block, of: completion.task)) }
      actions.append(
        .send(.finished(completion.task, completion.attempt, bytes: bytes, nanoseconds: completion.nanoseconds)))
      keep(block, of: completion.task, into: &actions)
    case .failure(let error):
      actions.append(.send(.failed(completion.task, completion.attempt, error)))
    }
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
    if entry.missing > 0 {
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
  }

  private mutating func forget(_ task: TaskID) {
    guard let entry = assigned.removeValue(forKey: task), entry.missing > 0 else { return }
    for input in Set(entry.inputs) where waiting[input] != nil {
      waiting[input]?.removeAll { $0 == task }
      if waiting[input]?.isEmpty == true {
        // Nobody waits for it now; a later assignment asks anew.
        waiting[input] = nil
        inFlight.remove(input)
      }
    }
  }

  /// Nothing needs the block any more.
  private mutating func release(_ task: TaskID, into actions: inout [Action]) {
    guard let block = store.removeValue(forKey: task) else { return }
    storedBytes -= block.byteCount
    reportMemory(into: &actions)
  }

  private mutating func reportMemory(into actions: inout [Action]) {
    if let bytes = memoryReports.report(of: storedBytes) { actions.append(.send(.memory(bytes: bytes))) }
  }

  /// Stores a block and makes ready what has waited for it alone.
  private mutating func keep(_ block: any Block, of task: TaskID, into actions: inout [Action]) {
    // A task may be run again where its block is held: the block is the same.
    if let old = store[task] { storedBytes -= old.byteCount }
    store[task] = block
    storedBytes += block.byteCount
    for waiter in waiting.removeValue(forKey: task) ?? [] {
      // A task that takes the same input twice waits for it twice.
      guard var entry = assigned[waiter], entry.missing > 0 else { continue }
      entry.missing -= 1
      assigned[waiter] = entry
      if entry.missing == 0 { makeReady(waiter, into: &actions) }
    }
    reportMemory(into: &actions)
  }
}
