/// What becomes of a job, whatever the batch system calls it.
public enum JobState: String, Hashable, Sendable, Codable, CaseIterable {
  /// Waits in the queue, or to be requeued.
  case pending
  /// Runs, begins or ends.
  case running
  /// Was stopped, and may go on.
  case suspended
  /// Ended with status 0.
  case completed
  /// Ended with another status, or by a signal.
  case failed
  /// Somebody cancelled it.
  case cancelled
  /// Ended at its walltime.
  case timedOut
  /// Took more memory than it had.
  case outOfMemory
  /// Lost a node.
  case nodeFailed
  /// Gave way to another job, for good.
  case preempted
  /// What the batch system says of it is no state that is known here.
  case unknown

  /// Whether nothing more becomes of it.
  public var isFinal: Bool {
    switch self {
    case .pending, .running, .suspended, .unknown: false
    case .completed, .failed, .cancelled, .timedOut, .outOfMemory, .nodeFailed, .preempted: true
    }
  }

  /// That of an array, of those of its jobs: what is still to come first, and what went wrong before what went well.
  static func ofAll(_ states: [JobState]) -> JobState {
    let order: [JobState] = [
      .running, .suspended, .pending, .unknown, .failed, .outOfMemory, .nodeFailed, .timedOut, .preempted, .cancelled,
    ]
    return order.first { states.contains($0) } ?? .completed
  }
}

/// What a batch system says of a job.
public struct JobStatus: Hashable, Sendable, Codable {
  /// The job's number, as the batch system writes it.
  public var id: String
  /// What has become of it; of an array, of its jobs together.
  public var state: JobState
  /// The batch system's own word for it: `NODE_FAIL`.
  public var word: String
  /// Why it waits or ended so, in the batch system's words; nil where it says nothing.
  public var reason: String?
  /// The job's name.
  public var name: String?
  /// The status that its script ended with, where it did.
  public var exitStatus: Int?
  /// The signal that ended it, where one did.
  public var signal: Int?
  /// Of an array, how many of its jobs are in which state.
  public var jobsByState: [String: Int]?
  /// Of an array, the indices of its jobs in each state, as far as the batch system says them: `3,5-7`.
  public var indicesByState: [String: String]?

  init(id: String, state: JobState, word: String) {
    self.id = id
    self.state = state
    self.word = word
  }

  /// Some jobs of an array that are told together.
  struct Part {
    var status: JobStatus
    var count: Int
    var indices: String?
  }

  /// The jobs of an array as one.
  static func array(_ id: String, _ jobs: [Part]) -> JobStatus {
    let state = JobState.ofAll(jobs.map(\.status.state))
    var all = jobs.first { $0.status.state == state }!.status
    all.id = id
    all.jobsByState = jobs.reduce(into: [:]) { $0[$1.status.state.rawValue, default: 0] += $1.count }
    let indices = jobs.compactMap { part in part.indices.map { (part.status.state.rawValue, $0) } }
    all.indicesByState = Dictionary(indices) { "\($0),\($1)" }
    return all
  }
}
