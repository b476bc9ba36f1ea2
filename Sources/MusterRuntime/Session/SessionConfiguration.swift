/// The settings of a session. What isn't set here is taken from the environment, then from the default.
///
/// | property | environment variable | default |
/// |---|---|---|
/// | `backend` | `MUSTER_BACKEND` = `auto`, `threads`, `synchronous`, `mpi` | `auto`: MPI where a launcher started several ranks, else threads |
/// | `threads` | `MUSTER_THREADS` | what the batch system gave each rank, else the cores that the rank may use |
/// | `memoryLimit` | `MUSTER_MEMORY_LIMIT` (bytes, or with `K`, `M`, `G` or `T`) | four fifths of the memory of the machine or of the control group, in equal parts for its workers |
/// | `progress` | `MUSTER_PROGRESS` = `auto`, `bar`, `lines`, `none` | `auto`: a bar on a terminal, else lines |
/// | `progressDeadline` | `MUSTER_PROGRESS_DEADLINE` (seconds) | none: ranks wait for each other for ever |
/// | `logDirectory` | `MUSTER_LOG_DIRECTORY` | none: other ranks' standard output is dropped |
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
    /// A bar where standard error is a terminal, else lines.
    case auto
    /// One line that is drawn again and again.
    case bar
    /// A line now and then, for logs.
    case lines
    /// Nothing.
    case none
  }

  /// What runs the tasks.
  public var backend: Backend?
  /// The threads of each worker that run tasks.
  public var threads: Int?
  /// The memory that the blocks of each worker are meant to take, in bytes.
  ///
  /// A worker that holds four fifths of it is handed no further task that reads or makes a chunk, until blocks are
  /// released. At most a sixteenth of it is kept of the memory of freed blocks.
  public var memoryLimit: Int?
  /// How the session tells how far it is.
  public var progress: Progress?
  /// How long ranks wait at a collective for one that doesn't come, before the job ends with a message that names it.
  public var progressDeadline: Duration?
  /// A folder for the standard output of the ranks other than 0, one file each.
  public var logDirectory: String?

  /// Settings of which those left out (nil) come from the environment, then from the defaults.
  ///
  /// Nothing is checked here: `Session.run` throws where a value can't be used.
  ///
  /// - Parameters:
  ///   - backend: what runs the tasks.
  ///   - threads: threads of each worker, from 1 to 4096.
  ///   - progress: how the session tells how far it is.
  ///   - progressDeadline: how long ranks wait for one that doesn't come.
  ///   - logDirectory: a folder for the standard output of the ranks other than 0.
  ///   - memoryLimit: the memory that the blocks of each worker are meant to take, in bytes, above 0.
  public init(
    backend: Backend? = nil, threads: Int? = nil, progress: Progress? = nil, progressDeadline: Duration? = nil,
    logDirectory: String? = nil, memoryLimit: Int? = nil
  ) {
    self.backend = backend
    self.threads = threads
    self.progress = progress
    self.progressDeadline = progressDeadline
    self.logDirectory = logDirectory
    self.memoryLimit = memoryLimit
  }
}

extension SessionConfiguration {
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
    if result.progressDeadline == nil, let text = environment["MUSTER_PROGRESS_DEADLINE"], !text.isEmpty {
      guard let seconds = Double(text), seconds > 0, seconds < 1e9 else {
        throw MusterError(
          .invalidArgument, "MUSTER_PROGRESS_DEADLINE is '\(text)'", fix: "Use a number of seconds above 0")
      }
      result.progressDeadline = .seconds(seconds)
    }
    if result.logDirectory == nil, let text = environment["MUSTER_LOG_DIRECTORY"], !text.isEmpty {
      result.logDirectory = text
    }
    return result
  }
}
