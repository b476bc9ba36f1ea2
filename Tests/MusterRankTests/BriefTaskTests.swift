import Testing

/// Tasks that the thread of the MPI calls runs itself, and another that stands in for it where they take long.
@Suite(.serialized)
struct BriefTaskTests {
  @Test(arguments: [2, 3], [false, true])
  func aThreadStandsInForOneThatTurnsOutLong(ranks: Int, endless: Bool) throws {
    let run = try Launch.run(
      "rank-programs", ["brief-tasks", endless ? "endless" : "all-end"], ranks: ranks,
      environment: ["MUSTER_THREADS": "1"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    let lines = ["spun: muster-mpi", "waited: muster-mpi", "nobody left: deadlock", "ended", "another: 45"]
    #expect(run.lines == lines, "\(run.output) \(run.errors)")
  }

  @Test func workersOfSeveralThreadsKeepTheirMPIThreadFree() throws {
    for (threads, isSo) in [(1, true), (2, false)] {
      let run = try Launch.run(
        "rank-programs", ["brief-tasks", "name"], ranks: 2, environment: ["MUSTER_THREADS": "\(threads)"], limit: 60)
      #expect(run.status == 0 && run.lines == ["on MPI's thread: \(isSo)"], "\(run.output) \(run.errors)")
    }
  }
}
