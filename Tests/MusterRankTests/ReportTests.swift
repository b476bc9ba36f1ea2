import Foundation
import Testing

/// One after another: each starts several processes.
@Suite(.serialized)
struct ReportTests {
  /// The cells of a report's line that begins with a name.
  private func cells(_ report: String, _ name: String) -> [String]? {
    guard let line = report.split(separator: "\n").first(where: { $0.hasPrefix(name + " ") }) else { return nil }
    return line.dropFirst(name.count).split(separator: "  ").map { String($0.drop { $0 == " " }) }.filter {
      !$0.isEmpty
    }
  }

  /// A time in a report, by the name of its line and the place in it.
  private func seconds(_ report: String, _ name: String, _ place: Int) throws -> Double {
    let row = try #require(cells(report, name), "\(report)")
    let parts = row[place].split(separator: " ")
    let units = ["ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1]
    let unit = try #require(parts.count > 1 ? units[String(parts[1])] : 1)
    return try #require(Double(parts[0])) * unit
  }

  private func inFolder(_ body: (_ folder: String) throws -> Void) throws {
    let folder = temporaryFolder("report")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { removeFolder(folder) }
    try body(folder)
  }

  /// As many as there are, though a trace beside it has room for 4 of each thread; what crosses in the message itself, and
  /// what follows it.
  @Test(arguments: [1000, 200_000], [false, true])
  func everyTaskAndByteCounts(bytes: Int, traces: Bool) throws {
    try inFolder { folder in
      let path = "\(folder)/report.txt"
      var environment = ["MUSTER_REPORT": path]
      if traces {
        environment["MUSTER_TRACE"] = "\(folder)/trace.json"
        environment["MUSTER_TRACE_EVENTS"] = "4"
      }
      let run = try Launch.run("rank-programs", ["traced", "40", "\(bytes)"], ranks: 3, environment: environment)
      #expect(run.status == 0, "\(run.errors)")
      let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
      #expect(files == (traces ? ["report.txt", "trace.json"] : ["report.txt"]))
      let report = try contents(path)
      #expect(report.hasPrefix("Muster: report on rank-programs\n3 ranks on 1 node: rank 0 schedules, 2 workers"))
      #expect(cells(report, "make")?.first == "40", "\(report)")
      #expect(cells(report, "make")?.last == (bytes == 1000 ? "40.0 kB" : "8.00 MB"), "\(report)")
      #expect(cells(report, "take \"two\"")?.first == "40", "\(report)")
      #expect(cells(report, "all")?.first == "80", "\(report)")
      // None has failed: then there is no column for that.
      #expect(cells(report, "Operation")?.contains("failed") == false, "\(report)")
      // The rank's tasks, and the bytes that came, are those that the program saw.
      for rank in 0..<3 {
        let row = try #require(cells(report, "\(rank)"), "\(report)")
        let ran = run.lines.count { $0.hasPrefix("ran") && $0.hasSuffix(" \(rank)") }
        #expect(row[1] == (rank == 0 ? "-" : "\(ran)"), "\(report)")
        let told = run.errors.firstMatch(of: try Regex("traffic \(rank) (\\d+);", as: (Substring, Substring).self))
        let crossed = try #require(told.flatMap { Int($0.1) })
        #expect(row[5] == text(ofBytes: crossed), "\(crossed): \(report)")
      }
      // At most a page.
      #expect(report.split(separator: "\n", omittingEmptySubsequences: false).count <= 60)
    }
  }

  /// Where the time went is told by operation: one task that all others wait for, and that most of what crosses comes
  /// from; and one that reads.
  @Test(arguments: [nil, 3] as [Int?]) func operationsTellWhereTheTimeWent(ranks: Int?) throws {
    try inFolder { folder in
      let path = "\(folder)/report.txt"
      let run = try Launch.run(
        "rank-programs", ["reported", "\(folder)/field.h5"], ranks: ranks,
        environment: ["MUSTER_REPORT": path, "MUSTER_TEST_SLOW_DISK": "field.h5", "MUSTER_TEST_SLOW_SECONDS": "0.3"])
      #expect(run.status == 0, "\(run.errors)")
      let report = try contents(path)
      let names = ["tasks", "time", "share", "mean", "longest", "I/O", "waiting", "transfers", "made"]
      #expect(cells(report, "Operation") == names, "\(report)")
      func seconds(_ name: String, _ column: String) throws -> Double {
        try self.seconds(report, name, try #require(names.firstIndex(of: column)))
      }
      // The other thread has nothing to do while the one task runs for half a second.
      let (alone, after) = (try seconds("alone", "waiting"), try seconds("after", "waiting"))
      #expect(after > 0.4 && after > alone, "\(report)")
      let (all, total) = (try seconds("all", "waiting"), try seconds("  waiting for tasks", "tasks"))
      #expect(all <= total * 1.01, "\(report)")
      #expect(try seconds("read-sum", "I/O") > 0 && seconds("arange-write", "I/O") > 0, "\(report)")
      let files = try seconds("    of it I/O: chunks of files", "tasks")
      #expect(abs(try seconds("all", "I/O") - files) < 0.02 * files, "\(report)")
      // The time of all workers: each waits for the slow disk.
      let toDisk = try self.seconds(report, "  I/O: files brought to disk", 0)
      #expect(toDisk >= 0.3 * Double(ranks == nil ? 1 : 2), "\(report)")
      for name in ["alone", "after"] { #expect(try seconds(name, "I/O") == 0, "\(report)") }
      #expect((try seconds("alone", "transfers") > 0) == (ranks != nil), "\(report)")
    }
  }

  /// A task that waits for others isn't at work, and the bytes of files are those of the values.
  @Test(arguments: [nil, 3] as [Int?])
  func tasksThatWaitForOthersDoNotWork(ranks: Int?) throws {
    try inFolder { folder in
      let path = "\(folder)/report.txt"
      let run = try Launch.run(
        "rank-programs", ["reported-waits", "\(folder)/field.h5"], ranks: ranks, environment: ["MUSTER_REPORT": path])
      #expect(run.status == 0 && run.output == "66\n", "\(run.errors)")
      let report = try contents(path)
      #expect(report.contains("read 0 B, wrote 1.60 MB"), "\(report)")
      let locked = try seconds(report, "locked", 1)
      #expect(locked >= 0.6 && locked < 1.2, "\(report)")
    }
  }

  /// The thread that makes the MPI calls runs brief tasks: what the others rest meanwhile is no wait for what comes then.
  @Test func briefTasksAreNoWait() throws {
    try inFolder { folder in
      let path = "\(folder)/report.txt"
      let run = try Launch.run(
        "rank-programs", ["reported-brief", "60000"], ranks: 3, environment: ["MUSTER_REPORT": path])
      #expect(run.status == 0, "\(run.errors)")
      let report = try contents(path)
      #expect(try seconds(report, "brief", 6) > 0.1 * seconds(report, "all", 6), "\(report)")
    }
  }

  /// As the report writes it.
  private func text(ofBytes count: Int) -> String {
    if count < 1000 { return "\(count) B" }
    let (value, unit) = count < 999_500 ? (Double(count) / 1e3, "kB") : (Double(count) / 1e6, "MB")
    return String(format: value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value) + " " + unit
  }

  /// The setting reaches rank 0 alone where others run elsewhere; and a report on standard error comes once.
  @Test func standardErrorHasItOnce() throws {
    let run = try Launch.run(
      "rank-programs", ["traced", "8", "1000"], ranks: 3, environment: ["MUSTER_REPORT": "-"])
    #expect(run.status == 0)
    #expect(run.errors.components(separatedBy: "Muster: report on").count == 2, "\(run.errors)")
    #expect(run.errors.contains("What to change"))
  }

  @Test func anErrorLeavesAReportToo() throws {
    try inFolder { folder in
      let path = "\(folder)/report.txt"
      let run = try Launch.run(
        "rank-programs", ["traced", "8", "1000", "fails"], ranks: 3, environment: ["MUSTER_REPORT": path])
      #expect(run.status != 0 && run.errors.contains("as it should"), "\(run)")
      let report = try contents(path)
      #expect(report.contains("ended with an error"))
      // The inputs of the task that fails, and maybe others.
      let made = try #require(cells(report, "make")?.first.flatMap { Int($0) }, "\(report)")
      #expect((2...8).contains(made), "\(report)")
      #expect(cells(report, "take \"two\"")?[1] == "1", "\(report)")
    }
  }

  @Test func aPathThatCannotBeWrittenIsToldOnce() throws {
    let run = try Launch.run(
      "rank-programs", ["traced", "4", "1000"], ranks: 3,
      environment: ["MUSTER_REPORT": "/no-such-folder/report.txt"])
    #expect(run.status != 0)
    #expect(run.errors.components(separatedBy: "the report can't be written").count == 2, "\(run.errors)")
    #expect(!run.output.contains("ran"))
  }

  /// What goes to disk is what the program itself has seen go there.
  @Test func spillsCount() throws {
    try inFolder { folder in
      let path = "\(folder)/report.txt"
      let run = try Launch.run(
        "rank-programs", ["memory-uv", "\(100 << 20)", "\(2 << 20)", "kept"],
        environment: ["MUSTER_REPORT": path, "MUSTER_MEMORY_LIMIT": "128 MiB", "MUSTER_SCRATCH": folder])
      #expect(run.status == 0 && run.lines.contains("exact"), "\(run)")
      let told = try #require(run.lines.first { $0.hasPrefix("peak ") }).split(separator: " ").compactMap { Int($0) }
      let report = try contents(path)
      let line = try #require(report.split(separator: "\n").first { $0.hasPrefix("  I/O: local scratch") })
      let sizes = try #require(line.firstMatch(of: /([\d.]+) MB written, ([\d.]+) MB read/), "\(report)")
      // With three digits. Writing goes on for a moment after the program has looked.
      let (written, read) = (Double(sizes.1)! * 1e6, Double(sizes.2)! * 1e6)
      #expect((0.99 * Double(told[2])...Double(2 * 101 << 20)).contains(written), "\(told): \(report)")
      #expect(abs(read / Double(told[3]) - 1) < 0.01, "\(told): \(report)")
      #expect(!line.contains("  0 %"), "\(report)")
    }
  }

  /// A session that leaves before its work is done says what was done until then.
  @Test(arguments: Launch.sizes)
  func aDrainLeavesAReport(ranks: Int?) throws {
    let job = try DurableJob.ofEverything(milliseconds: 120)
    defer { job.remove() }
    let path = job.folder + "/report.txt"
    let run = try job.run(ranks: ranks, stop: "step 5", way: "USR1", environment: ["MUSTER_REPORT": path])
    job.expectDrained(run)
    let report = try contents(path)
    #expect(report.contains("left before its work was done"), "\(report)")
    #expect(!report.contains("are missing"), "\(report)")
    #expect(report.contains("What to change") && !report.contains("It goes on after"), "\(report)")
    #expect(try job.run(ranks: ranks, environment: ["MUSTER_REPORT": path]).status == 0)
    #expect(try contents(job.folder + "/report-run2.txt").contains("It goes on after "), "\(report)")
  }
}
