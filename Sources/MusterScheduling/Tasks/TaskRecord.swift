/// Where a task stands.
enum TaskState: UInt8, Sendable {
  /// At least one input isn't available.
  case waiting
  /// A task without inputs that is kept back until a worker can take it.
  case withheld
  /// Its inputs are available; it waits at the scheduler, in the backlog of the worker that it's meant for.
  case ready
  /// Handed to a worker, which has it queued, running, or finished with the report on its way.
  case assigned
  /// Its block is available.
  case finished
  /// Done with: no task that is still to run needs it. Also a task that needn't be computed again after all.
  case released
  /// It can't be computed: it threw, was cancelled, or needs a task to which that happened.
  case failed
}

struct TaskFlags: OptionSet, Sendable {
  let rawValue: UInt8
  /// A result of the graph that it is of, which hasn't released it.
  static let result = TaskFlags(rawValue: 1)
  /// The worker said that it has begun.
  static let begun = TaskFlags(rawValue: 2)
  /// More than one worker holds the block; the scheduler's `replicas` lists them.
  static let replicated = TaskFlags(rawValue: 4)
  /// The worker that the task is assigned to has a copy from before the block was lost: see `dropStrayCopy`.
  static let strayCopy = TaskFlags(rawValue: 8)
  /// A result of other graphs too, or only of them; the scheduler's `borrowers` lists them.
  static let borrowed = TaskFlags(rawValue: 16)
  /// Tasks of later graphs consume it; the table's `lateConsumers` lists them.
  static let late = TaskFlags(rawValue: 32)
  /// Cancelled while it was assigned: it has failed, but the worker is still to say that it is done with it.
  static let cancelled = TaskFlags(rawValue: 64)
  /// Assigned when not all of its inputs were there: workers were to compute them.
  static let ahead = TaskFlags(rawValue: 128)
}

/// What the scheduler knows of a task: 48 bytes in a flat array. All that handling an event touches of a task is
/// in one or two cache lines, which is why this is an array of records and not a column for each field.
struct TaskRecord: Sendable {
  /// The slot of its layer, and the index there.
  var layer: UInt32
  var index: UInt32
  /// Bytes of the block, as reported.
  var bytes = 0
  /// Where the task's inputs begin in `TaskTable.inputs`; they end where the next record's begin.
  var inputsStart: UInt32
  /// The same in `TaskTable.consumers`.
  var consumersStart: UInt32 = 0
  /// The inputs that aren't available. Kept exact for tasks that are outstanding.
  var unmet: UInt32 = 0
  /// The consumers that are outstanding: the block is kept while there are any.
  var wanted: UInt32 = 0
  /// Assigned: the worker that has it. Ready: in whose backlog it is. Finished: one of the holders. Else -1.
  var worker: Int32 = -1
  /// Assigned: its place in the worker's queue. Failed: the task with which it began.
  var position: UInt32 = 0
  var attempt: Attempt = 0
  var state = TaskState.waiting
  var flags: TaskFlags = []
  /// How many workers were lost while, as far as one can tell, they ran the task.
  var losses: UInt8 = 0
  /// Assigned ahead: the most steps from it to one of its inputs that wasn't.
  var lead: UInt8 = 0

  /// Whether the task is still to be computed.
  var isOutstanding: Bool { state != .finished && state != .released && state != .failed }
  /// Whether a graph keeps its block as a result.
  var isKept: Bool { !flags.isDisjoint(with: [.result, .borrowed]) }
  /// Whether its block is needed, now or later.
  var isNeeded: Bool { wanted > 0 || isKept }
}
