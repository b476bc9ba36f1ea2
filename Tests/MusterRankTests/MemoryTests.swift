import Foundation
import Testing

/// Blocks that don't fit in memory, in one process and on ranks.
@Suite(.serialized)
struct RankMemoryTests {
  private static let mega = 1 << 20

  /// A folder of the test's own, so that it can be seen that nothing is left there.
  private func withScratch(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left.isEmpty, "\(left)")
  }

  private struct Figures {
    /// What rank 0 printed.
    var lines: [String]
    /// Of each process: the most that was resident, and what it wrote to disk and read from there, in bytes.
    var peaks: [Int] = []
    var written: [Int] = []
    var read: [Int] = []
  }

  private func run(
    of program: String = "memory-uv", _ arguments: [String], ranks: Int?, environment: [String: String] = [:]
  ) throws -> Figures {
    let outputs: [[String]]
    if let ranks {
      outputs = try RankOutputs.run("rank-programs", [program] + arguments, ranks: ranks, environment: environment)
        .ranks
    } else {
      let run = try Launch.run("rank-programs", [program] + arguments, environment: environment)
      guard run.status == 0 else { throw LaunchError("\(arguments) ended with \(run.status): \(run.errors)") }
      outputs = [run.lines]
    }
    var figures = Figures(lines: outputs[0])
    for output in outputs {
      let words = try #require(output.first { $0.hasPrefix("peak ") }, "\(outputs)").split(separator: " ")
      let numbers = words.compactMap { Int($0) }
      try #require(numbers.count == 4)
      figures.peaks.append(numbers[1])
      figures.written.append(numbers[2])
      figures.read.append(numbers[3])
    }
    return figures
  }

  /// What a process takes where there is next to nothing to compute.
  private func base(ranks: Int?) throws -> Int {
    try #require(try run(["8192", "4096"], ranks: ranks).peaks.max())
  }

  /// Computed as they are needed, and kept before the first mean is asked for.
  @Test(arguments: Launch.sizes, ["lazy", "kept"])
  func fieldsOfManyTimesTheMemoryStayWithinIt(ranks: Int?, mode: String) throws {
    let budget = try base(ranks: ranks) + 48 * Self.mega
    let fieldBytes = 200 * Self.mega
    try withScratch { scratch in
      let figures = try run(
        ["\(fieldBytes)", "\(2 * Self.mega)", mode], ranks: ranks,
        environment: ["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch])
      #expect(figures.lines.contains("exact"), "\(figures)")
      for peak in figures.peaks { #expect(peak < budget, "\(peak / Self.mega) of \(budget / Self.mega) MiB") }
      let workers = ranks.map { $0 - 1 } ?? 1
      let (written, read) = (figures.written.reduce(0, +), figures.read.reduce(0, +))
      if mode == "kept" {
        // Nothing goes away: what the workers' memory doesn't hold is on disk.
        #expect(written >= 2 * fieldBytes - workers * 48 * Self.mega && read > fieldBytes / 2, "\(figures)")
      } else {
        // At most what one mean has made and the next one takes too.
        #expect(written < fieldBytes / 4 * 5, "\(figures)")
      }
    }
  }

  /// What goes to disk, and comes back, is in the trace, by the worker that has it.
  @Test(arguments: Launch.sizes)
  func blocksThatGoToDiskAreTraced(ranks: Int?) throws {
    let budget = try base(ranks: ranks) + 48 * Self.mega
    let folder = temporaryFolder("trace")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    try withScratch { scratch in
      let figures = try run(
        ["\(100 * Self.mega)", "\(2 * Self.mega)", "kept"], ranks: ranks,
        environment: [
          "MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch, "MUSTER_TRACE": folder + "/trace.json",
        ])
      #expect(figures.lines.contains("exact"), "\(figures)")
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/trace.json"))
      let trace = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let events = try #require(trace["traceEvents"] as? [[String: Any]]).filter { $0["cat"] as? String == "spill" }
      let ends = Dictionary(grouping: events.filter { $0["ph"] as? String == "e" }) { $0["id"] as? String }
      for (kind, bytes) in [("spill ", figures.written), ("unspill ", figures.read)] {
        let begun = events.filter { $0["ph"] as? String == "b" && ($0["name"] as? String)?.hasPrefix(kind) == true }
        #expect(!begun.isEmpty, "\(kind)")
        for event in begun { #expect(ends[event["id"] as? String]?.count == 1, "\(event)") }
        for (rank, counted) in bytes.enumerated() {
          let own = begun.filter { $0["pid"] as? Int == rank + 1 }
          let sum = own.reduce(0) { $0 + (($1["args"] as? [String: Any])?["bytes"] as? Int ?? 0) }
          // The program has counted before its end.
          #expect(sum >= counted && sum <= counted / 5 * 6, "\(kind)\(rank): \(sum) of \(counted)")
        }
      }
    }
  }

  /// Values that aren't written from their own memory are copied a few at a time, with that in the budget.
  @Test(
    arguments: [nil, 2] as [Int?],
    [
      ("arrays", 40, 1_000_000, 200), ("lists", 40, 1_000_000, 200), ("texts", 200, 10_000, 20),
      ("texts", 12, 250_000, 20), ("structs", 160, 100_000, 50), ("structs", 60, 1_000_000, 200),
    ])
  func copiesForTheDiskAreInTheBudget(
    ranks: Int?, values: (kind: String, count: Int, numbers: Int, megabytesWritten: Int)
  ) throws {
    let threads = ["MUSTER_THREADS": "1"]
    let base = try #require(
      try run(of: "own-values", [values.kind, "\(values.count)", "100"], ranks: ranks, environment: threads).peaks.max()
    )
    let budget = base + 88 * Self.mega
    try withScratch { scratch in
      let figures = try run(
        of: "own-values", [values.kind, "\(values.count)", "\(values.numbers)"], ranks: ranks,
        environment: threads.merging(["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch]) { $1 })
      #expect(figures.lines.contains("exact"), "\(figures)")
      for peak in figures.peaks { #expect(peak < budget, "\(peak / Self.mega) of \(budget / Self.mega) MiB") }
      #expect(figures.written.reduce(0, +) > values.megabytesWritten * 1_000_000, "\(figures)")
    }
  }

  /// A task takes two values of which not many more fit, and other workers hold some of them: numbers, alone and in a
  /// struct, are neither copied on their way to disk nor to other ranks.
  @Test(arguments: [nil, 3] as [Int?], ["arrays", "data", "structs"])
  func largeValuesAreInTheBudget(ranks: Int?, kind: String) throws {
    let threads = ["MUSTER_THREADS": "1"]
    let base = try #require(
      try run(of: "large-values", [kind, "12", "100"], ranks: ranks, environment: threads).peaks.max())
    let budget = base + 110 * Self.mega
    try withScratch { scratch in
      let figures = try run(
        of: "large-values", [kind, "12", "4000000"], ranks: ranks,
        environment: threads.merging(["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch]) { $1 })
      #expect(figures.lines.contains("exact"), "\(figures)")
      for peak in figures.peaks { #expect(peak < budget, "\(peak / Self.mega) of \(budget / Self.mega) MiB") }
      #expect(figures.written.reduce(0, +) > 200_000_000 && figures.read.reduce(0, +) > 200_000_000, "\(figures)")
    }
  }

  /// Each of two tasks that run at a time has as much besides its block, which nobody says: in arrays of Swift's.
  @Test(arguments: [nil, 2] as [Int?])
  func whatTasksHoldBesidesBlocksIsInTheBudget(ranks: Int?) throws {
    let threads = ["MUSTER_THREADS": "2"]
    let base = try #require(
      try run(of: "temporaries", ["24", "16000"], ranks: ranks, environment: threads).peaks.max())
    let budget = base + 88 * Self.mega
    try withScratch { scratch in
      let figures = try run(
        of: "temporaries", ["24", "16000000"], ranks: ranks,
        environment: threads.merging(["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch]) { $1 })
      #expect(figures.lines.contains("exact"), "\(figures)")
      for peak in figures.peaks { #expect(peak < budget, "\(peak / Self.mega) of \(budget / Self.mega) MiB") }
      #expect(figures.written.reduce(0, +) > 100_000_000, "\(figures)")
    }
  }

  /// Blocks come and go that are small enough for `malloc` to keep what they leave: what they hold stays the same, and the
  /// process would grow.
  @Test func whatSmallBlocksLeaveIsInTheBudget() throws {
    let base = try #require(try run(["8192", "4096", "kept"], ranks: nil).peaks.max())
    let budget = base + 72 * Self.mega
    try withScratch { scratch in
      let figures = try run(
        ["\(100 * Self.mega)", "8192", "kept"], ranks: nil,
        environment: ["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch])
      #expect(figures.lines.contains("exact"), "\(figures)")
      for peak in figures.peaks { #expect(peak < budget, "\(peak / Self.mega) of \(budget / Self.mega) MiB") }
      #expect(figures.written.reduce(0, +) > 100_000_000, "\(figures)")
    }
  }

  /// What is fetched is in the budget, and what waits there for a task goes to disk.
  @Test func blocksOfOtherRanksAreInTheBudget() throws {
    let base = try #require(try run(of: "transfers", ["80", "8000", "8"], ranks: 3).peaks.max())
    let budget = base + 92 * Self.mega
    try withScratch { scratch in
      let figures = try run(
        of: "transfers", ["80", "4000000", "8"], ranks: 3,
        environment: ["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch])
      #expect(figures.lines.contains("exact"), "\(figures)")
      for peak in figures.peaks { #expect(peak < budget, "\(peak / Self.mega) of \(budget / Self.mega) MiB") }
      #expect(figures.written.reduce(0, +) > 100_000_000, "\(figures)")
    }
  }

  @Test(arguments: [nil, 2, 3] as [Int?])
  func aTaskThatCannotFitFailsBeforeItStarts(ranks: Int?) throws {
    let run = try Launch.run(
      "rank-programs", ["does-not-fit"], ranks: ranks, environment: ["MUSTER_MEMORY_LIMIT": "48 MiB"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines.count == 2 && run.lines.first?.hasPrefix("outOfMemory join: ") == true, "\(run.output)")
    #expect(run.output.contains("64.0 MiB") && run.output.contains("48.0 MiB"), "\(run.output)")
    #expect(run.lines.last == "then 1000.0", "\(run.output)")
  }

  /// A run of fields that are kept, with less memory than they take.
  private func launch(_ way: [String], ranks: Int?, scratch: String) throws -> Launch {
    let budget = try base(ranks: ranks) + 32 * Self.mega
    return try Launch.run(
      "rank-programs", ["memory-uv", "\(200 * Self.mega)", "\(2 * Self.mega)", "kept"] + way, ranks: ranks,
      environment: ["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch])
  }

  @Test(arguments: Launch.sizes)
  func aScratchFolderThatCannotBeUsedIsAnError(ranks: Int?) throws {
    let run = try launch([], ranks: ranks, scratch: "/nowhere")
    #expect(run.status != 0)
    #expect(run.errors.contains("MUSTER_SCRATCH is \"/nowhere\""), "\(run.errors)")
  }

  @Test(arguments: Launch.sizes)
  func aFullDiskIsAnErrorThatSaysSo(ranks: Int?) throws {
    try withScratch { scratch in
      let run = try launch(["small-disk"], ranks: ranks, scratch: scratch)
      #expect(run.status != 0)
      #expect(run.errors.contains("the file would be larger than allowed here"), "\(run.errors)")
      try expectRemoved(scratch, ranks: ranks)
    }
  }

  @Test(arguments: Launch.sizes)
  func whatAKilledRunLeavesGoesWithTheNextStart(ranks: Int?) throws {
    try withScratch { scratch in
      let run = try launch(["killed"], ranks: ranks, scratch: scratch)
      #expect(run.status != 0)
      let left = try FileManager.default.contentsOfDirectory(atPath: scratch)
      #expect(left.count == (ranks == nil ? 1 : 2), "\(left)")
      try expectRemoved(scratch, ranks: ranks)
    }
  }

  /// A session that needs no disk removes what others have left, in the background: it may end before that.
  private func expectRemoved(_ scratch: String, ranks: Int?) throws {
    for _ in 0..<20 {
      _ = try run(["8192", "4096"], ranks: ranks, environment: ["MUSTER_SCRATCH": scratch])
      if try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty { return }
    }
    Issue.record("nobody removes what was left")
  }
}
