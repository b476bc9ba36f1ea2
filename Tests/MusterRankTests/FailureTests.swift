import Foundation
import Testing

extension Launch {
  /// Open MPI's mpirun leaves the other ranks alone when one dies: what Muster does by itself is seen. It then leaves with
  /// status 0 itself.
  static let indifferentLauncher = ["OMPI_MCA_orte_enable_recovery": "1"]

  /// Whether the job ended with the status of the rank that failed by itself. MPICH's launcher makes another one of it
  /// where it kills the others.
  func endedWith(_ expected: Int32) -> Bool { Self.isOpenMPI ? status == expected : status != 0 }
}

extension Trait where Self == ConditionTrait {
  /// For tests that read what the others say of a rank that died.
  static var whereOthersOutliveTheDead: Self {
    .enabled(if: Launch.isOpenMPI, "MPICH's launcher kills every rank as soon as one dies: none can say anything")
  }
}

@Suite(.serialized)
struct FailureTests {
  @Test(arguments: Launch.sizes)
  func errorsAreTheSameOnEveryRankAndTheSessionGoesOn(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["errors"], ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines.count == 2)
    #expect(run.output.contains("codes taskFailed taskFailed diskFull then 10 blocks"))
    #expect(run.output.contains("Unhappy(number: 7)"))
    #expect(run.output.contains("work[7] on rank \(ranks == nil ? "0" : "")"))
    #expect(run.output.contains("RankPrograms/Failures.swift:1234"))
  }

  @Test(arguments: Launch.sizes)
  func anUncaughtErrorIsShownOnceWithStatus1(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["uncaught"], ranks: ranks)
    #expect(run.status == 1, "\(run.errors)")
    #expect(run.errors.components(separatedBy: "Unhappy(number: 7)").count == 2, "\(run.errors)")
    #expect(run.errors.hasPrefix("muster: the program ended with the error: "), "\(run.errors)")
    #expect(!run.errors.contains("Fatal error") && !run.errors.contains("stack trace"), "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test(.whereOthersOutliveTheDead, arguments: [1, 2])
  func aKilledWorkerIsNamedWithItsTask(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["lose", "\(rank)", "kill"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("rank \(rank) (node "), "\(run.errors)")
    #expect(run.errors.contains(") died while it had the task"), "\(run.errors)")
    #expect(run.errors.contains("doomed["), "\(run.errors)")
    #expect(run.errors.contains("RankPrograms/Failures.swift:4321"), "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test(.whereOthersOutliveTheDead) func aKilledRootTakesTheJobDown() throws {
    let run = try Launch.run("rank-programs", ["lose", "0", "kill"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("rank 0, which schedules, died"), "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test(.whereOthersOutliveTheDead) func theLastWordsOfACrashAreSeen() throws {
    let run = try Launch.run("rank-programs", ["lose", "2", "trap"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("[rank 2]") && run.errors.contains("these are the last words"), "\(run.errors)")
    #expect(run.errors.contains("rank 2 (node ") && run.errors.contains("doomed["), "\(run.errors)")
  }

  @Test(arguments: [0, 2])
  func aRankThatDoesNotComeIsNamedByTheDeadline(rank: Int) throws {
    let run = try Launch.run(
      "rank-programs", ["late", "\(rank)"], ranks: 3, environment: ["MUSTER_PROGRESS_DEADLINE": "2"], limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("rank \(rank) didn't come to on time"), "\(run.errors)")
    #expect(run.seconds < 10)
  }
}

/// As if each rank were on a node of its own: no rank sees the process of another.
@Suite(.serialized)
struct HeartbeatTests {
  private func run(
    _ arguments: [String], patience: String = "2", launcherLooksAway: Bool = false
  ) throws -> Launch {
    var environment = [
      "MUSTER_TEST_SEPARATE_NODES": "1", "MUSTER_HEARTBEAT_INTERVAL": "0.2", "MUSTER_HEARTBEAT_PATIENCE": patience,
      "MUSTER_THREADS": "1",
    ]
    if launcherLooksAway { environment.merge(Launch.indifferentLauncher) { $1 } }
    return try Launch.run("rank-programs", arguments, ranks: 3, environment: environment, limit: 30)
  }

  @Test func aStoppedWorkerIsNamedWithItsTask() throws {
    let run = try run(["lose", "2", "stop"])
    #expect(run.status != 0)
    #expect(run.errors.contains("nothing has come for 2 s: rank 2 (node "), "\(run.errors)")
    #expect(run.errors.contains("doomed[") && run.errors.contains("Failures.swift:4321"), "\(run.errors)")
    #expect(!run.errors.contains("rank 1 ("), "\(run.errors)")
    #expect(run.seconds < 15)
  }

  @Test func aStoppedRootIsNoticed() throws {
    let run = try run(["lose", "0", "stop"])
    #expect(run.status != 0)
    // Rank 1 is to be the first; where the machine is busy rank 2 may be quicker, or say it too.
    let said = run.errors.components(separatedBy: "muster: fatal").count - 1
    #expect((1...2).contains(said), "\(run.errors)")
    #expect(
      run.errors.components(separatedBy: " has heard nothing of rank 0, which schedules").count - 1 == said,
      "\(run.errors)")
    #expect(run.seconds < 15)
  }

  /// As when a node goes down, and nobody tells.
  @Test(.whereOthersOutliveTheDead) func aWorkerThatIsGoneIsNamedWithItsTask() throws {
    let run = try run(["lose", "2", "kill"], launcherLooksAway: true)
    #expect(run.errors.contains("nothing has come for 2 s: rank 2 (node "), "\(run.errors)")
    #expect(run.errors.contains("doomed[") && run.errors.contains("Failures.swift:4321"), "\(run.errors)")
    #expect(run.seconds < 15)
  }

  @Test(.whereOthersOutliveTheDead) func aRootThatIsGoneIsNoticed() throws {
    let run = try run(["lose", "0", "kill"], launcherLooksAway: true)
    #expect(run.errors.contains(" has heard nothing of rank 0, which schedules, for 2 s"), "\(run.errors)")
    #expect(run.seconds < 15)
  }

  /// The launcher is first here; rank 0 says what each rank had.
  @Test(.whereOthersOutliveTheDead) func theTasksOfAKilledWorkerAreTold() throws {
    let run = try run(["lose", "2", "kill"], patience: "20")
    #expect(run.status != 0)
    #expect(run.errors.contains("ended by SIGTERM in losing"), "\(run.errors)")
    #expect(run.errors.contains("; Rank 2 had doomed[") || run.errors.contains(". Rank 2 had doomed["), "\(run.errors)")
    #expect(run.seconds < 15)
  }

  /// However the others wait, or whatever they do by themselves.
  @Test(arguments: [0, 2], ["go-on", "end", "start-a-session"])
  func aRankThatIsStoppedOutsideOfSessionsIsNamed(rank: Int, others: String) throws {
    let run = try run(["after-session", "\(rank)", "stop", others])
    #expect(run.status != 0)
    #expect(run.errors.contains("muster: fatal: nothing has come for 2 s from rank \(rank) (node "), "\(run.errors)")
    #expect(run.errors.contains("), outside of any session"), "\(run.errors)")
    // One says it before the others; where the machine is busy another one may be as quick.
    let said = run.errors.components(separatedBy: "muster: fatal").count - 1
    #expect((1...2).contains(said), "\(run.errors)")
    let this = "muster: fatal: nothing has come for 2 s from rank \(rank) ("
    #expect(run.errors.components(separatedBy: this).count - 1 == said, "\(run.errors)")
    #expect(!run.output.contains("started"))
    #expect(run.seconds < 15)
  }

  /// Twice the patience goes by in the program of one rank, then in a task, then in the program again.
  @Test func whoIsBusyOutsideOfSessionsIsNotSilent() throws {
    let run = try run(["busy-between-sessions", "4"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "10 blocks\n")
    #expect(run.seconds > 12)
  }

  /// Twice the patience goes by within a task, then within the program of one rank.
  @Test func whoIsBusyForLongIsNotSilent() throws {
    let run = try run(["busy", "4"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "20 blocks\n")
  }
}

@Suite(.serialized)
struct TerminationTests {
  @Test func rootSaysWhatWasRunning() throws {
    let run = try Launch.run("rank-programs", ["lose", "0", "terminate"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("muster: ended by SIGTERM in losing"), "\(run.errors)")
    #expect(run.errors.contains("Rank 1 had doomed["), "\(run.errors)")
    #expect(!run.errors.contains("muster: fatal"), "\(run.errors)")
    #expect(run.seconds < 20)
  }

  @Test func aWorkerIsNamedWithItsTask() throws {
    let run = try Launch.run("rank-programs", ["lose", "2", "terminate"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("rank 2 (node "), "\(run.errors)")
    #expect(run.errors.contains(") was ended by SIGTERM while it had the task"), "\(run.errors)")
    #expect(run.errors.contains("doomed["), "\(run.errors)")
    #expect(run.seconds < 20)
  }

  @Test(arguments: ["before", "between"])
  func aHandlerOfTheProgramIsInForceAfterTheSession(moment: String) throws {
    let run = try Launch.run("rank-programs", ["own-handler", moment], ranks: 3, limit: 30)
    #expect(run.endedWith(7), "\(run.errors)")
    #expect(run.errors.contains("my own handler"), "\(run.errors)")
    #expect(!run.errors.contains("muster: ended by SIGTERM"), "\(run.errors)")
  }

  @Test(arguments: [0, 2])
  func afterTheSessionTheJobEndsToo(rank: Int) throws {
    // Now and then a launcher leaves without having read what a rank that it ends has said.
    var said: [String] = []
    while said.count < 3, said.last?.contains("muster: ended by SIGTERM outside of any session") != true {
      let run = try Launch.run(
        "rank-programs", ["after-session", "\(rank)", "terminate", "go-on"], ranks: 3, limit: 30)
      #expect(run.status != 0)
      #expect(run.seconds < 20)
      said.append(run.errors)
      // MPICH's is first to speak of another rank, and kills rank 0.
      if rank > 0 && !Launch.isOpenMPI { return }
    }
    #expect(said.last?.contains("muster: ended by SIGTERM outside of any session") == true, "\(said)")
  }
}

/// A rank that dies while the others wait for it to end.
@Suite(.serialized)
struct DeathAfterSessionTests {
  @Test(.whereOthersOutliveTheDead, arguments: [0, 2])
  func nobodyWaitsForTheDead(rank: Int) throws {
    let run = try Launch.run(
      "rank-programs", ["after-session", "\(rank)", "kill", "end"], ranks: 3, environment: Launch.indifferentLauncher,
      limit: 30)
    #expect(run.errors.contains("rank \(rank) (node "), "\(run.errors)")
    #expect(run.errors.contains(") died outside of any session"), "\(run.errors)")
    #expect(run.seconds < 20)
  }
}

/// What a program may do after a session that threw.
@Suite(.serialized)
struct AfterErrorTests {
  @Test(arguments: Launch.sizes)
  func anotherSessionSucceeds(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["after-error", "session"], ranks: ranks, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines.count == 2 && run.output.contains("Unhappy(number: 7)"), "\(run.output)")
    #expect(run.lines.last == "sum 499500")
    for rank in 0..<(ranks ?? 1) { #expect(run.errors.contains("rank \(rank) goes on\n"), "\(run.errors)") }
  }

  @Test(arguments: [0, 2])
  func aCrashIsACrash(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["after-error", "trap", "\(rank)"], ranks: 3, limit: 30)
    #expect(run.status != 0 && run.status != 1)
    #expect(run.errors.contains("Fatal error: boom"), "\(run.errors)")
    #expect(run.seconds < 20)
  }

  /// An error that the others don't have is told by the rank that has it.
  @Test(arguments: [0, 2])
  func anErrorOfOneRankIsTold(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["after-error", "throw", "\(rank)"], ranks: 3, limit: 30)
    #expect(run.endedWith(1), "\(run.errors)")
    #expect(run.errors.contains("the program ended with the error: Unhappy(number: 9)"), "\(run.errors)")
    #expect(run.seconds < 20)
  }

  @Test func sessionsFollowEachOther() throws {
    let run = try Launch.run("rank-programs", ["sessions", "20"], ranks: 3, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "20 sessions\n")
    #expect(run.seconds < 20)
  }

  @Test(arguments: [0, 2])
  func aSessionThatTheOthersDoNotHaveIsNamed(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["sessions", "2", "\(rank)"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    let (ending, going) = rank == 0 ? (1, 0) : (0, 2)
    #expect(
      run.errors.contains(
        "rank \(ending) has come to the end of the program, rank \(going) starts another session"), "\(run.errors)")
    #expect(run.seconds < 20)
  }
}

/// Programs that have started MPI themselves.
@Suite(.serialized)
struct OwnMPITests {
  private static let hashing = ["SWIFT_DETERMINISTIC_HASHING": "1"]

  @Test(arguments: [("serialized", 499_500), ("multiple", 499_507)])
  func isUsedAndLeftAlone(level: String, total: Int) throws {
    let run = try Launch.run("rank-programs", ["own-mpi", level], ranks: 3, environment: Self.hashing, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.output == """
        round 0: \(total) on 3 ranks
        round 1: \(total) on 3 ranks
        session Call MPI_Finalize after the last session

        """, "\(run.errors)")
  }

  @Test(arguments: ["single", "funneled"])
  func aLevelThatKeepsMusterOutIsRefused(level: String) throws {
    let run = try Launch.run("rank-programs", ["own-mpi", level], ranks: 3, environment: Self.hashing, limit: 30)
    #expect(run.endedWith(1), "\(run.errors)")
    #expect(run.errors.contains("MPI_THREAD_\(level.uppercased())"), "\(run.errors)")
    #expect(run.errors.contains("MPI_Init_thread with MPI_THREAD_MULTIPLE"), "\(run.errors)")
    #expect(run.seconds < 20)
  }

  /// A process that has started MPI can't be replaced by another one.
  @Test func hashingHasToBeSetBefore() throws {
    let run = try Launch.run("rank-programs", ["own-mpi", "multiple"], ranks: 2, limit: 30)
    #expect(run.endedWith(1), "\(run.errors)")
    #expect(run.errors.contains("export SWIFT_DETERMINISTIC_HASHING=1"), "\(run.errors)")
  }
}

@Suite(.serialized)
struct DivergenceTests {
  @Test func alikeProgramsArrive() throws {
    let run = try Launch.run("rank-programs", ["diverge", "none"], ranks: 3)
    #expect(run.status == 0 && run.output == "arrived\n", "\(run.errors)")
  }

  @Test(arguments: [
    ("operation", "sum of [4, 5] Double at Divergence.swift:20", "max of [4, 5] Double at Divergence.swift:20"),
    ("shape", "sum of [4, 5] Double", "sum of [4, 6] Double"),
    ("order", "sum of [4, 5] Double at Divergence.swift:20", "max of [4, 5] Double at Divergence.swift:21"),
    ("extra", "at Divergence.swift:30", "extra of [4, 5] Double at Divergence.swift:20"),
    ("missing", "missing of [4, 5] Double at Divergence.swift:20", "at Divergence.swift:30"),
    ("line", "Divergence.swift:20", "Divergence.swift:21"),
    ("collective", "at Divergence.swift:30", "read at rank_programs/Divergence.swift:"),
    ("return", "at Divergence.swift:30", "the end of the session"),
    ("operands", "subtract of [3, 4] Double", "subtract of [3, 4] Double"),
    ("choice", "Divergence.swift:40", "Divergence.swift:40"),
    ("chunks", "rechunk of [3, 4] Double", "rechunk of [3, 4] Double"),
    ("inputs", "layer of Int (4 tasks, inputs ", "rank_programs/Divergence.swift:44"),
    ("throw", "at Divergence.swift:30", "Alone()"),
    ("constant", "(2.0 ", "(3.0 "),
    ("argument", "axes [0]", "axes [1]"),
    ("contents", "array of [3] Double", "array of [3] Double"),
    ("element", "map of String", "map of String"),
    ("options", "(priority 1", "(priority 2"), ("kept", "persist ", "persist (checkpointed"),
    ("cancelled", "Divergence.swift:48", "Divergence.swift:48"),
    ("broadcast", "broadcast of Array<NDArray<Double>>", "broadcast of Array<NDArray<Double>>"),
  ])
  func divergenceIsNamedOnBothSidesWithin5Seconds(kind: String, onRoot: String, onOther: String) throws {
    let run = try Launch.run("rank-programs", ["diverge", kind], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(!run.output.contains("arrived"))
    #expect(run.errors.contains("ranks 0 and 1 diverged"), "\(run.errors)")
    let root = run.errors.split(separator: "\n").filter { $0.contains("rank 0") }.joined()
    let other = run.errors.split(separator: "\n").filter { $0.contains("rank 1") }.joined()
    #expect(root.contains(onRoot), "\(run.errors)")
    #expect(other.contains(onOther), "\(run.errors)")
    // Each side's call in words: they tell what differs, even where the place is the same.
    func call(of rank: Int) -> Substring? {
      run.errors.split(separator: "\n").lazy.compactMap { line in
        line.range(of: "  rank \(rank): ").map { line[$0.upperBound...] }
      }.first
    }
    #expect(call(of: 0) != nil && call(of: 0) != call(of: 1), "\(run.errors)")
    // On a busy machine the launcher alone may take as long.
    if run.seconds >= 5 {
      let alike = try Launch.run("rank-programs", ["diverge", "none"], ranks: 3, limit: 60)
      #expect(run.seconds < 5 + alike.seconds)
    }
  }
}
