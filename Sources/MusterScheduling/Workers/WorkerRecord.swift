import HeapModule

/// What the scheduler knows of a worker.
struct WorkerRecord: Sendable {
  var isAlive = false
  var slots = 1
  /// How many of the tasks that it has begun wait for others.
  var waiting = 0
  /// In bytes; 0 where there is none.
  var memoryLimit = 0
  /// What the worker holds in blocks as far as one can tell, in bytes: the last report, and what came and went since.
  var held = 0
  /// The bytes expected of what is assigned.
  var expected = 0
  /// The tasks assigned to the worker, in no order; a task knows its place.
  var queue: ContiguousArray<UInt32> = []
  /// Of a lost worker: what it had been assigned, for messages.
  var hadWhenLost: [TaskID] = []
  /// Ready tasks meant for the worker that it hasn't been given, by their keys. May contain tasks that have left since.
  var backlog = Heap<Int64>()
  /// How many of `backlog` are really there.
  var backlogCount = 0
  /// The root tasks that the worker is to have, as a range of `TaskTable.roots`.
  var roots = 0..<0
  /// The highest urgency of what it was assigned since its queue was last empty, and how many tasks of that it has.
  var topUrgency = Int16.min
  var topCount = 0
  /// Tasks of the queue that were assigned ahead and still miss inputs.
  var ahead = 0
  /// Tasks of the queue that the worker has been asked to give back.
  var retracting = 0
  /// Tasks that others have been asked to give back for this worker.
  var requested = 0
  /// Retracts sent to the worker that it hasn't answered.
  var unanswered = 0
  /// Not asked to give tasks back before this time.
  var quietUntil = Duration.zero
  /// What its tasks took.
  var pace = Pace()
  /// Since when it has had a task for each slot, and finished none.
  var fullSince = Duration.zero
  /// Too full for another root task when it was last looked at.
  var isFull = false
  /// On the list of workers to look at.
  var isTouched = false
}

/// A run of root tasks that no worker has taken, as a range of `TaskTable.roots`.
struct RootRun: Comparable, Sendable {
  /// The upper half of the keys of its tasks: the less urgent, the higher.
  var lateness: Int32
  var lower: UInt32
  var upper: UInt32
  static func < (a: RootRun, b: RootRun) -> Bool {
    (a.lateness, a.lower, a.upper) < (b.lateness, b.lower, b.upper)
  }
}

/// What the scheduler knows of a layer.
struct LayerRecord: Sendable {
  var expectedBytes: Int
  /// That of its graph.
  var urgency: Int16 = 0
  var retries = 0
  /// Whether its graph has few results: each is wanted at once, and by itself.
  var hasFewResults = false
  var total = 0
  var finished = 0
  var assigned = 0
  /// How many of its tasks each worker has been assigned, those that were given back among them. Kept where tasks are
  /// assigned ahead, of layers that take others.
  var assignedByWorker: [Int32: Int32] = [:]
  /// Where `Scheduler.paces` has how long its tasks take; nil where `pace` has.
  var kind: Int32?
  var pace = Pace()
}
