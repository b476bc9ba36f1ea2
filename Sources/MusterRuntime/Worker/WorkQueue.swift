internal import HeapModule
package import MusterScheduling

/// A task with all of its inputs, ready to run.
package struct ReadyTask: Comparable, Sendable {
  package var task: TaskID
  package var attempt: Attempt
  package var priority: Int64
  package var layer: RegisteredLayer
  package var inputs: [any Block]

  package static func < (a: ReadyTask, b: ReadyTask) -> Bool { a.priority < b.priority }
  package static func == (a: ReadyTask, b: ReadyTask) -> Bool { a.priority == b.priority }
}

/// What became of a task.
package struct Completion: Sendable {
  package var task: TaskID
  package var attempt: Attempt
  package var result: Result<any Block, MusterError>
  package var nanoseconds: Int

  package init(task: TaskID, attempt: Attempt, result: Result<any Block, MusterError>, nanoseconds: Int) {
    self.task = task
    self.attempt = attempt
    self.result = result
    self.nanoseconds = nanoseconds
  }
}

/// Ready tasks on their way to a worker's threads, the most urgent first, and completions on their way back.
///
/// `@unchecked Sendable` is safe: the variables are used with `condition` locked only.
final class WorkQueue: @unchecked Sendable {
  private let condition = ConditionLock()
  private let doorbell: Doorbell
  private let rank: Int
  private var ready = Heap<ReadyTask>()
  private var completions: [Completion] = []
  private var idle = 0
  /// The threads that run a task.
  private var running = 0
  private var timeLimits = TimeLimits()
  private var isShutDown = false

  init(threads: Int, rank: Int, doorbell: Doorbell) {
    self.doorbell = doorbell
    self.rank = rank
    for number in 0..<threads {
      SystemThread.start(name: "muster-task-\(number)") { self.work() }
    }
  }

  func push(_ tasks: [ReadyTask]) {
    guard !tasks.isEmpty else { return }
    condition.withLock {
      for task in tasks { ready.insert(task) }
      for _ in 0..<min(idle, tasks.count) { condition.signal() }
    }
  }

  /// Takes a task back that no thread has begun.
  func remove(_ task: TaskID, attempt: Attempt) -> Bool {
    condition.withLock {
      guard ready.unordered.contains(where: { $0.task == task && $0.attempt == attempt }) else { return false }
      ready = Heap(ready.unordered.filter { $0.task != task || $0.attempt != attempt })
      return true
    }
  }

  func takeCompletions(into list: inout [Completion]) {
    list.removeAll(keepingCapacity: true)
    condition.withLock {
      for late in timeLimits.takeOverdue(at: MonotonicClock.nanoseconds) {
        let error = MusterError(timeoutOf: late.task, layer: late.layer.layer, rank: rank, attempt: Int(late.attempt))
        completions.append(
          Completion(
            task: late.task, attempt: late.attempt, result: .failure(error),
            nanoseconds: late.layer.layer.timeout?.nanoseconds ?? 0))
      }
      swap(&list, &completions)
    }
  }

  var hasCompletions: Bool { condition.withLock { !completions.isEmpty } }
  /// Whether a thread runs a task, or is about to.
  var isBusy: Bool { condition.withLock { running > 0 || !ready.isEmpty } }

  /// Lets the threads end. What hasn't begun is forgotten.
  func shutDown() {
    condition.withLock {
      ready = Heap()
      isShutDown = true
      condition.broadcast()
    }
  }

  private func work() {
    condition.lock()
    while !isShutDown {
      guard let next = ready.popMin() else {
        idle += 1
        condition.wait()
        idle -= 1
        continue
      }
      running += 1
      if next.layer.layer.timeout != nil {
        timeLimits.began(next.task, next.attempt, next.layer, at: MonotonicClock.nanoseconds)
      }
      condition.unlock()
      let completion = run(next)
      condition.lock()
      running -= 1
      guard timeLimits.ended(next.task, next.attempt, next.layer) else { continue }
      completions.append(completion)
      if completions.count == 1 {
        condition.unlock()
        doorbell.ring()
        condition.lock()
      }
    }
    condition.unlock()
  }

  private func run(_ next: ReadyTask) -> Completion {
    let begin = MonotonicClock.nanoseconds
    let layer = next.layer.layer
    let result = Result { try layer.run(TaskInputs(index: Int(next.task.index), blocks: next.inputs)) }
      .mapError {
        MusterError(taskError: $0, layer: layer, task: next.task, rank: rank, attempt: Int(next.attempt))
      }
    return Completion(
      task: next.task, attempt: next.attempt, result: result,
      nanoseconds: MonotonicClock.nanoseconds - begin)
  }
}
