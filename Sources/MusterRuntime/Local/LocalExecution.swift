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
  private let coordination: Coordination
  private let places: SparePlaces
  private let sequence: UInt32

  private var scheduler: Scheduler
  private var ready = Heap<Ready>()
  private var store: [TaskID: any Block] = [:]
  /// What the stored blocks hold, in bytes.
  private var storedBytes = 0
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
    plan: Plan, threads: Int, memoryLimit: Int, board: ProgressBoard?, coordination: Coordination, sequence: Int,
    spareThreads: Int,
    completion: @escaping @Sendable (Result<[any Block], MusterError>) -> Void
  ) throws(MusterError) {
    self.plan = plan
    self.board = board
    self.coordination = coordination
    self.sequence = UInt32(truncatingIfNeeded: sequence)
    places = SparePlaces(condition: condition, threads: threads, limit: spareThreads)
    self.completion = completion
    memoryReports = MemoryReports(limit: memoryLimit)
    scheduler = try Scheduler.validated(plan)
    scheduler.start(at: .zero, into: &actions)
    scheduler.handle(.workerJoined(Self.worker, slots: threads, memoryLimit: memoryLimit), at: .zero, into: &actions)
    board?.begin(total: scheduler.taskCount)
    places.run { [weak self] in self?.work() }
    places.afterLending { [weak self] in self?.lookForStall() }
    apply()
  }

  /// Runs tasks until the plan is done; every thread calls it.
  func work() {
    condition.lock()
    while true {
      if outcome == nil, places.hasRoom(running: running), let next = ready.popMin() {
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
      guard let block = store[id] else { preconditionFailure("the block of \(id) isn't there for \(next.task)") }
      return block
    }
    var dropped: [any Block] = []
    swap(&dropped, &garbage)
    condition.unlock()

    dropped.removeAll()
    let begin = MonotonicClock.nanoseconds
    let current = CurrentTask(
      coordination: coordination, places: places, operation: layer.tasks.name, sequence: sequence, task: next.task,
      attempt: next.attempt)
    let result = CurrentTask.run(current) {
      Result { try layer.run(TaskInputs(index: Int(next.task.index), blocks: inputs)) }
    }
    let end = MonotonicClock.nanoseconds

    condition.lock()
    running -= 1
    guard outcome == nil else { return }
    switch result {
    case .success(let block):
      store[next.task] = block
      storedBytes += block.byteCount
      let event = Event.finished(
        Self.worker, next.task, next.attempt, bytes: block.byteCount, nanoseconds: end - begin)
      scheduler.handle(event, at: .nanoseconds(end - start), into: &actions)
      board?.taskFinished()
    case .failure(let error):
      taskError = MusterError(taskError: error, layer: layer, task: next.task, rank: 0, attempt: Int(next.attempt))
      scheduler.handle(
        .failed(Self.worker, next.task, next.attempt), at: .nanoseconds(end - start), into: &actions)
    }
    apply()
    if outcome == nil, let bytes = memoryReports.report(of: storedBytes) {
      scheduler.handle(.memory(Self.worker, bytes: bytes), at: .nanoseconds(end - start), into: &actions)
      apply()
    }
  }

  private func apply() {
    for action in actions {
      switch action {
      case .assign(_, let assignment):
        ready.insert(Ready(priority: assignment.priority, attempt: assignment.attempt, task: assignment.task))
      case .release(_, let task):
        if let block = store.removeValue(forKey: task) {
          storedBytes -= block.byteCount
          garbage.append(block)
        }
      case .complete:
        outcome = .success(plan.results.map { store[$0]! })
      case .fail(let failure):
        outcome = .failure(taskError ?? MusterError(failure, plan: plan))
      case .retract:
        preconditionFailure("one worker has nobody to retract a task for")
      }
    }
    actions.removeAll(keepingCapacity: true)
    if outcome != nil {
      coordination.collectiveEnded(sequence)
      condition.broadcast()
    } else {
      for _ in 0..<min(idle, ready.count) { condition.signal() }
      lookForStall()
    }
  }

  /// With the lock held.
  private func lookForStall() {
    if outcome == nil, ready.isEmpty { coordination.endStall(of: sequence, begun: running) }
  }

  private func deliverLocked() {
    guard let completion, let outcome else { return }
    self.completion = nil
    store.removeAll()
    garbage.removeAll()
    board?.end()
    condition.unlock()
    completion(outcome)
    condition.lock()
  }
}
