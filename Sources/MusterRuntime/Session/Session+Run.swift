internal import Glibc
internal import Synchronization

extension Session {
  /// Runs a program in a session: on threads of this process, or, where a launcher of MPI programs (`mpirun`, `srun`)
  /// started several ranks, on those.
  ///
  /// Under MPI rank 0 schedules and the other ranks work. Standard output of the other ranks is dropped, or goes to
  /// files (`logDirectory`); their standard error is prefixed with the rank. When the program has ended, so has MPI:
  /// a process has one session of several ranks at most. A program that is started without
  /// `SWIFT_DETERMINISTIC_HASHING` set starts itself again with it first, so that sets and dictionaries have the same
  /// order on every rank: call `run` before anything else.
  ///
  /// - Throws: what `body` throws, the same on every rank, or `MusterError` with code `session` or `invalidArgument`
  ///   where the session can't be started as configured. A program that doesn't catch the error ends with status 1.
  public static func run<R>(
    _ configuration: SessionConfiguration = SessionConfiguration(),
    _ body: (Session) async throws -> R
  ) async throws -> R {
    do {
      return try await runOnce(configuration, body)
    } catch {
      // A trap, or `_exit`, would lose what the program has printed so far.
      fflush(nil)
      Signals.turnTrapsIntoExit()
      throw error
    }
  }

  private static func runOnce<R>(
    _ configuration: SessionConfiguration, _ body: (Session) async throws -> R
  ) async throws -> R {
    let environment = ProcessEnvironment.current
    let configuration = try configuration.resolved(with: environment)
    let board: ProgressBoard? = configuration.progress == SessionConfiguration.Progress.none ? nil : ProgressBoard()
    let state = SharedState()
    let engine = try startEngine(configuration, environment, board: board, state: state)
    let session = Session(engine: engine, state: state, board: board)
    do {
      try session.onEachRank("start the session") {
        if engine.rank != 0 {
          try StandardStreams.redirectOutput(rank: engine.rank, logDirectory: configuration.logDirectory)
        }
      }
    } catch {
      session.end(failure: error)
      throw error
    }

    var reporter: ProgressReporter?
    if let board, engine.rank == 0 {
      reporter = ProgressReporter(board: board, style: configuration.progressStyle)
    }
    let result: R
    do {
      result = try await body(session)
    } catch {
      reporter?.stop()
      session.end(failure: error)
      // Every rank throws the same error: rank 0's is the one that is seen.
      if engine.rank != 0 { StandardStreams.silenceErrors() }
      throw error
    }
    reporter?.stop()
    session.end(failure: nil)
    return result
  }

  private static func startEngine(
    _ configuration: SessionConfiguration, _ environment: [String: String], board: ProgressBoard?,
    state: SharedState
  ) throws -> any Engine {
    let backend = configuration.backend ?? .auto
    let isLaunched = World.isLaunched(environment)
    if backend == .mpi && !isLaunched {
      throw MusterError(
        .session,
        "the MPI backend was asked for (MUSTER_BACKEND or SessionConfiguration.backend), but no launcher started this process",
        fix: "Start the program with mpirun or srun, or leave the backend to 'auto'")
    }
    if backend == .auto || backend == .mpi, isLaunched {
      if let engine = try startRanks(configuration, environment, board: board, state: state) { return engine }
      if backend == .mpi {
        throw MusterError(
          .session,
          "the MPI backend was asked for (MUSTER_BACKEND or SessionConfiguration.backend), but there is only one rank",
          fix: "Start the program with at least two ranks, or leave the backend to 'auto'")
      }
    }
    let launched = environment["OMPI_COMM_WORLD_SIZE"].flatMap { Int($0) } ?? World.stepTasks(environment)
    if launched > 1 {
      throw MusterError(
        .session, "\(launched) processes were started, but each is alone: MPI doesn't connect them",
        fix: backend == .threads || backend == .synchronous
          ? "Start one process only with this backend"
          : "Start the program with mpirun, or with srun --mpi=pmix (or another kind that `srun --mpi=list` names)")
    }
    let threads =
      configuration.threads ?? Processors.grantedByBatchSystem(environment) ?? Processors.allowed
    return LocalEngine(
      threads: threads, synchronous: backend == .synchronous,
      memoryLimit: configuration.memoryLimit ?? MachineMemory.workerLimit(workersHere: 1), board: board)
  }

  /// nil where there is one rank only.
  private static func startRanks(
    _ configuration: SessionConfiguration, _ environment: [String: String], board: ProgressBoard?,
    state: SharedState
  ) throws -> RankEngine? {
    if hasOneRank.load(ordering: .relaxed) { return nil }
    guard claimRanks() else {
      throw MusterError(
        .session, "a second session of several ranks was started in one process",
        fix: "Put the whole program in one Session.run")
    }
    if environment["SWIFT_DETERMINISTIC_HASHING"] == nil { try restartWithDeterministicHashing() }
    guard
      let engine = RankEngine.start(
        configuration: configuration, environment: environment, board: board, log: { state.trace })
    else {
      hasOneRank.store(true, ordering: .relaxed)
      return nil
    }
    Signals.noteTermination()
    StandardStreams.prefixErrorsIfNeeded(rank: engine.rank)
    return engine
  }

  private static let ranksAreClaimed = Atomic<Bool>(false)
  /// A launcher started this process, alone: MPI has been asked, and is over.
  private static let hasOneRank = Atomic<Bool>(false)

  private static func claimRanks() -> Bool {
    ranksAreClaimed.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
  }

  /// Replaces this process by the same program with `SWIFT_DETERMINISTIC_HASHING` set. Returns only by throwing.
  private static func restartWithDeterministicHashing() throws {
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
    throw MusterError(
      .session,
      "SWIFT_DETERMINISTIC_HASHING isn't set, and the program can't be started again with it:"
        + " \(String(cString: strerror(errno)))",
      fix: "Set it in the job script: export SWIFT_DETERMINISTIC_HASHING=1")
  }
}

extension SessionConfiguration {
  var progressStyle: ProgressReporter.Style {
    switch progress ?? .auto {
    case .bar: .bar
    case .lines, .none: .lines
    case .auto: ProgressReporter.standardErrorIsTerminal ? .bar : .lines
    }
  }
}
