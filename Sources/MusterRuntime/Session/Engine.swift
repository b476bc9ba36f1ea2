internal import MusterScheduling

/// What is behind a session: threads of this process, or ranks.
protocol Engine: AnyObject, Sendable {
  var rank: Int { get }
  var rankCount: Int { get }
  var workerCount: Int { get }
  /// The threads that run tasks, over all workers.
  var threadCount: Int { get }
  /// For how long the program looks for the end of a collective before it suspends, in nanoseconds.
  var patience: Int { get }
  /// What takes the session's events; nil where nothing is traced or reported.
  var events: TraceRecorder? { get }
  /// What tasks and the program coordinate by.
  var coordination: Coordination { get }

  /// Collective: runs a graph and lets go of it; `completion` is called once with the blocks of its results, on a thread
  /// of the engine's (or the caller's).
  func compute(
    _ submission: Submission, arrival: Arrival,
    completion: @escaping @Sendable (Result<ComputedBlocks, MusterError>) -> Void)

  /// Collective: waits for futures, each named by its task; `completion` is called once with their blocks. The program holds
  /// them until then.
  func gather(
    _ tasks: [TaskID], arrival: Arrival, completion: @escaping @Sendable (Result<ComputedBlocks, MusterError>) -> Void)

  /// Begins to run a graph, whose results are kept until they are released. Returns at once.
  func submit(_ submission: Submission)

  /// Runs what is ready, where the program's thread is the one that runs tasks.
  func runReady()

  /// The program has no use for some results of a graph any more. Heeded on rank 0.
  func release(_ tasks: [TaskID], of graph: GraphID)

  /// Some tasks aren't to be run, whoever needs them. Heeded on rank 0.
  func cancel(_ tasks: [TaskID])

  /// Collective: answers a question about futures, the same on every rank.
  func ask(
    _ question: FutureQuestion, arrival: Arrival,
    completion: @escaping @Sendable (Result<[UInt8], MusterError>) -> Void)

  /// A loop over futures is over. Heeded on rank 0.
  func endWatch(_ number: Int)

  /// What this rank keeps of graphs. Blocks the calling thread.
  func graphCounts() -> GraphCounts

  /// Gives every rank what rank 0 passed as `outcome` (nil on the others). Blocks the calling thread.
  func shareFromRoot(_ outcome: Result<[UInt8], MusterError>?, arrival: Arrival) -> Result<[UInt8], MusterError>

  /// From now on the session leaves before its work is done where it has to.
  func drains(by plan: DrainPlan)

  /// Ends the session: returns when every rank has come to the end.
  func finish(arrival: Arrival)
}

/// The blocks of a collective's results.
struct ComputedBlocks: Sendable {
  var blocks: [any Block]
  /// The same as bytes, where they came from other ranks; nil where they haven't left this process.
  var encoded: [EncodedBlock]?
}

/// A block as it crosses ranks.
struct EncodedBlock: Sendable {
  var header: [UInt8]
  var storages: [BlockStorage]
}

/// How a rank comes to a collective.
package struct Arrival: Sendable {
  enum Kind: UInt8, Sendable, BitwiseCopyable {
    case compute, question, rootValue, finish
  }

  var kind: Kind
  /// The number of the collective, from 0.
  var sequence: Int
  /// The rank's fingerprint, this call included.
  var fingerprint: Fingerprint
  /// The call, for messages. That of another rank is words only.
  var call: Call
  /// With `finish`: the error with which the program ended.
  var failure: String?
  /// With `rootValue`: what went wrong on this rank, for every rank to hear. On rank 0, with every kind but `finish`: why
  /// the collective fails before it has begun.
  var error: MusterError?
  /// What the journal is told of it, where this rank keeps one.
  var pending: JournalRecorder.Pending?

  /// Whether two ranks come to the same collective with the same history.
  func agrees(with other: Arrival) -> Bool {
    kind == other.kind && sequence == other.sequence && fingerprint == other.fingerprint && failure == other.failure
  }
}

/// What a program may want to know of futures, each named by its task.
enum FutureQuestion: Sendable {
  /// Which of them have come to an end since this was last asked, as places (`UInt32`) in the order in which they did;
  /// waits for the first, until a time has passed (in nanoseconds from now on).
  case settled(FutureWatch, timeout: Int?)
  /// How each of them is, as raw values of `FutureStatus`.
  case status([TaskID])
}
