import Foundation
import Testing

/// A program leaves before its work is done, and goes on when it's started again.
@Suite(.serialized)
struct DrainTests {
  @Test(arguments: Launch.sizes, ["USR1", "TERM", "USR1 of a worker"])
  func aSignalMakesItLeaveWithStatus85(ranks: Int?, way: String) throws {
    if ranks == nil && way.hasSuffix("worker") { return }
    let job = try DurableJob.ofEverything(milliseconds: 120)
    defer { job.remove() }
    let run = try job.run(ranks: ranks, stop: "step 5", way: way)
    job.expectDrained(run)
    #expect(run.errors.contains("muster: drains (SIG\(way.prefix(4)))"), "\(run.errors)")
    #expect(run.errors.contains("leaves with status 85"), "\(run.errors)")
    // Those that ran have ended; no other one began.
    let begun = job.notes.count { $0.hasPrefix("square") }
    #expect((0...4).contains(begun), "\(job.notes)")
    let next = try job.run(ranks: ranks)
    #expect(next.status == 0 && !job.isDrained, "\(next.errors)")
    #expect(run.output + next.output == job.printed)
    // Nothing that had ended was done again.
    for note in Set(job.notes) where !note.hasPrefix("kept") {
      #expect(job.notes.count { $0 == note } == 1, "\(note)")
    }
  }

  /// Launchers end what is still there when a rank has left: MPICH's by SIGKILL, as a rule, which it then tells.
  @Test(arguments: [0, 2])
  func aRankLeavesLater(rank: Int) throws {
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    let run = try job.run(ranks: 3, stop: "step 5", way: "USR1", environment: ["MUSTER_TEST_LATE_RANK": "\(rank)"])
    job.expectDrained(run)
    let next = try job.run(ranks: 3)
    #expect(next.status == 0 && run.output + next.output == job.printed, "\(run.output) \(next.errors)")
  }

  /// What nobody has read of standard output the next run passes on: where a pipe has been full for a while, and where it
  /// becomes so in the last moment.
  @Test(arguments: [3000, 650, 101])
  func nobodyReadsStandardOutput(lines: Int) throws {
    let job = try DurableJob(["durable-chatty", "\(lines)"])
    defer { job.remove() }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try Launch.path(of: "rank-programs"))
    process.arguments = job.arguments
    process.environment = Launch.inherited.merging([
      "MUSTER_JOURNAL": job.journal, "MUSTER_TEST_STOP": "step 1", "MUSTER_TEST_WAY": "USR1", "MUSTER_THREADS": "2",
      "MUSTER_PROGRESS": "none",
    ]) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: job.folder)
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    let start = Date()
    try Launch.runWithSignals(process)
    while process.isRunning && Date().timeIntervalSince(start) < 20 { usleep(5000) }
    let hasLeft = !process.isRunning
    if !hasLeft { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    #expect(hasLeft && process.terminationStatus == 85)
    try output.fileHandleForWriting.close()
    let read = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect((1...65_536).contains(read.utf8.count), "\(read.utf8.count)")
    let next = try job.run(ranks: nil)
    #expect(next.status == 0, "\(next.errors)")
    #expect(job.printed.hasSuffix("step 3\n") && job.printed.utf8.count > 97 * lines)
    for step in 0..<4 { #expect(job.printed.ranges(of: "step \(step)\n").count == 1) }
    #expect(read + next.output == job.printed)
  }

  @Test(arguments: Launch.sizes)
  func itLeavesBeforeTheJobEnds(ranks: Int?) throws {
    let job = try DurableJob.ofEverything(milliseconds: 400)
    defer { job.remove() }
    // Ten seconds are for the leaving: two are left for work.
    let end = Date().timeIntervalSince1970 + 12
    let run = try job.run(ranks: ranks, environment: ["MUSTER_DEADLINE": "\(end)"])
    job.expectDrained(run)
    #expect(run.errors.contains("drains (the job's time is nearly over)"), "\(run.errors)")
    // Mpirun may take two seconds to see that all have left.
    #expect(Date().timeIntervalSince1970 < end - (ranks == nil ? 9.5 : 7.5))
    #expect(job.notes.contains("part 2"), "\(job.notes)")
  }

  /// What a task has yielded is noted, however large it is.
  @Test(arguments: Launch.sizes)
  func aResultOnItsWayIsNotLost(ranks: Int?) throws {
    let job = try DurableJob(["durable-result", "12000000"])
    defer { job.remove() }
    let run = try job.run(ranks: ranks, stop: "large")
    job.expectDrained(run)
    let next = try job.run(ranks: ranks)
    #expect(next.status == 0 && job.printed == "sum 71999994000000.0\nend 1\n", "\(next.errors) \(job.printed)")
    #expect(job.notes == ["large"])
  }

  /// A run that goes on leaves the report and the trace of the one before.
  @Test(arguments: Launch.sizes)
  func eachRunHasItsReport(ranks: Int?) throws {
    let job = try DurableJob.ofEverything(milliseconds: 20)
    defer { job.remove() }
    let environment = ["MUSTER_REPORT": "report.txt", "MUSTER_TRACE": "trace"]
    let first = try job.run(ranks: ranks, stop: "step 4", way: "USR1", environment: environment)
    job.expectDrained(first)
    let report = try contents(job.folder + "/report.txt")
    #expect(report.contains("report on rank-programs") && !report.contains("square"), "\(report)")
    let second = try job.run(ranks: ranks, environment: environment)
    #expect(second.status == 0, "\(second.errors)")
    #expect(try contents(job.folder + "/report.txt") == report)
    #expect(try contents(job.folder + "/report-run2.txt").contains("square"))
    let names = try FileManager.default.contentsOfDirectory(atPath: job.folder).filter {
      $0.hasPrefix("report") || $0.hasPrefix("trace")
    }
    #expect(names.sorted() == ["report-run2.txt", "report.txt", "trace", "trace-run2"])
    // Tasks run on workers: what was gathered at the drain has theirs.
    #expect(try contents(job.folder + "/trace").contains("\"part\"") && report.contains("part"), "\(report)")
    // There is nothing to tell of a run that does nothing.
    #expect(try job.run(ranks: ranks, environment: environment).status == 0)
    let after = try FileManager.default.contentsOfDirectory(atPath: job.folder).filter {
      $0.hasPrefix("report") || $0.hasPrefix("trace")
    }
    #expect(after.sorted() == names.sorted())
  }

  /// A task that would take too long is dropped; what was done before is told all the same, also by who runs it.
  @Test(arguments: Launch.sizes)
  func aTaskThatTakesTooLongIsDropped(ranks: Int?) throws {
    let job = try DurableJob(["durable-mixed", "25"])
    defer { job.remove() }
    let start = Date()
    // Ten seconds before the job's end all have left.
    let environment = [
      "MUSTER_REPORT": "report.txt", "MUSTER_TRACE": "trace",
      "MUSTER_DEADLINE": "\(start.timeIntervalSince1970 + 17)",
    ]
    let run = try job.run(ranks: ranks, environment: environment)
    job.expectDrained(run)
    #expect(Date().timeIntervalSince(start) < 14)
    #expect(job.notes == ["brief"] && !run.errors.contains("warning"), "\(run.errors)")
    let report = try contents(job.folder + "/report.txt")
    #expect(report.contains("\nbrief ") && !report.contains("missing"), "\(report)")
    #expect(try contents(job.folder + "/trace").contains("\"brief\""))
  }

  /// A job that gets nowhere is told so.
  @Test(arguments: Launch.sizes)
  func aRunThatGainedNothing(ranks: Int?) throws {
    let job = try DurableJob(["durable-mixed", "25"])
    defer { job.remove() }
    for number in 1...2 {
      let run = try job.run(ranks: ranks, stop: "long")
      job.expectDrained(run)
      #expect(run.errors.contains("nothing that outlives this run") == (number == 2), "\(run.errors)")
    }
  }

  /// A rank that dies on another node has the launcher end the others by SIGTERM: a job that failed isn't one that drained.
  @Test(.enabled(if: Launch.isOpenMPI, "MPICH's launcher kills the others"))
  func aRankThatDiedElsewhere() throws {
    let job = try DurableJob(["durable-mixed", "25"])
    defer { job.remove() }
    let environment = [
      "MUSTER_TEST_SEPARATE_NODES": "1", "MUSTER_TEST_STOP": "begun", "OMPI_MCA_odls_base_sigkill_timeout": "5",
    ]
    let run = try job.run(ranks: 3, environment: environment)
    #expect(run.status != 85 && run.status != 0 && !job.isDrained, "\(run.status)")
    #expect(run.errors.contains("no answer from rank 1 (node "), "\(run.errors)")
    #expect(!run.errors.contains("leaves with status 85"), "\(run.errors)")
    #expect(job.notes == ["brief"])
  }

  /// Where a rank doesn't answer when SIGTERM comes that is no drain, but what was done until then is kept, also what waits
  /// for a slow disk; and what the program still does isn't told.
  @Test func aRankIsSilent() throws {
    let job = try DurableJob(["durable-silence"])
    defer { job.remove() }
    let run = try job.run(
      ranks: 3, stop: "silence", environment: ["MUSTER_TEST_SLOW_DISK": "job.journal", "MUSTER_TEST_SLOW_SECONDS": "1"])
    #expect(!job.isDrained && run.status == 143 || !run.isToldAsItIs, "\(run.status)")
    #expect(run.errors.contains("ended by SIGTERM, and no answer from rank 1 (node "), "\(run.errors)")
    #expect(run.output == "call 0\ncall 1\ncall 2\n", "\(run.output)")
    let next = try job.run(ranks: 3)
    #expect(next.status == 0 && next.errors.contains("goes on after 3 calls "), "\(next.errors)")
    #expect(next.output == "end 3\n" && job.printed == "call 0\ncall 1\ncall 2\nend 3\n", "\(next.output)")
    #expect(job.notes.filter { $0.hasPrefix("call") } == ["call 0", "call 1", "call 2"], "\(job.notes)")
  }

  /// A job that ends at once: all ranks leave, whichever has come how far, and the journal has each run.
  @Test(arguments: Launch.sizes)
  func theJobEndsAtOnce(ranks: Int?) throws {
    let job = try DurableJob.ofEverything(milliseconds: 300)
    defer { job.remove() }
    for number in 1...3 {
      // Some have a moment.
      let end = Date().timeIntervalSince1970 + (number % 2 == 0 ? 9 : 10 + Double(number) * 0.02)
      let run = try job.run(ranks: ranks, environment: ["MUSTER_DEADLINE": "\(end)", "MUSTER_REPORT": "report"])
      job.expectDrained(run, "\(number): ")
      let said = try job.status()
      #expect(said.contains("runs     \(number), the last one on "), "\(said)")
      #expect(said.contains("left before its work was done"), "\(said)")
    }
    let reports = try FileManager.default.contentsOfDirectory(atPath: job.folder).filter { $0.hasPrefix("report") }
    #expect(reports.sorted() == (["report"] + (2...3).map { "report-run\($0)" }).sorted())
    let last = try job.run(ranks: ranks)
    #expect(last.status == 0, "\(last.errors)")
    for step in 0..<6 { #expect(job.printed.ranges(of: "step \(step): ").count == 1, "\(job.printed)") }
  }

  /// A signal when the program comes to its end: either it ends, or it leaves and ends the next time, with all that it has
  /// to print.
  @Test(arguments: Launch.sizes)
  func aSignalAtTheEnd(ranks: Int?) throws {
    for pause in [0, 30, 50, 80] {
      let job = try DurableJob(["durable-brief", "\(pause)"])
      defer { job.remove() }
      let run = try job.run(
        ranks: ranks, stop: "told", environment: ["MUSTER_TRACE": "trace", "MUSTER_REPORT": "report"])
      var output = run.output
      if job.isDrained {
        job.expectDrained(run, "\(pause): ")
        let next = try job.run(ranks: ranks)
        #expect(next.status == 0 && next.errors.contains("goes on after "), "\(pause): \(next.errors)")
        output += next.output
      } else {
        #expect(run.status == 0, "\(pause): \(run.status) \(run.errors)")
        #expect(!run.errors.contains("leaves with status 85"), "\(run.errors)")
      }
      let expected = "one 1\ntwo 2\nthree\n"
      #expect(job.printed == expected && output == expected, "\(pause): \(run.status) \(job.printed) \(output)")
    }
  }

  /// The two don't cross, also where each takes half a second on its disk: a program that comes to its end while the session
  /// leaves waits, and a session that was told while the journal gets the program's end doesn't leave.
  @Test(arguments: Launch.sizes, [40, 1000])
  func aSignalAtTheVeryEnd(ranks: Int?, pause: Int) throws {
    let job = try DurableJob(["durable-brief", "\(pause)"])
    defer { job.remove() }
    let run = try job.run(
      ranks: ranks, stop: "told",
      environment: ["MUSTER_TEST_SLOW_DISK": "job.journal", "MUSTER_TEST_SLOW_SECONDS": "0.5"])
    var output = run.output
    #expect(run.errors.contains("drains (SIGUSR1)"), "\(run.errors)")
    // With the shorter pause the program is the first, where nothing holds it up.
    #expect(job.isDrained || pause == 40)
    if job.isDrained {
      job.expectDrained(run)
      let next = try job.run(ranks: ranks)
      #expect(next.status == 0, "\(next.errors)")
      output += next.output
    } else {
      #expect(run.status == 0 && !run.errors.contains("leaves with status"), "\(run.errors)")
    }
    #expect(output == "one 1\ntwo 2\nthree\n" && job.printed == output, "\(output) \(job.printed)")
    #expect(try job.run(ranks: ranks).errors.contains("has ended already"))
  }

  /// A program whose last rank has yet to come to its end leaves before it.
  @Test func oneRankIsLate() throws {
    let job = try DurableJob(["durable-brief", "0"])
    defer { job.remove() }
    let run = try job.run(ranks: 3, stop: "ended before one rank is there")
    job.expectDrained(run)
    let next = try job.run(ranks: 3)
    #expect(next.status == 0 && next.errors.contains("goes on after "), "\(next.errors)")
    #expect(job.printed == "one 1\ntwo 2\nthree\n", "\(job.printed)")
  }

  /// A program that fails on one rank hasn't come to its end on the others.
  @Test func oneRankThrowsAtTheEnd() throws {
    let job = try DurableJob(["durable-brief", "0"])
    defer { job.remove() }
    let run = try job.run(ranks: 3, stop: "throws")
    #expect(run.status != 0 && !job.isDrained, "\(run.errors)")
    let next = try job.run(ranks: 3)
    #expect(next.status == 0 && next.errors.contains("goes on after "), "\(next.errors)")
    #expect(job.printed == "one 1\ntwo 2\nthree\n", "\(job.printed)")
  }

  /// SIGTERM ends a program whose disk takes very long over its end.
  @Test(arguments: Launch.sizes)
  func aTerminationAtTheVeryEnd(ranks: Int?) throws {
    let job = try DurableJob(["durable-brief", "0"])
    defer { job.remove() }
    let run = try job.run(
      ranks: ranks, stop: "ended",
      environment: ["MUSTER_TEST_SLOW_DISK": "job.journal", "MUSTER_TEST_SLOW_SECONDS": "20"])
    #expect(run.status != 0 && run.seconds < 15 && !job.isDrained, "\(run.status) after \(run.seconds)")
    let next = try job.run(ranks: ranks)
    #expect(next.status == 0 && job.printed == "one 1\ntwo 2\nthree\n", "\(next.errors) \(job.printed)")
  }

  /// A job's end that was over before is of another job: the program would drain at once, as often as it's started.
  @Test(arguments: Launch.sizes)
  func theJobsEndIsOver(ranks: Int?) throws {
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    let past = "\(Int(Date().timeIntervalSince1970) - 100)"
    for name in ["MUSTER_DEADLINE", "SLURM_JOB_END_TIME"] {
      let run = try job.run(ranks: ranks, environment: [name: past])
      #expect(run.status == 1 && run.errors.contains(" s before this program began"), "\(run.errors)")
      #expect(run.errors.contains("or to none where it has no end"), "\(run.errors)")
    }
    let run = try job.run(ranks: ranks, environment: ["MUSTER_DEADLINE": "none", "SLURM_JOB_END_TIME": past])
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func withoutAJournalTheSignalIsTheProgramsOwn() throws {
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    let run = try job.run(ranks: nil, stop: "step 2", way: "USR1", environment: ["MUSTER_JOURNAL": ""])
    #expect(run.status == 128 + SIGUSR1)
  }

  @Test func aSignalThatIsNoneIsAnError() throws {
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    let run = try job.run(ranks: nil, environment: ["MUSTER_DRAIN_SIGNAL": "USR3"])
    #expect(run.status == 1)
    #expect(run.errors.contains("Use one of HUP, INT, TERM, URG, USR1, USR2, XCPU, or none"), "\(run.errors)")
  }
}
