import Foundation
import Testing

@Suite(.serialized)
struct FailureTests {
  @Test(arguments: [nil, 3] as [Int?])
  func errorsAreTheSameOnEveryRankAndTheSessionGoesOn(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["errors"], ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines.count == 2)
    #expect(run.output.contains("codes taskFailed taskFailed diskFull then 10 blocks"))
    #expect(run.output.contains("Unhappy(number: 7)"))
    #expect(run.output.contains("work[7] on rank \(ranks == nil ? "0" : "")"))
    #expect(run.output.contains("RankPrograms/Failures.swift:1234"))
  }

  @Test(arguments: [nil, 3] as [Int?])
  func anUncaughtErrorIsShownOnceWithStatus1(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["uncaught"], ranks: ranks)
    #expect(run.status == 1, "\(run.errors)")
    #expect(run.errors.components(separatedBy: "Unhappy(number: 7)").count == 2, "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test(arguments: [1, 2])
  func aKilledWorkerIsNamedWithItsTask(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["kill", "\(rank)"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("rank \(rank) died"), "\(run.errors)")
    #expect(run.errors.contains("doomed["), "\(run.errors)")
    #expect(run.errors.contains("RankPrograms/Failures.swift:4321"), "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test func aKilledRootTakesTheJobDown() throws {
    let run = try Launch.run("rank-programs", ["kill", "0"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("rank 0, which schedules, died"), "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test func theLastWordsOfACrashAreSeen() throws {
    let run = try Launch.run("rank-programs", ["crash", "2"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.errors.contains("[rank 2]") && run.errors.contains("these are the last words"), "\(run.errors)")
    #expect(run.errors.contains("rank 2 died") && run.errors.contains("trap["), "\(run.errors)")
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
    ("collective", "at Divergence.swift:30", "read"),
    ("return", "at Divergence.swift:30", "the end of the session"),
    ("operands", "subtract of [3, 4] Double", "subtract of [3, 4] Double"),
    ("choice", "Divergence.swift:40", "Divergence.swift:40"),
    ("chunks", "rechunk of [3, 4] Double", "rechunk of [3, 4] Double"),
    ("throw", "at Divergence.swift:30", "Alone()"),
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
    #expect(run.seconds < 5)
  }
}
