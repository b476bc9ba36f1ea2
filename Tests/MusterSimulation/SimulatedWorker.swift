import MusterScheduling

/// A worker that keeps to the protocol in the documentation of `Scheduler`.
struct SimulatedWorker {
  struct Entry {
    var attempt: Attempt
    var priority: UInt32
    /// The distinct inputs.
    var inputs: Set<TaskID>
    /// The inputs that haven't arrived.
    var missing: Set<TaskID>
    var hasBegun = false
  }

  let slots: Int
  let memoryLimit: Int
  /// Whether it runs. A worker whose connection alone is lost does.
  var isRunning = true
  /// Whether the scheduler has been told that it's lost.
  var isLost = false
  /// Whether it has crashed or lost its connection.
  var isDoomed = false
  var blocks: [TaskID: UInt64] = [:]
  var heldBytes = 0
  var tasks: [TaskID: Entry] = [:]
  var busySlots = 0
  /// The number of the request by which each missing block was asked for.
  var requests: [TaskID: Int] = [:]

  /// The task that begins next.
  var nextTask: TaskID? {
    guard busySlots < slots else { return nil }
    var best: (priority: UInt32, task: TaskID)?
    for (task, entry) in tasks where !entry.hasBegun && entry.missing.isEmpty {
      if best.map({ entry.priority < $0.priority }) ?? true { best = (entry.priority, task) }
    }
    return best?.task
  }

  /// Whether a task that hasn't begun waits for the block, or will use it.
  func isAwaited(_ block: TaskID) -> Bool {
    tasks.values.contains { !$0.hasBegun && $0.missing.contains(block) }
  }
}
