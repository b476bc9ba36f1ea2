internal import HeapModule
package import MusterScheduling

/// A task with all of its inputs, ready to run.
package struct ReadyTask: Comparable, Sendable {
  package var task: TaskID
  package var attempt: Attempt
  package var priority: UInt32
  /// The collective that it belongs to.
  package var sequence: UInt32
  package var layer: Layer
  package var inputs: [any Block]

  package static func < (a: ReadyTask, b: ReadyTask) -> Bool { a.priority < b.priority }
  package static func == (a: ReadyTask, b: ReadyTask) -> Bool { a.priority == b.priority }
}

/// What became of a task.
package struct Completion: Sendable {
  package var task: TaskID
  package var attempt: Attempt
  package var sequence: UInt32
  package var result: Result<any Block, MusterError>
  package var nanoseconds: Int

  package init(
    task: TaskID, attempt: Attempt, sequence: UInt32, result: Result<any Block, MusterError>, nanoseconds: Int
  ) {
    self.task = task
    self.attempt = attempt
    self.sequence = sequence
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
  private let coordination: Coordination
  private let places: SparePlaces
  private var ready = Heap<ReadyTask>()
  private var completions: [Completion] = []
  private var idle = 0
  /// The collectives of the tasks that threads run, one entry a task.
  private var runningSequences: [UInt32] = []
  private var isShutDown = false

  init(threads: Int, rank: Int, doorbell: Doorbell, coordination: Coordination) {
    self.doorbell = doorbell
    self.rank = rank
    self.coordination = coordination
    places = SparePlaces(condition: condition, threads: threads)
    places.run { [weak self] in self?.work() }
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
    condition.withLock { swap(&list, &completions) }
  }

  var hasCompletions: Bool { condition.withLock { !completions.isEmpty } }
  /// Whether a thread runs a task.
  var isBusy: Bool { condition.withLock { !runningSequences.isEmpty } }

  /// Whether a thread runs a task of a collective.
  func isRunning(sequence: UInt32) -> Bool {
    condition.withLock { runningSequences.contains(sequence) || completions.contains { $0.sequence == sequence } }
  }

  /// Forgets what hasn't begun: the collective has failed.
  func clear() { condition.withLock { ready = Heap() } }

  func shutDown() {
    condition.withLock {
      isShutDown = true
      condition.broadcast()
    }
  }

  private func work() {
    condition.lock()
    while !isShutDown {
      guard places.hasRoom(running: runningSequences.count), let next = ready.popMin() else {
        idle += 1
        condition.wait()
        idle -= 1
        continue
      }
      runningSequences.append(next.sequence)
      condition.unlock()
      let completion = run(next)
      condition.lock()
      if let place = runningSequences.firstIndex(of: next.sequence) { runningSequences.remove(at: place) }
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
    let current = CurrentTask(
      coordination: coordination, places: places, operation: next.layer.tasks.name, sequence: next.sequence,
      task: next.task, attempt: next.attempt)
    let result = CurrentTask.run(current) {
      Result { try next.layer.run(TaskInputs(index: Int(next.task.index), blocks: next.inputs)) }
    }
    .mapError {
      MusterError(taskError: $0, layer: next.layer, task: next.task, rank: rank, attempt: Int(next.attempt))
    }
    return Completion(
      task: next.task, attempt: next.attempt, sequence: next.sequence, result: result,
      nanoseconds: MonotonicClock.nanoseconds - begin)
  }
}
