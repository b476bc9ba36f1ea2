import Foundation
import Testing

/// Futures and kept blocks, on ranks.
@Suite(.serialized)
struct FutureTests {
  private static let lines = [
    "3 completed, 90", "total 1600480008.0", "kept 1000000.0 1999999.0", "scaled 624.8125531100043",
    "sliced [21.0, 23.0, 25.0]", "diskFull no room in doomed try 2", "cancelled",
  ]

  @Test(arguments: [nil, 2, 3, 5] as [Int?])
  func futuresAreTheSameOnAnyRanks(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["futures"], ranks: ranks, limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(Array(run.lines.prefix(Self.lines.count)) == Self.lines, "\(run.output)")
    #expect(run.lines.contains("missing A17 taskFailed") && run.lines.contains("slow timedOut"), "\(run.output)")
    #expect(run.lines.suffix(2) == ["chain 45150", "table 2.0"], "\(run.output)")
    #expect(run.lines.contains("[failed, finished, cancelled]"), "\(run.output)")
  }

  @Test(arguments: [nil, 2, 3, 5] as [Int?])
  func valuesGraphsAndPrioritiesAreGivenToWorkers(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["given"], ranks: ranks, environment: ["MUSTER_THREADS": "1"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    let lines = [
      "scattered true spread true", "nested true [[], [0.0], [0.0, 1.0], [0.0, 1.0, 3.0]]", "graph true",
      "cycle invalidArgument true", "urgent first true",
    ]
    #expect(run.lines == lines, "\(run.output)")
  }

  @Test(arguments: Launch.sizes)
  func whatIsLeftBehindDoesNotHoldTheEndUp(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["futures-left"], ranks: ranks, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "left 100\n")
    #expect(run.seconds < 15)
  }

  @Test(arguments: Launch.sizes)
  func aLongChainKeepsItsEnd(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["futures-chain", "20000"], ranks: ranks, limit: 120)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "chain 20000\nlittle is left\n")
  }

  @Test(arguments: Launch.sizes)
  func whatFunctionsCapturedGoesWhenTheyHaveRun(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["futures-captured"], ranks: ranks, limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "sums [4950, 100, 4950, 10]\nall are gone, and the last value is 99\n")
  }

  @Test(arguments: Launch.sizes)
  func whatIsSlowToGoKeepsNobodyWaiting(ranks: Int?) throws {
    let run = try Launch.run(
      "rank-programs", ["futures-slow-to-go"], ranks: ranks,
      environment: ["MUSTER_HEARTBEAT_INTERVAL": "0.25", "MUSTER_HEARTBEAT_PATIENCE": "1.5"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "values [1, 2], 3 and 2450\nended\n")
  }

  @Test(arguments: Launch.sizes)
  func manyFuturesInTheOrderOfTheirEnds(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["futures-completed", "20000"], ranks: ranks, limit: 120)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "20000 completed\n")
  }

  @Test(arguments: [nil, 2, 3] as [Int?])
  func keptValuesAreCancelled(ranks: Int?) throws {
    let folder = temporaryFolder("cancel")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    let run = try Launch.run(
      "rank-programs", ["futures-cancel-kept", folder], ranks: ranks, environment: ["MUSTER_THREADS": "1"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.output == "sum cancelled\narray cancelled\nboth cancelled\nlazy invalidArgument\nothers 40\n",
      "\(run.output)")
    // What had begun by then: workers are given a few tasks at a time.
    let begun = try FileManager.default.contentsOfDirectory(atPath: folder).count
    #expect(begun < 100, "\(begun) of 400 tasks have begun")
  }

  /// Nothing happens but that time passes: what a busy worker has queued goes to an idle one all the same.
  @Test func whatWaitsBehindALongTaskIsMoved() throws {
    let folder = temporaryFolder("share")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    let run = try Launch.run(
      "rank-programs", ["futures-share", folder], ranks: 3, environment: ["MUSTER_THREADS": "1"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "beside each other [true, true]\n")
  }

  @Test(arguments: [("submit", "second", "other"), ("count", "many", "many"), ("input", "take", "take")])
  func divergenceIsNamedLongBeforeACollective(kind: String, onRoot: String, onOther: String) throws {
    let run = try Launch.run("rank-programs", ["futures-diverge", kind], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(!run.output.contains("arrived"))
    #expect(run.errors.contains("ranks 0 and 1 diverged"), "\(run.errors)")
    let lines = run.errors.split(separator: "\n")
    #expect(lines.contains { $0.contains("  rank 0: \(onRoot)") && $0.contains("Futures.swift:") }, "\(run.errors)")
    #expect(lines.contains { $0.contains("  rank 1: \(onOther)") && $0.contains("Futures.swift:") }, "\(run.errors)")
    #expect(run.seconds < 10)
  }
}
