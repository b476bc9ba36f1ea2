import Testing

/// How collectives and sessions end.
@Suite(.serialized)
struct EndTests {
  @Test func noTaskBeginsAfterAFailure() throws {
    let run = try Launch.run(
      "rank-programs", ["fail-while-a-block-crosses"], ranks: 4, environment: ["MUSTER_THREADS": "1"], limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "failed in last\n", "\(run.errors)")
    // One block was on its way to a worker that was busy; the task that waits for it never begins.
    #expect(run.errors.components(separatedBy: "a block crosses").count == 2, "\(run.errors)")
    #expect(run.errors.components(separatedBy: "was busy").count == 3, "\(run.errors)")
    #expect(!run.errors.contains("a task began"), "\(run.errors)")
    #expect(!run.errors.contains("a task runs on"), "\(run.errors)")
  }

  @Test(arguments: Launch.sizes)
  func aSessionEndsAfterTheCollectiveThatRuns(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["return-while-computing"], ranks: ranks, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "sum 45\n", "\(run.errors)")
    #expect(run.seconds < 15)
  }

  /// Who can't look whether another rank's process is there doesn't take it to be gone.
  @Test func runningOutOfFileDescriptorsIsNoDeath() throws {
    let run = try Launch.run("rank-programs", ["run-out-of-file-descriptors"], ranks: 3, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "refused true, then 10 blocks\n", "\(run.errors)")
    #expect(!run.errors.contains("muster:"), "\(run.errors)")
  }

  @Test func aForkOfARankExits() throws {
    let run = try Launch.run("rank-programs", ["exit-of-a-fork"], ranks: 2, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "the child left with 23\n", "\(run.errors)")
  }

  /// It doesn't wait until the others come to their ends.
  @Test func anErrorAfterTheSessionEndsTheJob() throws {
    let run = try Launch.run("rank-programs", ["fail-after-the-session"], ranks: 3, limit: 40)
    #expect(run.status != 0)
    #expect(run.errors.contains("nothing to plot"), "\(run.errors)")
    #expect(run.seconds < 20)
  }

  @Test(.whereOthersOutliveTheDead, arguments: [1, 2])
  func aRankThatDiesAtTheEndIsNamed(rank: Int) throws {
    let run = try Launch.run(
      "rank-programs", ["lose-at-the-end", "\(rank)"], ranks: 3, environment: Launch.indifferentLauncher, limit: 30)
    #expect(run.errors.contains("rank \(rank) (node "), "\(run.errors)")
    #expect(run.errors.contains(") died at the end of the session"), "\(run.errors)")
    #expect(!run.errors.contains("went on"), "\(run.errors)")
    #expect(run.seconds < 15)
  }
}
