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

  /// What a process takes where there is next to nothing to compute.
  private func base(ranks: Int?) throws -> Int {
    let run = try Launch.run("rank-programs", ["memory-uv", "8192", "4096"], ranks: ranks, limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    return try #require(peaks(run).max())
  }

  private func peaks(_ run: Launch) -> [Int] {
    run.lines.filter { $0.hasPrefix("peak ") }.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
  }

  @Test(
    arguments: [nil, 3] as [Int?], ["lazy", "kept"])
  func fieldsOfManyTimesTheMemoryStayWithinIt(ranks: Int?, mode: String) throws {
    let budget = try base(ranks: ranks) + 48 * Self.mega
    try withScratch { scratch in
      let run = try Launch.run(
        "rank-programs", ["memory-uv", "\(200 * Self.mega)", "\(2 * Self.mega)", mode], ranks: ranks,
        environment: ["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": scratch])
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines.contains("exact"), "\(run.output)")
      #expect(peaks(run).count == ranks ?? 1)
      for peak in peaks(run) { #expect(peak < budget, "\(peak / Self.mega) of \(budget / Self.mega) MiB") }
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

  @Test(arguments: [nil, 3] as [Int?])
  func aScratchFolderThatCannotBeUsedIsAnError(ranks: Int?) throws {
    let budget = try base(ranks: ranks) + 32 * Self.mega
    let run = try Launch.run(
      "rank-programs", ["memory-uv", "\(200 * Self.mega)", "\(2 * Self.mega)", "kept"], ranks: ranks,
      environment: ["MUSTER_MEMORY_LIMIT": "\(budget)", "MUSTER_SCRATCH": "/nowhere"])
    #expect(run.status != 0)
    #expect(run.errors.contains("MUSTER_SCRATCH is \"/nowhere\""), "\(run.errors)")
  }
}
