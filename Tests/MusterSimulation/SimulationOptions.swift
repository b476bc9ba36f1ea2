package import MusterScheduling

/// What a simulation is like: the workers, the delays and what goes wrong. Times in nanoseconds.
package struct SimulationOptions: Sendable {
  package struct Worker: Sendable {
    package var slots: Int
    package var memoryLimit: Int
    /// When it joins.
    package var joins: Int
    package init(slots: Int, memoryLimit: Int = 0, joins: Int = 0) {
      self.slots = slots
      self.memoryLimit = memoryLimit
      self.joins = joins
    }
  }

  /// What the transport, the disks and the losses are drawn from.
  package var seed: UInt64 = 0
  /// What the program's own choices are drawn from.
  package var programSeed: UInt64 = 0
  package var workers: [Worker] = []
  /// When a worker chosen at random is lost, if any is left.
  package var losses: [Int] = []
  /// When a worker chosen at random can run another number of tasks at a time.
  package var slotChanges: [Int] = []
  /// The part of the losses in which the worker goes on, and only its connection is lost.
  package var falseLosses = 0.0
  /// How long a message between the scheduler and a worker is on its way.
  package var messageDelay: ClosedRange<Int> = 5_000...5_000
  /// How long a worker's request for a block is on its way to another.
  package var requestDelay: ClosedRange<Int> = 1...1000
  /// How long a block is on its way, besides a nanosecond for a byte.
  package var transferDelay: ClosedRange<Int> = 20_000...20_000
  package var duration: @Sendable (TaskID) -> Int = { _ in 100_000 }
  package var bytes: @Sendable (TaskID) -> Int = { _ in 1000 }
  /// The chance that a report is sent twice, or that an outdated one goes before it.
  package var badReports = 0.0
  /// The chance that an assignment supersedes another attempt at the same task that the worker has just been given.
  package var staleAttempts = 0.0
  /// How long it takes a thread to see that there is a task for it, and a worker to see that a thread is done.
  package var threadDelay: ClosedRange<Int> = 0...0
  /// Where the graphs that the program adds one after the other end, as numbers of layers; the last ends with the last
  /// layer.
  package var partEnds: [Int] = []
  /// The longest time between two graphs, and for which a graph is kept after its end.
  package var pause = 0
  package var keepTime = 0
  /// How long a worker's program is behind that of rank 0.
  package var registrationDelay: ClosedRange<Int> = 0...0
  /// Tasks that are cancelled, and when.
  package var cancellations: [(task: TaskID, time: Int)] = []
  /// Tasks that don't succeed at once.
  package var mishaps: [TaskID: Mishap] = [:]
  /// By layer, for how long a task may run, in nanoseconds.
  package var timeLimits: [UInt32: Int] = [:]
  /// By graph, what its urgency is added to.
  package var urgencies: [Int16] = []
  /// The graphs whose results are futures: the program hears of each, and lets go of each when it likes.
  package var futureGraphs: Set<Int> = []
  /// The longest time for which the program keeps a future.
  package var futureTime = 0
  /// The graphs whose results the program waits for before it goes on; what it calls next depends on them.
  package var awaitedGraphs: Set<Int> = []
  /// The chance that a graph has a result of an earlier one as its own.
  package var borrowing = 0.0
  /// The chance that a member says or sends a thing twice that it may say twice.
  package var repeats = 0.0
  /// Blocks below this many bytes stay in memory; nil where workers have no disk, and only the scheduler heeds limits.
  package var smallestBlock: Int?
  /// How long the disk takes for a write or a read, and the chance that it fails.
  package var diskDelay: ClosedRange<Int> = 1...100_000
  package var diskFailures = 0.0
  package var configuration = SchedulerConfiguration()
  /// Whether the scheduler and the workers are asked to check their invariants after every event.
  package var checksInvariants = true

  package init(workers: [Worker] = []) { self.workers = workers }

  /// What has to be in memory together where a task runs.
  func neededBytes(of task: TaskID, in graph: TaskGraph) -> Int {
    Set(graph.inputs(of: task)).reduce(graph.layers[Int(task.layer)].expectedBytes) { $0 + bytes($1) }
  }
}

/// What befalls a task, so many times as rank 0 hears of it.
package struct Mishap: Sendable, Equatable {
  package enum Kind: Sendable { case throwing, overrunning }
  package var kind: Kind
  package var times: Int
}

/// What a simulation came to.
package struct SimulationReport: Sendable {
  package enum Outcome: Sendable, Equatable {
    case complete
    case failed(SchedulingFailure)
  }
  package var outcome = Outcome.complete
  /// In nanoseconds of virtual time, until the outcome.
  package var makespan = 0
  /// Tasks that were taken out of a queue since they turned out to need room.
  package var heldBack = 0
  /// How often a large block that was ready to come was refused for want of room.
  package var heldUp = 0
  /// Blocks that went from one worker to another, and their bytes.
  package var transfers = 0
  package var transferredBytes = 0
  /// How many tasks were run, repetitions included.
  package var runs = 0
  /// By worker number.
  package var runsByWorker: [Int] = []
  package var assignments = 0
  package var retracts = 0
  package var givenBack = 0
  /// Small blocks that came to the scheduler's side with the news of them, and that went on with tasks.
  package var presented = 0
  package var attached = 0
  /// Events that the scheduler handled.
  package var events = 0
  /// The most blocks that all workers together held at one time.
  package var peakBlocks = 0
  /// The most bytes of blocks that any one worker held at one time.
  package var peakBytes = 0
  package var losses = 0
  package var slotChanges = 0
  package var cancellations = 0
  /// Failures of tasks that were heeded, and tasks that were run again thereupon.
  package var heardFailures = 0
  package var retries = 0
  /// Tasks whose time was up, and those that came to an end after that.
  package var overdue = 0
  package var lateEnds = 0
  /// Futures that came to an end, and those that the program let go of before.
  package var settledFutures = 0
  package var unsettledReleases = 0
  /// How often the program was run once more and its two runs could be compared.
  package var replays = 0
  /// Whether something happened that may make one run of a program fail and another not.
  package var isDisturbed = false
  /// What the program saw, and called: the same in every run that isn't disturbed.
  package var transcript: [String] = []
  /// Blocks that were written to disk and read back, and how often that failed.
  package var spills = 0
  package var loads = 0
  package var diskFailures = 0
  /// Tasks that were refused since they don't fit.
  package var misfits = 0
  /// The tasks in the order in which they began.
  package var order: [TaskID] = []
}

/// What went wrong in a simulation: a fault of the scheduler, of a worker or of the simulator.
package struct SimulationFault: Error, CustomStringConvertible, Sendable {
  package let description: String
}
