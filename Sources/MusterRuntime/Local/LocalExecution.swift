internal import HeapModule
internal import MusterScheduling

/// One plan being run by threads that share memory: each thread takes the most urgent task, runs it, and tells the
/// scheduler itself, under one lock.
///
/// `@unchecked Sendable` is safe: every stored variable is read and written with `condition` locked only.
final class LocalExecution: @unchecked Sendable {
  private struct Ready: Comparable {
    var priority: UInt32
    var attempt: Attempt
    var task: TaskID
    static func < (a: Ready, b: Ready) -> Bool { a.priority < b.priority }
    static func == (a: Ready, b: Ready) -> Bool { a.priority == b.priority }
  }

  private static let worker = WorkerID(0)

  private let plan: Plan
  private let condition = ConditionLock()
  private let start = MonotonicClock.nanoseconds
  private let board: ProgressBoard?

  private var scheduler: Scheduler
  private var ready = Heap<Ready>()
  private var store: BlockStore
  /// Made when the first block goes to disk.
  private var spiller: Spiller?
  private var storeActions: [BlockStore.Action] = []
  /// Assigned, and not begun: the inputs may be on disk.
  private var assigned: [TaskID: Ready] = [:]
  private var memoryReports: MemoryReports
  private var actions: [Action] = []
  private var inputIDs: [TaskID] = []
  /// Released blocks, dropped outside of the lock.
  private var garbage: [any Block] = []
  private var running = 0
  private var idle = 0
  private var outcome: Result<[any Block], MusterError>?
  private var taskError: MusterError?
  private var completion: (@Sendable (Result<[any Block], MusterError>) -> Void)?

  init(
    plan: Plan, threads: Int, memoryLimit: Int, board: ProgressBoard?,
    completion: @escaping @Sendable (Result<[any Block], MusterError>) -> Void
  ) throws(MusterError) {
    self.plan = plan
    self.board = board
    self.completion = completion
    memoryReports = MemoryReports(limit: memoryLimit)
    store = BlockStore(limit: memoryLimit)
    scheduler = try Scheduler.validated(plan)
    scheduler.start(at: .zero, into: &actions)
    scheduler.handle(.workerJoined(Self.worker, slots: threads, memoryLimit: memoryLimit), at: .zero, into: &actions)
    board?.begin(total: scheduler.taskCount)
    apply()
  }

  /// Runs tasks until the plan is done; every thread calls it.
  func work() {
    condition.lock()
    while true {
      if outcome == nil, let next = ready.popMin() {
        runLocked(next)
      } else if outcome != nil {
        if running == 0 { deliverLocked() }
        condition.broadcast()
        condition.unlock()
        return
      } else {
        idle += 1
        condition.wait()
        idle -= 1
      }
    }
  }

  /// Runs a task with the lock released meanwhile.
  private func runLocked(_ next: Ready) {
    running += 1
    let layer = plan.layers[Int(next.task.layer)]
    inputIDs.removeAll(keepingCapacity: true)
    layer.tasks.inputs(Int(next.task.index), &inputIDs)
    let inputs = inputIDs.map { id in
      guard let block = store.block(of: id) else {
        preconditionFailure("the block of \(id) isn't there for \(next.task)")
      }
      return block
    }
    var dropped: [any Block] = []
    swap(&dropped, &garbage)
    condition.unlock()

    dropped.removeAll()
    let begin = MonotonicClock.nanoseconds
    let result = Result { try layer.run(TaskInputs(index: Int(next.task.index), blocks: inputs)) }
    let end = MonotonicClock.nanoseconds

    condition.lock()
    running -= 1
    guard outcome == nil else { return }
    switch result {
    case .success(let block):
      store.end(.task(next.task), storing: block, of: next.task, into: &storeActions)
      let event = Event.finished(
        Self.worker, next.task, next.attempt, bytes: block.byteCount, nanoseconds: end - begin)
      scheduler.handle(event, at: .nanoseconds(end - start), into: &actions)
      board?.taskFinished()
    case .failure(let error):
      store.end(.task(next.task), into: &storeActions)
      taskError = MusterError(taskError: error, layer: layer, task: next.task, rank: 0, attempt: Int(next.attempt))
      scheduler.handle(
        .failed(Self.worker, next.task, next.attempt), at: .nanoseconds(end - start), into: &actions)
    }
    apply()
    reportMemory()
  }

  private func apply() {
    for action in actions {
      switch action {
      case .assign(_, let assignment): assign(assignment)
      case .release(_, let task): store.release(task, into: &storeActions)
      case .complete:
        let blocks = plan.results.compactMap { store.block(of: $0) }
        if blocks.count == plan.results.count {
          outcome = .success(blocks)
        } else {
          store.want(.results, inputs: plan.results, priority: 0)
          store.prepare(.results, into: &storeActions)
        }
      case .fail(let failure):
        outcome = .failure(taskError ?? MusterError(failure, plan: plan))
      case .retract:
        preconditionFailure("one worker has nobody to retract a task for")
      }
    }
    actions.removeAll(keepingCapacity: true)
    for action in storeActions { apply(action) }
    storeActions.removeAll(keepingCapacity: true)
    if outcome != nil {
      condition.broadcast()
    } else {
      for _ in 0..<min(idle, ready.count) { condition.signal() }
    }
  }

  private func assign(_ assignment: Assignment) {
    let task = assignment.task
    let next = Ready(priority: assignment.priority, attempt: assignment.attempt, task: task)
    let layer = plan.layers[Int(task.layer)].tasks
    inputIDs.removeAll(keepingCapacity: true)
    layer.inputs(Int(task.index), &inputIDs)
    guard !store.isLight(inputs: inputIDs, outputBytes: layer.expectedBytes) else {
      ready.insert(next)
      return
    }
    assigned[task] = next
    store.want(
      .task(task), inputs: inputIDs, priority: assignment.priority, outputBytes: layer.expectedBytes)
    store.prepare(.task(task), into: &storeActions)
  }

  // MARK: Memory and disk

  private func apply(_ action: BlockStore.Action) {
    switch action {
    case .ready(.task(let task)):
      if let next = assigned.removeValue(forKey: task) { ready.insert(next) }
    case .ready(.results):
      if outcome == nil { outcome = .success(plan.results.map { store.block(of: $0)! }) }
    case .spill(let orders): startedSpiller().spill(orders)
    case .load(let ticket, let task, let place):
      startedSpiller().load(ticket, of: task, at: place, as: plan.layers[Int(task.layer)].blockType)
    case .discard(let place): startedSpiller().discard(place)
    case .drop(let block): garbage.append(block)
    case .cannotFit(.task(let task), let inputBytes, let outputBytes):
      outcome =
        outcome
        ?? TaskFit.error(
          task: task, of: plan.layers[Int(task.layer)], rank: 0, attempt: Int(assigned[task]?.attempt ?? 1),
          inputBytes: inputBytes, outputBytes: outputBytes, limit: store.marks.limit
        ).map { .failure($0) }
    case .fail(let error): outcome = outcome ?? .failure(error)
    case .ready(.member), .unavailable, .cannotFit:
      preconditionFailure("one process asks for no block that it hasn't got")
    }
  }

  private func startedSpiller() -> Spiller {
    if let spiller { return spiller }
    let new = Spiller(scratch: Scratch(environment: ProcessEnvironment.current)) { [weak self] in self?.diskDone() }
    spiller = new
    return new
  }

  /// On a thread of the spiller's.
  private func diskDone() {
    var dropped: [any Block] = []
    condition.withLock {
      var completions: [Spiller.Completion] = []
      spiller?.takeCompletions(into: &completions)
      guard outcome == nil else { return }
      for completion in completions { store.receive(completion, into: &storeActions) }
      apply()
      reportMemory()
      swap(&dropped, &garbage)
    }
    dropped.removeAll()
  }

  private func reportMemory() {
    guard outcome == nil, let bytes = memoryReports.report(of: store.memoryBytes) else { return }
    let now = MonotonicClock.nanoseconds - start
    scheduler.handle(.memory(Self.worker, bytes: bytes), at: .nanoseconds(now), into: &actions)
    apply()
  }

  private func deliverLocked() {
    guard let completion, let outcome else { return }
    self.completion = nil
    let spiller = spiller
    self.spiller = nil
    store = BlockStore(limit: 0)
    garbage.removeAll()
    board?.end()
    condition.unlock()
    spiller?.shutDown()
    completion(outcome)
    condition.lock()
  }
}
