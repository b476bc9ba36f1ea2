package import MusterScheduling

/// One thing that happened: a record of 56 bytes, the same in memory and between ranks. docs/events.md has the table.
package struct TraceEvent: BitwiseCopyable, Hashable, Sendable {
  /// What happened. The numbers are part of the format.
  package enum Kind: UInt32, CaseIterable, Sendable {
    /// A thread ran a task.
    case task = 1
    /// A thread ran a task, which threw.
    case failedTask = 2
    /// MPI's thread handed a block over to MPI, for `peer`.
    case send = 3
    /// A block came from `peer`.
    case receive = 4
    /// What the worker's blocks held at that time.
    case memory = 5
    /// Rank 0 asked `peer` to give a task back.
    case retract = 6
    /// A block went to local scratch.
    case spill = 7
    /// A block came back from local scratch.
    case unspill = 8
  }

  /// No other rank has a part in it.
  package static let noPeer: Int32 = -1

  /// When it began: nanoseconds of the monotonic clock of the rank's node.
  package var time: Int
  /// How long it took, in nanoseconds; 0 for what has no length.
  package var duration: Int
  /// The bytes of the block; with `memory`, those of all blocks held.
  package var bytes: Int
  /// With `receive`: how long it took to take in what had come, after `time + duration`; in nanoseconds.
  package var handling: Int
  /// The task, or the one whose block it is.
  package var task: TaskID
  /// The rank on which it happened.
  package var rank: Int32
  /// The other rank, or `noPeer`.
  package var peer: Int32
  /// Which try at the task it was; 0 where that isn't known.
  package var attempt: UInt16
  /// The number of the thread's buffer on its rank.
  package var thread: UInt16
  /// The kind's number.
  private var code: UInt32

  package var kind: Kind? { Kind(rawValue: code) }

  package init(
    _ kind: Kind, time: Int, duration: Int = 0, bytes: Int = 0, task: TaskID = TaskID(layer: 0, index: 0),
    peer: Int32 = TraceEvent.noPeer, handling: Int = 0, attempt: UInt16 = 0
  ) {
    self.time = time
    self.duration = duration
    self.bytes = bytes
    self.task = task
    self.peer = peer
    self.handling = handling
    self.attempt = attempt
    code = kind.rawValue
    // The buffer that takes the record fills these in.
    rank = 0
    thread = 0
  }
}
