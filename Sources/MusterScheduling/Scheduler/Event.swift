/// A worker as the scheduler knows it: a small number that is never used again after the worker is lost.
public struct WorkerID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The number, from 0. Under MPI it is the worker's rank.
  public var number: Int32
  /// The worker with a number in `0 ..< 2^31`; higher bits are dropped.
  @inlinable
  public init(_ number: Int) { self.number = Int32(truncatingIfNeeded: number) }
  /// By number.
  @inlinable
  public static func < (a: WorkerID, b: WorkerID) -> Bool { a.number < b.number }
  /// `worker 3`.
  public var description: String { "worker \(number)" }
}

/// Which try at a task an assignment or a report belongs to, from 1. A report of an old attempt is ignored.
public typealias Attempt = UInt16

/// What happens to the scheduler. Time comes beside it, as an argument of `Scheduler.handle(_:at:into:)`.
public enum Event: Sendable, Equatable {
  /// A worker offers `slots` threads and `memoryLimit` bytes (0 where there is no limit).
  case workerJoined(WorkerID, slots: Int, memoryLimit: Int)
  /// Workers offer themselves at the same time: none is handed anything before all are known.
  case workersJoined([WorkerOffer])
  /// A worker is gone with everything that it held. Only where `SchedulerConfiguration.recoversLostBlocks`.
  case workerLost(WorkerID)
  /// A worker finished a task and holds its result, of `bytes` bytes, computed in `nanoseconds`.
  case finished(WorkerID, TaskID, Attempt, bytes: Int, nanoseconds: Int)
  /// A task threw. The error itself stays with the caller of the scheduler.
  case failed(WorkerID, TaskID, Attempt)
  /// All results of a graph that are still wanted aren't any more; what only they need isn't run.
  case released(GraphID)
  /// One result of a graph isn't wanted any more.
  case resultReleased(TaskID, of: GraphID)
  /// A task is not to be run, whoever needs it: it fails, and with it all that needs it. Does nothing to a task that is
  /// done.
  case cancelled(TaskID)
  /// A worker's answer to `Action.retract`: whether it gave the task back, or had begun (or finished) it already.
  case retracted(WorkerID, TaskID, Attempt, givenBack: Bool)
  /// What a worker holds in blocks, in bytes.
  case memory(WorkerID, bytes: Int)
  /// How many tasks a worker can have begun has changed, at least 1, or how many of them wait for other tasks: those leave
  /// room for as many, and end only when others have run.
  case slots(WorkerID, Int, waiting: Int = 0)
  /// Time passed: lets the scheduler act on what depends on time alone. Due every few milliseconds while
  /// `Scheduler.isUneven`.
  case timePassed
}

/// What a worker offers when it joins.
public struct WorkerOffer: Sendable, Equatable {
  /// The worker, whose number hasn't been used before.
  public var worker: WorkerID
  /// The threads that run tasks; at least 1.
  public var slots: Int
  /// What its blocks are meant to take, in bytes; 0 where there is no limit.
  public var memoryLimit: Int
  /// An offer of a worker; see the properties.
  public init(worker: WorkerID, slots: Int, memoryLimit: Int) {
    self.worker = worker
    self.slots = slots
    self.memoryLimit = memoryLimit
  }
}

/// Where an input of an assigned task is, where the assigned worker doesn't hold it: a run of `count` tasks of one
/// layer, from `first` on, all held by `holder`.
public struct InputSource: Sendable, Equatable {
  /// The first task of the run.
  public var first: TaskID
  /// The number of tasks of the run, with successive indices; at least 1.
  public var count: Int
  /// The worker to fetch the blocks from.
  public var holder: WorkerID
  /// Whether the blocks come right behind the assignment, and needn't be fetched. For who carries the actions out to set.
  public var isAttached: Bool
  /// Whether the holder is still to compute the blocks, and answers when it has.
  public var isComing: Bool
  /// A run of `count` tasks from `first` on, held by `holder`.
  public init(first: TaskID, count: Int, holder: WorkerID, isAttached: Bool = false, isComing: Bool = false) {
    self.first = first
    self.count = count
    self.holder = holder
    self.isAttached = isAttached
    self.isComing = isComing
  }
}

extension InputSource {
  /// The tasks of the run.
  public var tasks: some Sequence<TaskID> {
    (0..<count).lazy.map { [first] in TaskID(layer: Int(first.layer), index: Int(first.index) + $0) }
  }
}

extension [InputSource] {
  /// Adds one input, to the last run where it follows it.
  public mutating func add(
    _ task: TaskID, heldBy holder: WorkerID, isAttached: Bool = false, isComing: Bool = false
  ) {
    if let last, last.holder == holder, last.isAttached == isAttached, last.isComing == isComing,
      last.first.layer == task.layer,
      Int(last.first.index) + last.count == Int(task.index)
    {
      self[count - 1].count += 1
    } else {
      append(InputSource(first: task, count: 1, holder: holder, isAttached: isAttached, isComing: isComing))
    }
  }
}

/// A task handed to a worker.
public struct Assignment: Sendable, Equatable {
  /// The task to run.
  public var task: TaskID
  /// The attempt that the worker's reports have to name.
  public var attempt: Attempt
  /// Lower runs first: the graph's urgency, then the task's place in the depth-first order.
  public var priority: Int64
  /// Whether somebody else is likely to want the block soon: it's one of few results, or goes into a task together with others.
  public var isShared: Bool
  /// Whether the task is expected to end in no time: to hand it from thread to thread would cost about as much.
  public var isBrief: Bool
  /// Inputs that the worker has to fetch from others. Empty where it holds all of them.
  public var sources: [InputSource]
  /// An assignment; see the properties.
  public init(
    task: TaskID, attempt: Attempt, priority: Int64, isShared: Bool = false, isBrief: Bool = false,
    sources: [InputSource]
  ) {
    self.task = task
    self.attempt = attempt
    self.priority = priority
    self.isShared = isShared
    self.isBrief = isBrief
    self.sources = sources
  }
}

/// What the scheduler wants done.
public enum Action: Sendable, Equatable {
  /// Hands a task to a worker.
  case assign(WorkerID, Assignment)
  /// Asks a worker to give back a task that it hasn't begun.
  case retract(WorkerID, TaskID, Attempt)
  /// Nothing needs this block of this worker any more.
  case release(WorkerID, TaskID)
  /// Every result of a graph is computed; `Scheduler.holders(of:)` says where each is. Comes again where a lost worker
  /// took results with it, when they are there anew.
  case complete(GraphID)
  /// A result of a graph that reports each is computed.
  case resultReady(GraphID, TaskID)
  /// A result of a graph that reports each can't be computed.
  case resultFailed(GraphID, TaskID, SchedulingFailure)
  /// A graph can't be computed, since one of its results can't: comes once, at the first of them.
  case fail(GraphID, SchedulingFailure)
  /// Nothing of a graph that was released is needed, or running, any more: the closures of its layers, which have these
  /// numbers, won't be asked for.
  case forget(GraphID, layers: Range<Int>)
}

/// Why a task, or what needs it, can't be computed.
public enum SchedulingFailure: Sendable, Equatable {
  /// A task threw (attempt and worker as reported).
  case taskFailed(TaskID, Attempt, WorkerID)
  /// The worker running a task was lost too many times: the task itself is suspect.
  case taskLostWorkers(TaskID, losses: Int)
  /// The task was cancelled.
  case taskCancelled(TaskID)

  /// The task that it began with.
  public var task: TaskID {
    switch self {
    case .taskFailed(let task, _, _), .taskLostWorkers(let task, _), .taskCancelled(let task): task
    }
  }
}
