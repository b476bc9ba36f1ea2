/// The settings of a session. What isn't set here is taken from the environment, then from the default.
///
/// | property | environment variable | default |
/// |---|---|---|
/// | `backend` | `MUSTER_BACKEND` = `auto`, `threads`, `synchronous`, `mpi` | `auto`: MPI where a launcher started several ranks, else threads |
/// | `threads` | `MUSTER_THREADS` | what the batch system gave each rank, else the cores that the rank may use |
/// | `memoryLimit` | `MUSTER_MEMORY_LIMIT` (`4 GB`, `4 GiB`, `4G`, bytes) | four fifths of what the batch system, the control group or the machine gives, in equal parts for its workers |
/// | `progress` | `MUSTER_PROGRESS` = `auto`, `bar`, `lines`, `none` | `auto`: a bar on a terminal, else lines |
/// | `progressDeadline` | `MUSTER_PROGRESS_DEADLINE` (seconds) | none: ranks wait for each other for ever |
/// | `heartbeatInterval` | `MUSTER_HEARTBEAT_INTERVAL` (seconds) | 5 s |
/// | `heartbeatPatience` | `MUSTER_HEARTBEAT_PATIENCE` (seconds, 0 for ever) | 60 s |
/// | `logDirectory` | `MUSTER_LOG_DIRECTORY` | none: other ranks' standard output is dropped |
/// | `journal` | `MUSTER_JOURNAL` (a path) | none: a run that is ended begins from the start again |
/// | `journalStart` | `MUSTER_JOURNAL_START` = `resume`, `anew` | `resume` |
/// | `drainSignal` | `MUSTER_DRAIN_SIGNAL` (`USR1`, `USR2`, … or `none`) | `USR1`: with a journal, the signal upon which the program leaves with status 85 |
/// | `deadline` | `MUSTER_DEADLINE` (seconds since 1970) | what SLURM says of the job's end (`SLURM_JOB_END_TIME`), else none |
/// | `trace` | `MUSTER_TRACE` (a path) | none: nothing is traced |
/// | `traceEvents` | `MUSTER_TRACE_EVENTS` | 65536 events for each thread |
/// | `report` | `MUSTER_REPORT` (a path, or `-` or `stderr` for standard error) | none: nothing is reported |
public struct SessionConfiguration: Sendable {
  /// What runs the tasks.
  public enum Backend: String, Sendable, CaseIterable {
    /// MPI where a launcher started several ranks, else threads.
    case auto
    /// One process, several threads.
    case threads
    /// One process, each task on the calling thread, in a fixed order: for debugging.
    case synchronous
    /// Ranks under `mpirun` or `srun`; an error where there is only one.
    case mpi
  }

  /// How the session tells how far it is, on rank 0's standard error.
  public enum Progress: String, Sendable, CaseIterable {
    /// A bar where standard error is a terminal, its own or that of `mpirun` on the same node; else lines.
    case auto
    /// One line that is drawn again and again, for each collective that takes longer than half a second.
    case bar
    /// A line now and then, for logs.
    case lines
    /// Nothing.
    case none
  }

  /// What becomes of what a journal holds.
  public enum JournalStart: String, Sendable, CaseIterable {
    /// The program goes on after what its earlier runs have done.
    case resume
    /// That is discarded: the program begins from the start.
    case anew
  }

  /// What runs the tasks.
  public var backend: Backend?
  /// The threads of each worker that run tasks.
  public var threads: Int?
  /// What each worker's process may take of the machine's memory, in bytes: the program, the libraries and blocks.
  ///
  /// A worker whose blocks hold four fifths of what is left for them is handed no further task that reads or makes a chunk,
  /// until blocks are released. At most a sixteenth of the limit is kept of the memory of freed blocks.
  /// `SessionConfiguration.bytes("4 GB")` reads it from text.
  public var memoryLimit: Int?
  /// How the session tells how far it is.
  public var progress: Progress?
  /// How long ranks wait at a collective for one that doesn't come, before the job ends with a message that names it.
  /// Above 0, below 1e9 s.
  public var progressDeadline: Duration?
  /// How often a rank tells the others that it is there. It does so while its tasks and the program compute, too.
  public var heartbeatInterval: Duration?
  /// After how long without a sign from a rank the job ends with a message that names the rank and its tasks; zero where
  /// it never does. At least twice the interval.
  public var heartbeatPatience: Duration?
  /// A folder for the standard output of the ranks other than 0, one file each.
  public var logDirectory: String?
  /// The file in which the program's progress outlives it: a run that is ended, or whose walltime is over, goes on where it
  /// was when the program is started again. See docs/journal.md. Rank 0 writes it, and every rank reads it: it has to be
  /// in a folder that all nodes see.
  public var journal: String?
  /// What becomes of what the journal holds.
  public var journalStart: JournalStart?
  /// With a journal: the signal upon which the program leaves with status 85, to go on when it is started again: `USR1`.
  /// `none` for none; SIGTERM is heeded in any case.
  public var drainSignal: String?
  /// With a journal: when the job ends, in seconds since 1970. The program leaves some seconds before, with status 85.
  public var deadline: Double?
  /// The file for the trace: what each task, transfer and spill took, for ui.perfetto.dev and chrome://tracing. Rank 0
  /// writes it at the session's end; other ranks go by rank 0's setting.
  public var trace: String?
  /// How many events each thread keeps for the trace, the last ones: 56 bytes each, from 1 to 2^24, rounded up to a power
  /// of two.
  public var traceEvents: Int?
  /// The file for the report: one page of text that says what the time went into, by operation and by rank, and what to
  /// change. `-` or `stderr` for rank 0's standard error. Rank 0 writes it at the session's end; other ranks go by rank 0's
  /// setting. See docs/report.md.
  public var report: String?
  /// The longest message between ranks, in bytes (`MUSTER_PIECE_SIZE`): tests make it small, so that little data goes
  /// the way of much.
  package var pieceSize: Int?

  /// Settings of which those left out (nil) come from the environment, then from the defaults.
  ///
  /// Nothing is checked here: `Session.run` throws where a value can't be used.
  ///
  /// - Parameters:
  ///   - backend: what runs the tasks.
  ///   - threads: threads of each worker, from 1 to 4096.
  ///   - progress: how the session tells how far it is.
  ///   - progressDeadline: how long ranks wait for one that doesn't come, above 0; for ever where it is left out.
  ///   - heartbeatInterval: how often a rank tells that it is there, above 0.
  ///   - heartbeatPatience: after how long without a sign a rank is taken for dead, at least twice the interval; zero
  ///     for never.
  ///   - logDirectory: a folder for the standard output of the ranks other than 0.
  ///   - memoryLimit: what each worker's process may take of the machine's memory, in bytes, above 0.
  ///   - journal: the file in which the program's progress outlives it.
  ///   - journalStart: what becomes of what the journal holds.
  ///   - drainSignal: with a journal, the signal upon which the program leaves with status 85.
  ///   - deadline: with a journal, when the job ends, in seconds since 1970.
  ///   - trace: the file for the trace, which rank 0 writes at the session's end.
  ///   - traceEvents: how many events each thread keeps for it, from 1 to 2^24.
  ///   - report: the file for the report, which rank 0 writes at the session's end; `-` for standard error.
  public init(
    backend: Backend? = nil, threads: Int? = nil, progress: Progress? = nil, progressDeadline: Duration? = nil,
    heartbeatInterval: Duration? = nil, heartbeatPatience: Duration? = nil, logDirectory: String? = nil,
    memoryLimit: Int? = nil, journal: String? = nil, journalStart: JournalStart? = nil,
    drainSignal: String? = nil, deadline: Double? = nil, trace: String? = nil, traceEvents: Int? = nil,
    report: String? = nil
  ) {
    self.backend = backend
    self.threads = threads
    self.progress = progress
    self.progressDeadline = progressDeadline
    self.heartbeatInterval = heartbeatInterval
    self.heartbeatPatience = heartbeatPatience
    self.logDirectory = logDirectory
    self.memoryLimit = memoryLimit
    self.journal = journal
    self.journalStart = journalStart
    self.drainSignal = drainSignal
    self.deadline = deadline
    self.trace = trace
    self.traceEvents = traceEvents
    self.report = report
  }
}

extension SessionConfiguration {
  static let defaultHeartbeatInterval = Duration.seconds(5)
  static let defaultHeartbeatPatience = Duration.seconds(60)

  /// Fills what isn't set from environment variables.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`, naming the variable, its value and the valid ones.
  package func resolved(with environment: [String: String]) throws -> SessionConfiguration {
    var result = self
    func choice<T: RawRepresentable & CaseIterable>(_ name: String) throws -> T? where T.RawValue == String {
      guard let text = environment[name], !text.isEmpty else { return nil }
      guard let value = T(rawValue: text) else {
        throw MusterError(
          .invalidArgument, "\(name) is '\(text)'",
          fix: "Use one of: " + T.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return value
    }
    if result.backend == nil { result.backend = try choice("MUSTER_BACKEND") }
    if result.progress == nil { result.progress = try choice("MUSTER_PROGRESS") }
    if result.journalStart == nil { result.journalStart = try choice("MUSTER_JOURNAL_START") }
    if result.journal == nil, let path = environment["MUSTER_JOURNAL"], !path.isEmpty { result.journal = path }
    try result.resolveDrain(with: environment)
    if let journal = result.journal, journal.isEmpty || journal.hasSuffix("/") {
      throw MusterError(.invalidArgument, "'\(journal)' can't be a journal", fix: "Name a file")
    }
    if result.threads == nil, let text = environment["MUSTER_THREADS"], !text.isEmpty {
      guard let count = Int(text) else {
        throw MusterError(.invalidArgument, "MUSTER_THREADS is '\(text)'", fix: "Use a whole number from 1 to 4096")
      }
      result.threads = count
    }
    if let threads = result.threads, !(1...4096).contains(threads) {
      throw MusterError(
        .invalidArgument, "\(threads) threads were asked for (MUSTER_THREADS or SessionConfiguration.threads)",
        fix: "Use a number from 1 to 4096")
    }
    result.memoryLimit = try resolvedMemoryLimit(with: environment)
    try result.resolveTrace(with: environment)
    try result.resolveReport(with: environment)
    try result.expectFilesApart()
    func seconds(_ name: String, orZero: Bool = false) throws -> Duration? {
      guard let text = environment[name], !text.isEmpty else { return nil }
      guard let seconds = Double(text), seconds > 0 || (orZero && seconds == 0), seconds < 1e9 else {
        throw MusterError(
          .invalidArgument, "\(name) is '\(text)'",
          fix: "Use a number of seconds above 0 and below 1e9" + (orZero ? ", or 0 to wait for ever" : ""))
      }
      return .seconds(seconds)
    }
    /// The bounds of the variables hold for what the program sets too.
    func check(_ value: Duration?, _ name: String, orZero: Bool = false, forEver: String) throws {
      guard let value, !(orZero && value == .zero) else { return }
      guard value > .zero, value < .seconds(1_000_000_000) else {
        throw MusterError(
          .invalidArgument, "SessionConfiguration.\(name) is \(value)",
          fix: "Use a duration above 0 and below 1e9 s\(forEver)")
      }
    }
    if result.progressDeadline == nil { result.progressDeadline = try seconds("MUSTER_PROGRESS_DEADLINE") }
    if result.heartbeatInterval == nil { result.heartbeatInterval = try seconds("MUSTER_HEARTBEAT_INTERVAL") }
    if result.heartbeatPatience == nil {
      result.heartbeatPatience = try seconds("MUSTER_HEARTBEAT_PATIENCE", orZero: true)
    }
    try check(result.progressDeadline, "progressDeadline", forEver: ", or leave it out to wait for ever")
    try check(result.heartbeatInterval, "heartbeatInterval", forEver: "")
    try check(result.heartbeatPatience, "heartbeatPatience", orZero: true, forEver: ", or zero to wait for ever")
    let interval = result.heartbeatInterval ?? Self.defaultHeartbeatInterval
    let patience = result.heartbeatPatience ?? Self.defaultHeartbeatPatience
    guard patience == .zero || patience >= interval * 2 else {
      throw MusterError(
        .invalidArgument,
        "ranks give a sign every \(interval.text) (MUSTER_HEARTBEAT_INTERVAL or SessionConfiguration.heartbeatInterval), and"
          + " are to be taken for dead after \(patience.text) without one (MUSTER_HEARTBEAT_PATIENCE or heartbeatPatience)",
        fix: "Use a patience of at least twice the interval, or 0 to wait for ever")
    }
    if result.pieceSize == nil, let text = environment["MUSTER_PIECE_SIZE"], !text.isEmpty {
      guard let size = Int(text), (1...MPI.longestPiece).contains(size) else {
        throw MusterError(
          .invalidArgument, "MUSTER_PIECE_SIZE is '\(text)'",
          fix: "Use a whole number of bytes from 1 to \(MPI.longestPiece)")
      }
      result.pieceSize = size
    }
    if result.logDirectory == nil, let text = environment["MUSTER_LOG_DIRECTORY"], !text.isEmpty {
      result.logDirectory = text
    }
    return result
  }
}

extension Duration {
  /// At most 30 years either way: sums of such don't overflow.
  var nanoseconds: Int {
    let seconds = min(max(components.seconds, -1_000_000_000), 1_000_000_000)
    return Int(seconds) * 1_000_000_000 + Int(components.attoseconds / 1_000_000_000)
  }

  /// In seconds, as a message has it: `60 s`, `0.5 s`.
  package var text: String {
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    return rest == 0 ? "\(seconds) s" : "\(Double(nanoseconds) / 1e9) s"
  }
}
