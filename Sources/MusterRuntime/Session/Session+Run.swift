internal import Glibc
internal import Synchronization

extension Session {
  /// The same with a journal, in which the program's progress outlives it: see docs/journal.md.
  ///
  ///     try await Session.run(journal: "anomaly.journal") { session in … }
  ///
  /// - Parameter journal: the file, in a folder that all nodes see.
  /// - Throws: as `run(_:_:)`; `MusterError` with code `changedProgram` where the journal was begun by another program.
  public static func run<R>(journal: String, _ body: (Session) async throws -> R) async throws -> R {
    try await run(SessionConfiguration(journal: journal), body)
  }

  /// Runs a program in a session: on threads of this process, or, where a launcher of MPI programs (`mpirun`, `srun`)
  /// started several ranks, on those.
  ///
  /// Under MPI rank 0 schedules and the other ranks work. Standard output of rank 0 is passed on line by line; that of
  /// the other ranks is dropped, or goes to files (`logDirectory`); their standard error is prefixed with the rank. All
  /// stays so after the session. A program may have several sessions, one after the other; MPI ends with the process.
  /// A program that has started MPI itself keeps it, and ends it after the last session: it needs the level
  /// `MPI_THREAD_MULTIPLE`, or `MPI_THREAD_SERIALIZED` where it makes no MPI calls of its own during a session. A
  /// program that is started without `SWIFT_DETERMINISTIC_HASHING` set starts itself again with it first, so that
  /// sets and dictionaries have the same order on every rank: call `run` before anything else, or set it. While a
  /// session of several ranks runs SIGTERM ends the job; a handler of the program's own is in force again after it.
  ///
  /// Every collective belongs within `body`. One that an unstructured `Task` still awaits when `body` returns or throws
  /// is waited for before the session ends; the next one that such a task calls throws `MusterError` with code `session`.
  ///
  /// - Throws: what `body` throws, the same on every rank, or `MusterError` with code `session` or `invalidArgument`
  ///   where the session can't be started as configured. From the first session on, an error that leaves `main` ends
  ///   the program with status 1, and is told once; a program that catches it may go on, with another session too.
  public static func run<R>(
    _ configuration: SessionConfiguration = SessionConfiguration(),
    _ body: (Session) async throws -> R
  ) async throws -> R {
    StandardStreams.openClosed()
    ErrorInMain.install()
    do {
      return try await runOnce(configuration, body)
    } catch {
      // With the static Swift runtime an error that leaves `main` is a trap, which would lose what has been printed.
      StandardStreams.flushOutput()
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
    defer { if engine.rankCount > 1 { ranksAreClaimed.store(false, ordering: .relaxed) } }
    defer {
      engine.events?.finishReport()
      engine.events?.finish()
    }
    if engine.rank == 0, !hasWarned.exchange(true, ordering: .relaxed),
      let warning = SessionConfiguration.warning(of: environment)
    {
      StandardStreams.writeError(warning)
    }
    let session = Session(engine: engine, state: state, board: board)
    do {
      try session.onEachRank("start the session") {
        if engine.rank != 0 {
          try StandardStreams.redirectOutput(rank: engine.rank, logDirectory: configuration.logDirectory)
        } else {
          if let path = configuration.trace { try engine.events?.open(path, processes: engine.processNames) }
          if let path = configuration.report { try engine.openReport(path) }
        }
      }
      try session.openJournal(configuration, environment)
    } catch {
      session.abandonJournal(error)
      session.end(failure: error)
      ErrorInMain.allRanksThrow(error, rank: engine.rank)
      throw error
    }

    var reporter: ProgressReporter?
    if let board, engine.rank == 0 {
      let terminal = ErrorTerminal.find(isLaunched: engine.rankCount > 1)
      let made = ProgressReporter(
        board: board, style: configuration.progressStyle(terminal: terminal), terminal: terminal)
      session.report(to: made)
      reporter = made
    }
    let result: R
    do {
      result = try await body(session)
    } catch {
      await session.closeForCollectives()
      reporter?.stop()
      engine.events?.noteEnding(.failed)
      session.abandonJournal(error)
      session.end(failure: error)
      ErrorInMain.allRanksThrow(error, rank: engine.rank)
      throw error
    }
    await session.closeForCollectives()
    reporter?.stop()
    do {
      try session.endJournal()
    } catch {
      session.abandonJournal(error)
      session.end(failure: error)
      ErrorInMain.allRanksThrow(error, rank: engine.rank)
      throw error
    }
    session.end(failure: nil)
    StandardStreams.flushOutput()
    return result
  }

  private static func startEngine(
    _ configuration: SessionConfiguration, _ environment: [String: String], board: ProgressBoard?,
    state: SharedState
  ) throws -> any Engine {
    let backend = configuration.backend ?? .auto
    let isLaunched = World.isLaunched(environment) || MPI.isInitialized
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
    let launched =
      ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"].lazy.compactMap { environment[$0].flatMap { Int($0) } }.first
      ?? World.stepTasks(environment)
    if launched > 1 {
      throw MusterError(
        .session, "\(launched) processes were started, but each is alone: MPI doesn't connect them",
        fix: backend == .threads || backend == .synchronous
          ? "Start one process only with this backend"
          : "Start the program with mpirun, or with srun --mpi=pmix (Open MPI) or srun --mpi=pmi2 (MPICH):"
            + " `srun --mpi=list` names the kinds that this cluster has")
    }
    let threads =
      configuration.threads ?? Processors.grantedByBatchSystem(environment) ?? Processors.allowed
    return LocalEngine(
      threads: threads, synchronous: backend == .synchronous,
      memoryLimit: configuration.memoryLimit ?? MachineMemory.workerLimit(workersHere: 1),
      environment: environment, board: board,
      events: TraceRecorder(
        rank: 0, capacity: configuration.traceCapacity, reports: configuration.report != nil))
  }

  /// nil where there is one rank only.
  private static func startRanks(
    _ configuration: SessionConfiguration, _ environment: [String: String], board: ProgressBoard?,
    state: SharedState
  ) throws -> RankEngine? {
    if hasOneRank.load(ordering: .relaxed) { return nil }
    guard claimRanks() else {
      throw MusterError(
        .session, "a session of several ranks was started while another one runs in this process",
        fix: "Put the whole program in one Session.run, or start the second session after the first has ended")
    }
    var engine: RankEngine?
    defer { if engine == nil { ranksAreClaimed.store(false, ordering: .relaxed) } }
    if !hasDeterministicHashing(environment) { try restartWithDeterministicHashing() }
    engine = try RankEngine.start(
      configuration: configuration, environment: environment, board: board, log: { state.trace })
    guard let engine else {
      hasOneRank.store(true, ordering: .relaxed)
      return nil
    }
    StandardStreams.prefixErrorsIfNeeded(rank: engine.rank)
    if engine.rank == 0 { StandardStreams.passOutputOnByLines() }
    return engine
  }

  /// Of variables that are no settings; a program with many sessions says it once.
  private static let hasWarned = Atomic<Bool>(false)

  private static let ranksAreClaimed = Atomic<Bool>(false)
  /// A session of several ranks runs, or is being started.
  static var ranksAreInUse: Bool { ranksAreClaimed.load(ordering: .relaxed) }
  /// A launcher started this process, alone: MPI has been asked, and is over.
  private static let hasOneRank = Atomic<Bool>(false)

  private static func claimRanks() -> Bool {
    ranksAreClaimed.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged
  }

  /// Swift's runtime reads other values than these as false, or as nothing.
  package static func hasDeterministicHashing(_ environment: [String: String]) -> Bool {
    ["1", "true", "yes", "t", "y"].contains(environment["SWIFT_DETERMINISTIC_HASHING"]?.lowercased())
  }

  /// Replaces this process by the same program with `SWIFT_DETERMINISTIC_HASHING` set. Returns only by throwing.
  private static func restartWithDeterministicHashing() throws {
    guard !MPI.isInitialized else {
      throw MusterError(
        .session,
        "SWIFT_DETERMINISTIC_HASHING isn't set, and the program can't be started again with it: MPI runs already",
        fix: "Set it before the program starts: export SWIFT_DETERMINISTIC_HASHING=1, with -x under Open MPI's mpirun")
    }
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
    // Under its own path, so that it keeps its name; by the link where that is another file by now.
    if let path = realpath("/proc/self/exe", nil) { execv(path, CommandLine.unsafeArgv) }
    execv("/proc/self/exe", CommandLine.unsafeArgv)
    throw MusterError(
      .session,
      "SWIFT_DETERMINISTIC_HASHING isn't set, and the program can't be started again with it:"
        + " \(String(cString: strerror(errno)))",
      fix: "Set it in the job script: export SWIFT_DETERMINISTIC_HASHING=1")
  }
}

extension SessionConfiguration {
  func progressStyle(terminal: ErrorTerminal?) -> ProgressReporter.Style {
    switch progress ?? .auto {
    case .bar: .bar
    case .lines, .none: .lines
    case .auto: terminal == nil ? .lines : .bar
    }
  }
}
