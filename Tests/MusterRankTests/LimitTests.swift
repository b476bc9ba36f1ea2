import Testing

/// Limits of time and of memory that tasks of one worker meet together, in one process and on ranks.
@Suite(.serialized)
struct LimitTests {
  @Test(arguments: [nil, 2, 3] as [Int?])
  func tasksThatNeverEndHoldNothingUp(ranks: Int?) throws {
    let run = try Launch.run(
      "rank-programs", ["go-on-beside"], ranks: ranks, environment: ["MUSTER_THREADS": "1"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    let lines = [
      "8 stuck: [\"timedOut\"]", "sum 2646700", "tried again [7]", "waited [0, 1, 2, 3, 4, 5]",
      "nobody left: deadlock true", "ended",
    ]
    #expect(run.lines == lines, "\(run.output) \(run.errors)")
    #expect(run.seconds < 40)
  }

  @Test(arguments: [nil, 2] as [Int?])
  func whereNoThreadIsLeftTasksFail(ranks: Int?) throws {
    let run = try Launch.run(
      "rank-programs", ["lose-all-threads"], ranks: ranks, environment: ["MUSTER_THREADS": "1"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.lines == ["65 stuck: [\"timedOut\"]", "late: threadsExhausted true", "ended"], "\(run.output) \(run.errors)")
  }

  /// With no lock held: else nothing else could run on that worker.
  @Test(arguments: [nil, 2] as [Int?], ["1", "2"])
  func whatALateFunctionHoldsGoesBesideOtherTasks(ranks: Int?, threads: String) throws {
    let run = try Launch.run(
      "rank-programs", ["drop-late"], ranks: ranks, environment: ["MUSTER_THREADS": threads], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines == ["late: timedOut", "others: 8", "ended"], "\(run.output) \(run.errors)")
  }

  @Test(arguments: [nil, 2] as [Int?], ["1", "2"])
  func tasksThatWaitMakeRoomForThoseThatTheyWaitFor(ranks: Int?, threads: String) throws {
    let run = try Launch.run(
      "rank-programs", ["wait-without-memory"], ranks: ranks,
      environment: ["MUSTER_THREADS": threads, "MUSTER_MEMORY_LIMIT": "\(256 << 20)"], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(
      run.lines == ["let in: [0, 1, 2, 3]", "handed out: [1, 2, 3, 4]", "nobody left: deadlock true"],
      "\(run.output) \(run.errors)")
    #expect(run.seconds < 40)
  }
}
