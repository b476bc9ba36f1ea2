/// What the scheduler may be told to do otherwise. The defaults suit ranks of one machine or of one fast network.
public struct SchedulerConfiguration: Sendable, Equatable {
  /// The work, in nanoseconds, that a worker should have queued for each of its slots beyond what it runs.
  public var prefillNanoseconds: Int = 1_000_000
  /// The most tasks queued for a slot beyond the one that it runs, however short they are.
  public var maximumPrefill: Int = 512
  /// The tasks queued for a slot while nothing is known of the layer's duration.
  public var initialPrefill: Int = 2
  /// The part of a worker's memory limit above which it's handed no new root task.
  public var memoryFraction: Double = 0.8
  /// A task fails the graph when this many workers were lost while they ran it.
  public var maximumLosses: Int = 3
  /// What fetching a block costs besides its bytes, in nanoseconds.
  public var transferLatency: Int = 20_000
  /// The bytes that a transfer moves in a nanosecond.
  public var transferBytesPerNanosecond: Double = 1
  /// What a task is taken to last before its worker has reported any, in nanoseconds.
  public var assumedDuration: Int = 100_000
  /// The number of successive root tasks that a worker takes together, so that what consumes them finds them in one
  /// place. Roots of one consumer are taken together beyond that number.
  public var rootRun: Int = 8
  /// Whether blocks that a lost worker held are computed again, and what they were made of with them. Then all that a
  /// graph builds on stays for as long as the graph does: a program that submits in a loop, each step building on the last,
  /// keeps all of its steps. Where a lost worker ends the job anyway (`workerLost` isn't allowed then) a graph is forgotten
  /// as soon as nobody keeps its results and the tasks that take them are done.
  public var recoversLostBlocks = true
  /// Whether a worker may be handed a brief task whose inputs workers are still to compute, so that it goes on without a word
  /// from here. Heeded where lost blocks aren't recovered. The worker has to wait for such inputs.
  public var assignsAhead = false
  /// For how long a worker that turned down a retract isn't asked again, in nanoseconds.
  public var retractPause: Int = 1_000_000

  /// The defaults.
  public init() {}
}
