import Testing

/// Functions that are put off, on ranks.
@Suite(.serialized)
struct DelayedFunctionTests {
  /// Threads keep values in memory; ranks send them as bytes. Both print the same.
  @Test func valuesCrossRanks() throws {
    let alone = try Launch.run("rank-programs", ["delayed"], limit: 30)
    #expect(alone.status == 0, "\(alone.errors)")
    #expect(alone.output.contains("station 3 [1.0, inf, 3.3333333333333335] [10: "), "\(alone.output)")
    // Nothing crosses in one process.
    #expect(!alone.output.contains("can't cross"))
    for ranks in [2, 4] {
      let run = try Launch.run("rank-programs", ["delayed"], ranks: ranks, limit: 30)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.lines.filter { !$0.contains("can't cross") } == alone.lines)
      let refused = "taskFailed of stubborn: a value of type Stubborn can't cross to another rank: Refusal()"
      #expect(run.lines.contains("result: " + refused), "\(run.output)")
      // With one worker everything is where it's needed.
      #expect(run.lines.contains("input: " + refused) == (ranks == 4), "\(run.output)")
    }
  }
}
