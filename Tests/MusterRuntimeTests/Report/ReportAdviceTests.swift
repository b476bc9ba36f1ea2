import MusterRuntime
import Testing

private let second = 1_000_000_000
private let millisecond = 1_000_000

/// A session of 10 s in which all is well: 4 workers of 2 threads, busy for nine tenths of the time, with 800 tasks.
struct WellJob {
  var workers = 4
  var threads = 2
  var limit = 1000
  var wall = 10 * second
  /// Of each worker.
  var operations = [
    OperationTotals("sum", tasks: 200, nanoseconds: 18 * second, longest: 200 * millisecond, bytes: 1000)
  ]
  var change: (inout RankFigures) -> Void = { _ in }

  var figures: JobFigures {
    let members =
      [JobFigures.Member(node: "a", threads: 0, memoryLimit: limit)]
      + (0..<workers).map { _ in JobFigures.Member(node: "a", threads: threads, memoryLimit: limit) }
    let ranks = members.indices.map { rank in
      var counts = RankFigures.Counts()
      (counts.rank, counts.wall, counts.peakMemory, counts.waiting) = (rank, wall, 500, 2 * wall)
      var figures = RankFigures(counts, operations: rank == 0 ? [] : operations)
      if rank > 0 { change(&figures) }
      return figures
    }
    return JobFigures(program: "program", members: members, wall: wall, ranks: ranks)
  }

  var advice: [ReportAdvice] { ReportAdvice.of(figures) }

  /// The same number of tasks for each worker, of one operation.
  static func tasks(_ count: Int, of time: Int) -> WellJob {
    var job = WellJob()
    job.operations = [OperationTotals("sum", tasks: count, nanoseconds: count * time, longest: time, bytes: 1000)]
    return job
  }
}

extension OperationTotals {
  init(_ name: String, tasks: Int, failed: Int = 0, nanoseconds: Int, longest: Int, bytes: Int = 0) {
    self.init(name) {
      ($0.tasks, $0.failed, $0.nanoseconds, $0.longest, $0.bytes) = (tasks, failed, nanoseconds, longest, bytes)
    }
  }
}

/// Each rule on both sides of where it begins.
struct ReportAdviceTests {
  @Test func nothingIsToBeChangedWhereAllIsWell() {
    #expect(WellJob().advice == [.nothing])
  }

  @Test func withoutTasksThereIsNothingToSay() {
    var job = WellJob()
    job.operations = []
    #expect(job.advice == [.nothingRan])
  }

  @Test(arguments: [(ReportAdvice.shortest - 1, true), (ReportAdvice.shortest, false)])
  func aShortSessionSaysNothing(wall: Int, isShort: Bool) {
    var job = WellJob()
    job.wall = wall
    #expect((job.advice == [.tooShort]) == isShort)
  }

  /// Of 8 threads, each busy for half of the time or so.
  @Test func shortTasksAreTold() {
    let count = 10_000
    #expect(
      WellJob.tasks(count, of: millisecond - 1).advice
        == [.chunksTooSmall(mean: millisecond - 1, operation: "sum", factor: 10)])
    #expect(
      !WellJob.tasks(count, of: millisecond).advice.contains {
        if case .chunksTooSmall = $0 { true } else { false }
      })
  }

  @Test func shortTasksThatKeepThreadsBusyAreLeftAlone() {
    // 8 threads in 10 s: 80 s.
    #expect(WellJob.tasks(18_200, of: millisecond - 1).advice == [.nothing])
    #expect(WellJob.tasks(17_900, of: millisecond - 1).advice != [.nothing])
  }

  /// Larger chunks are fewer: 4 for each of 8 threads are to be left. Nor need they be larger than 10 ms.
  @Test(arguments: [(15, nil), (16, 2), (31, 3), (64, 8), (20_000, 500)] as [(Int, Int?)])
  func chunksDoNotGetLargerThanThreadsNeed(tasks: Int, factor: Int?) {
    let found = WellJob.tasks(tasks, of: 20_000).advice.compactMap { advice -> Int? in
      if case .chunksTooSmall(_, _, let factor) = advice { factor } else { nil }
    }
    #expect(found == [factor].compactMap { $0 })
  }

  @Test func fewTasksAreTold() {
    // 2 tasks for each of 8 threads, 4 for each worker.
    #expect(
      WellJob.tasks(3, of: 3 * second).advice == [.chunksTooLarge(operation: "sum", tasks: 12, threads: 8)])
    #expect(
      WellJob.tasks(4, of: 2 * second).advice.allSatisfy { if case .chunksTooLarge = $0 { false } else { true } })
  }

  @Test func fewTasksThatKeepThreadsBusyAreLeftAlone() {
    // 12 tasks in 80 s.
    #expect(WellJob.tasks(3, of: 5 * second).advice == [.nothing])
    #expect(WellJob.tasks(3, of: 4 * second + 900 * millisecond).advice != [.nothing])
  }

  @Test(arguments: [0.29, 0.31])
  func anOperationOfFewTasksCountsWhereItTakesLong(share: Double) {
    var job = WellJob()
    let all = 14 * second
    let few = Int(share * Double(all))
    job.operations = [
      OperationTotals("few", tasks: 3, nanoseconds: few, longest: few / 3),
      OperationTotals("many", tasks: 1000, nanoseconds: all - few, longest: 20 * millisecond),
    ]
    #expect(job.advice.contains(.chunksTooLarge(operation: "few", tasks: 12, threads: 8)) == (share > 0.3))
  }

  @Test(arguments: [2400, 2600])
  func oneLongTaskIsTold(milliseconds: Int) {
    var job = WellJob()
    job.operations = [
      OperationTotals(
        "sum", tasks: 100, nanoseconds: 14 * second, longest: milliseconds * millisecond, bytes: 1000)
    ]
    let longest = milliseconds * millisecond
    #expect(
      job.advice.contains(.longTask(operation: "sum", longest: longest, wall: 10 * second)) == (milliseconds > 2500))
  }

  /// 39 s of 80 s are below one half: 49 threads of 80 % would be 6.1.
  @Test func idleRanksAreTold() {
    #expect(
      WellJob.tasks(195, of: 50 * millisecond).advice
        == [.tooManyWorkers(workers: 4, threads: 2, wouldDo: 3, threadsWouldDo: 2)])
    #expect(WellJob.tasks(200, of: 50 * millisecond).advice == [.nothing])
    #expect(
      WellJob.tasks(50, of: 50 * millisecond).advice
        == [.tooManyWorkers(workers: 4, threads: 2, wouldDo: 1, threadsWouldDo: 2)])
  }

  @Test func idleThreadsOfOneProcessAreTold() {
    var job = WellJob.tasks(400, of: 50 * millisecond)
    (job.workers, job.threads) = (1, 8)
    #expect(job.advice == [.tooManyWorkers(workers: 1, threads: 8, wouldDo: 1, threadsWouldDo: 3)])
    job.threads = 1
    #expect(job.advice == [.nothing])
  }

  @Test(arguments: [900, 901])
  func tightMemoryIsTold(peak: Int) {
    var job = WellJob()
    job.change = { if $0.counts.rank == 3 { $0.counts.peakMemory = peak } }
    #expect(job.advice == (peak > 900 ? [.memoryIsTight(rank: 3, peak: 901, limit: 1000)] : [.nothing]))
    // Nor where there is no limit.
    job.limit = 0
    #expect(job.advice == [.nothing])
  }

  @Test(arguments: [100, 101])
  func spillsAreTold(bytes: Int) {
    var job = WellJob()
    job.change = { $0.counts.spilledBytes = bytes }
    #expect(job.advice == (bytes > 100 ? [.spills(bytes: 404, made: 4000)] : [.nothing]))
  }

  /// Who waits for the disk isn't told that fewer workers would do.
  @Test func idleRanksThatSpillAreNotTooMany() {
    var job = WellJob.tasks(50, of: 50 * millisecond)
    func isTooMany() -> Bool {
      job.advice.contains { if case .tooManyWorkers = $0 { true } else { false } }
    }
    #expect(isTooMany())
    job.change = { $0.counts.spilledBytes = 1 << 40 }
    #expect(!isTooMany())
  }

  @Test func transfersAreTold() {
    func advice(receiving: Int, busy: Int) -> [ReportAdvice] {
      var job = WellJob.tasks(busy, of: 50 * millisecond)
      job.change = {
        $0.counts.receiving = receiving
        $0.counts.receivedBytes = 70
      }
      job.operations[0].counts.receivedBytes = 20
      job.operations.append(OperationTotals("table") { $0.receivedBytes = 50 })
      // What rank 0 gets are results, which nothing waits for.
      var figures = job.figures
      figures.ranks[0].operations = [OperationTotals("result") { $0.receivedBytes = 1000 }]
      return ReportAdvice.of(figures)
    }
    // 250 tasks of 50 ms in 20 s leave more than a quarter to wait in.
    #expect(advice(receiving: 6 * second, busy: 250) == [.transfers(share: 0.6, bytes: 280, operation: "table")])
    #expect(advice(receiving: 5 * second, busy: 250) == [.nothing])
    #expect(advice(receiving: 6 * second, busy: 300) == [.nothing])
  }

  /// Where no other rule has a word the operation is named before which threads waited most.
  @Test(arguments: [1400, 1500]) func waitsAreTold(milliseconds: Int) {
    var job = WellJob.tasks(10 * milliseconds / 100, of: 100 * millisecond)
    job.operations[0].counts.waiting = second
    job.operations.append(OperationTotals("late") { ($0.tasks, $0.waiting) = (8, 3 * second) })
    job.change = { $0.counts.waiting = 4 * second }
    let share = 0.2
    #expect(
      job.advice
        == (milliseconds < 1500 ? [.waits(share: share, operation: "late", time: 12 * second)] : [.nothing]))
  }

  /// Of the session's 10 s. While files come to disk threads can't have tasks.
  @Test(arguments: [2500, 2501]) func filesThatComeToDiskAreTold(milliseconds: Int) {
    var job = WellJob.tasks(145, of: 100 * millisecond)
    job.change = { if $0.counts.rank == 2 { $0.counts.files.finishing = milliseconds * millisecond } }
    let time = milliseconds * millisecond
    #expect(
      job.advice
        == (milliseconds > 2500 ? [.filesToDisk(share: Double(time) / Double(10 * second), time: time)] : [.nothing]))
  }

  /// Of 18 s in the tasks of each worker.
  @Test(arguments: [0, 1])
  func filesAreTold(more: Int) {
    var job = WellJob()
    job.change = {
      $0.counts.files.reading = 5 * second
      $0.counts.files.writing = 4 * second + more
    }
    let isFound = job.advice.contains { if case .files = $0 { true } else { false } }
    #expect(isFound == (more > 0))
  }
}
