import Testing

/// What holds under every launcher.
@Suite(.serialized)
struct LauncherTests {
  /// Whether Muster or the launcher is first to end the job.
  @Test(arguments: 0..<3)
  func theDeathOfARankEndsTheJob(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["lose", "\(rank)", "kill"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(run.seconds < 10)
  }

  @Test func aProgramThatIsNotThereFailsItsTest() {
    #expect(throws: LaunchError.self) { try Launch.run("rank-programs", ["nothing"], ranks: 2, limit: 30) }
  }
}
