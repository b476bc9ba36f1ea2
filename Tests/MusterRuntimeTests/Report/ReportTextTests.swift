import MusterRuntime
import Testing

private let second = 1_000_000_000

struct ReportTextTests {
  private func lines(_ job: JobFigures) -> [String] {
    ReportText.text(job).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// The cells of a line: apart by two blanks at least.
  private func cells(_ line: String) -> [String] {
    line.split(separator: "  ").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }.map(String.init)
  }

  @Test func tellsWhatThereIs() throws {
    var job = WellJob()
    job.operations.append(
      OperationTotals("load", tasks: 10, failed: 1, nanoseconds: second, longest: second / 2, bytes: 2_500_000))
    job.operations[1].counts.files = second / 4
    job.operations[1].counts.waiting = second / 2
    job.operations[0].counts.receiving = 3 * second / 2
    job.change = {
      $0.counts.waiting = second
      $0.counts.sentBytes = 1_230_000
      $0.counts.receivedBlocks = 3
      $0.counts.receivedBytes = 5_000_000
      $0.counts.receiving = 2 * second
      $0.counts.files = FileTime.Totals(readBytes: 1000, reading: second / 4, writtenBytes: 0, writing: 0)
    }
    let text = lines(job.figures)
    #expect(text[0] == "Muster: report on program")
    #expect(text[1] == "5 ranks on 1 node: rank 0 schedules, 4 workers of 2 threads; 10.0 s")
    #expect(text.contains("Time of the threads, 80.0 s in all"))
    let rows = text.map(cells)
    #expect(rows.contains(["in tasks", "76.0 s", "95 %"]))
    #expect(rows.contains(["of it I/O: chunks of files", "1.00 s", "1 %", " read 4.00 kB, wrote 0 B".trimmed]))
    #expect(rows.contains(["waiting for tasks", "4.00 s", "5 %"]))
    #expect(rows.contains(["transfers: blocks on their way", "8.00 s", "20 %", "12 blocks, 20.0 MB came"]))
    #expect(rows.contains(["sum", "800", "0", "72.0 s", "95 %", "90.0 ms", "200 ms", "0", "0", "6.00 s", "4.00 kB"]))
    #expect(
      rows.contains(["load", "40", "4", "4.00 s", "5 %", "100 ms", "500 ms", "1.00 s", "2.00 s", "0", "10.0 MB"]))
    #expect(
      rows.contains([
        "all", "840", "4", "76.0 s", "100 %", "90.5 ms", "500 ms", "1.00 s", "2.00 s", "6.00 s", "10.0 MB",
      ]))
    #expect(rows.contains(["0 (a)", "-", "-", "-", "0 B", "0 B", "0 B", "500 B", "-"]))
    #expect(rows.contains(["4 (a)", "210", "95 %", "5 %", "1.23 MB", "5.00 MB", "0 B", "500 B", "50 %"]))
    #expect(
      text.suffix(3) == [
        "What to change", "  - Nothing: threads are busy, tasks long enough, and memory suffices.", "",
      ])
  }

  @Test(arguments: [JobFigures.Ending.done, .failed, .drained])
  func tellsHowItEnded(ending: JobFigures.Ending) {
    var job = WellJob().figures
    job.ending = ending
    #expect(ReportText.text(job).contains("ended with an error") == (ending == .failed))
    #expect(ReportText.text(job).contains("left before its work was done") == (ending == .drained))
    #expect(!ReportText.text(job).contains("missing"))
    job.ranks.remove(at: 2)
    #expect(ReportText.text(job).contains("The figures of 1 rank are missing."))
  }

  /// As many operations, ranks and as much advice as there can be, with names beyond measure.
  @Test func isAPageWhateverThereIs() {
    var job = WellJob()
    (job.workers, job.wall, job.limit) = (4096, 1000 * second, 1 << 40)
    job.operations = (0..<40).map {
      OperationTotals(
        String(repeating: "däta\n", count: 40) + "\($0)", tasks: 99_999_999, failed: 99_999_999,
        nanoseconds: 99_999, longest: 999 * second, bytes: 1)
    }
    for place in job.operations.indices {
      let times = (99 * second + place, 999 * second, 999 * second)
      (job.operations[place].counts.files, job.operations[place].counts.waiting) = (times.0, times.1)
      (job.operations[place].counts.receiving, job.operations[place].counts.receivedBytes) = (times.2, 999 << 30)
    }
    job.change = {
      $0.counts.peakMemory = 999 << 40
      ($0.counts.spilledBytes, $0.counts.unspilledBytes) = (999 << 40, 999 << 40)
      ($0.counts.receiving, $0.counts.receivedBytes, $0.counts.sentBytes) = (900 * second, 999 << 40, 999 << 40)
      ($0.counts.receivedBlocks, $0.counts.spilling) = (1 << 40, 999 * second)
      $0.counts.files = FileTime.Totals(readBytes: 999 << 40, reading: second, writtenBytes: 999 << 40, writing: second)
    }
    var figures = job.figures
    for rank in figures.members.indices { figures.members[rank].node = String(repeating: "node", count: 20) }
    figures.program = String(repeating: "program ", count: 30)
    figures.ending = .failed
    figures.ranks.remove(at: 17)
    let text = lines(figures)
    #expect(text.count <= 60, "\(text.count)")
    for line in text { #expect(line.count <= ReportText.columns, "\(line)") }
    #expect(ReportAdvice.of(figures).count >= 4)
    #expect(text.contains { $0.hasPrefix("29 others") })
    #expect(text.contains { $0.hasPrefix("… ") && $0.hasSuffix(" others") })
  }

  /// What is left out is in the rest: the sum is the same.
  @Test func operationsBeyondThePageAreSummed() throws {
    var job = WellJob()
    job.workers = 1
    job.operations = (1...20).map {
      OperationTotals("operation \($0)", tasks: $0, nanoseconds: $0 * second, longest: second)
    }
    let text = lines(job.figures)
    let rest = try #require(text.first { $0.hasPrefix("9 others") })
    #expect(Array(cells(rest)[1...2]) == ["45", "45.0 s"])
    #expect(text.contains { $0.hasPrefix("operation 10 ") } && !text.contains { $0.hasPrefix("operation 9 ") })
  }

  /// What threads wait for is shown, however little time it takes itself.
  @Test func whatIsWaitedForIsShown() throws {
    var job = WellJob()
    job.operations = (1...20).map {
      OperationTotals("operation \($0)", tasks: $0, nanoseconds: $0 * second, longest: second)
    }
    job.operations[0].counts.waiting = 30 * second
    job.wall = 200 * second
    job.change = { $0.counts.waiting = 30 * second }
    let text = lines(job.figures)
    let first = try #require(text.firstIndex { $0.hasPrefix("Operation ") })
    #expect(text[first + 1].hasPrefix("operation 1 ") && text[first + 2].hasPrefix("operation 20 "), "\(text)")
  }

  /// Threads that are there beside those that have a place rest, too: the sum over the operations is that of the ranks.
  @Test func noMoreIsWaitedThanThereIsTimeFor() {
    var job = WellJob()
    // Of each worker's 20 s tasks leave 2; its threads rested for 8.
    job.change = { $0.counts.waiting = 8 * second }
    job.operations[0].counts.waiting = 6 * second
    let rows = lines(job.figures).map(cells)
    #expect(rows.contains(["waiting for tasks", "8.00 s", "10 %"]))
    #expect(rows.contains { $0.first == "sum" && $0[7] == "6.00 s" }, "\(rows)")
  }

  @Test func ofManyRanksThoseThatHadMostAndLeastToDoAreShown() {
    var job = WellJob()
    job.workers = 30
    job.change = { $0.operations[0].counts.nanoseconds = $0.counts.rank * second }
    let ranks = lines(job.figures).compactMap { $0.firstMatch(of: /^(\d+) \(a\)/).flatMap { Int($0.1) } }
    #expect(ranks == [0, 30, 29, 28, 27, 26, 25, 4, 3, 2, 1])
    #expect(ReportText.text(job.figures).contains("… 20 others"))
  }
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
