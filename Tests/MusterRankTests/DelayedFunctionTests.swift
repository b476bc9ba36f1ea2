import Foundation
import Testing

/// Functions that are put off, on ranks.
@Suite(.serialized)
struct DelayedFunctionTests {
  @Test(arguments: Launch.sizes)
  func graphsAreDrawnOnce(ranks: Int?) throws {
    let folder = temporaryFolder("pictures")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    let run = try Launch.run("rank-programs", ["draw", "\(folder)/graph.svg"], ranks: ranks, limit: 30)
    #expect(run.status == 0 && run.output == "5\n", "\(run.errors)")
    #expect(try contents("\(folder)/graph.svg").contains("</svg>"))
    // Graphviz isn't on the path of this one.
    let bare = try Launch.run(
      "rank-programs", ["draw", "\(folder)/other.svg"], environment: ["PATH": folder], limit: 30)
    #expect(bare.status == 0, "\(bare.errors)")
    #expect(
      bare.output.hasPrefix("fileNotFound: Install Graphviz (Debian: apt-get install graphviz)"), "\(bare.output)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["graph.svg"])
  }

  /// A task of one rank that asks for what all ranks have to ask for; also what it puts off there is no call of theirs.
  @Test(arguments: Launch.sizes)
  func theSessionInATaskIsAnErrorOfTheTask(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["session-in-task"], ranks: ranks, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output.hasPrefix("[\"session\", \"submit of Int "), "\(run.output)")
    #expect(
      run.output.contains("was called in a task (inner[0]") && run.output.hasSuffix("\nones 4.0\n"), "\(run.output)")
  }

  /// Threads keep values in memory; ranks send them as bytes. Both print the same.
  @Test func valuesCrossRanks() throws {
    let alone = try Launch.run("rank-programs", ["delayed"], limit: 30)
    #expect(alone.status == 0, "\(alone.errors)")
    #expect(alone.output.contains("station 3 [1.0, inf, 3.3333333333333335] [10: "), "\(alone.output)")
    // Nothing crosses in one process.
    #expect(!alone.output.contains("can't be written"))
    for ranks in [2, 4] {
      let run = try Launch.run("rank-programs", ["delayed"], ranks: ranks, limit: 30)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines.filter { !$0.contains("can't be written") } == alone.lines)
      let refused = "taskFailed of stubborn: a value of type Stubborn can't be written and read back: Refusal()"
      #expect(run.lines.contains("result: " + refused), "\(run.output)")
      // With one worker everything is where it's needed.
      #expect(run.lines.contains("input: " + refused) == (ranks == 4), "\(run.output)")
    }
  }
}
