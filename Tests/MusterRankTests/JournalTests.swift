import Foundation
import Testing

/// A program that is killed goes on where it was.
@Suite(.serialized)
struct JournalTests {
  private static let undisturbed = Swift.Result {
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    let run = try Launch.run(
      "rank-programs", job.arguments, folder: job.folder, environment: ["MUSTER_PROGRESS": "none"])
    try #require(run.status == 0, "\(run.errors)")
    return DurableJob.Result(
      printed: run.output,
      files: try ["field", "squeezed", "kept"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(job.folder)/out/\($0).h5"))
      })
  }

  private static let steps = ["step 2", "square 3", "roots", "field", "squeezed", "kept", "caught", "end"]

  @Test(arguments: Launch.sizes)
  func goesOnAfterAKillAtEachStep(ranks: Int?) throws {
    let undisturbed = try Self.undisturbed.get()
    let job = try DurableJob.ofEverything(milliseconds: 2)
    defer { job.remove() }
    var output = ""
    for stop in Self.steps {
      let run = try job.run(ranks: ranks, stop: stop)
      #expect(run.status != 0, "wasn't killed at \(stop)")
      output += run.output
    }
    let last = try job.run(ranks: ranks)
    #expect(last.status == 0, "\(last.errors)")
    output += last.output
    #expect(try job.result() == undisturbed)
    // MPICH's launcher says on standard output that a rank was killed.
    if ranks == nil || Launch.isOpenMPI { #expect(output == undisturbed.printed) }
    #expect(last.errors.contains("goes on after "), "\(last.errors)")
    // What a collective returned or a write finished isn't done again.
    for once in (0..<6).map({ "part \($0)" }) + (0..<12).map({ "chunk \($0 * 2000)" }) {
      #expect(job.notes.count { $0 == once } == 1, "\(once)")
    }
  }

  @Test func goesOnWithAnotherNumberOfRanks() throws {
    let undisturbed = try Self.undisturbed.get()
    let job = try DurableJob.ofEverything(milliseconds: 2)
    defer { job.remove() }
    for (ranks, stop) in [(3, "square 2"), (nil, "field"), (2, "kept"), (4, "")] as [(Int?, String)] {
      let run = try job.run(ranks: ranks, stop: stop)
      #expect((run.status == 0) == stop.isEmpty, "\(run.errors)")
    }
    #expect(try job.result() == undisturbed)
  }

  @Test(arguments: Launch.sizes)
  func aProgramThatHasEndedIsNotRunAgain(ranks: Int?) throws {
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    #expect(try job.run(ranks: ranks).status == 0)
    let (notes, result) = (job.notes, try job.result())
    let again = try job.run(ranks: ranks)
    #expect(again.status == 0)
    #expect(again.output == "")
    #expect(again.errors.contains("the program has ended already"), "\(again.errors)")
    #expect(job.notes == notes)
    #expect(try job.result() == result)
    let anew = try job.run(ranks: ranks, environment: ["MUSTER_JOURNAL_START": "anew"])
    #expect(anew.status == 0)
    #expect(anew.output == result.printed)
    #expect(job.notes.count == 2 * notes.count)
    #expect(!FileManager.default.fileExists(atPath: job.journal + ".blocks"))
  }

  @Test(arguments: Launch.sizes)
  func aTornTailIsCutOff(ranks: Int?) throws {
    let undisturbed = try Self.undisturbed.get()
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    _ = try job.run(ranks: ranks, stop: "caught")
    let whole = try Data(contentsOf: URL(fileURLWithPath: job.journal))
    for cut in [1, 30, 200, 900] {
      // As after a crash of the machine: the end is missing, and what was there is garbage.
      try (whole.dropLast(cut) + Data(repeating: 0xA5, count: cut / 2)).write(to: URL(fileURLWithPath: job.journal))
      let run = try job.run(ranks: ranks, stop: "kept")
      #expect(run.status != 0)
      #expect(run.errors.contains("goes on after "), "\(run.errors)")
    }
    #expect(try job.run(ranks: ranks).status == 0)
    #expect(try job.result() == undisturbed)
  }

  @Test(
    arguments: [
      (
        "shape", "was full of [20] Double (auto 1.0) at rank_programs/Durable.swift:",
        "and is full of [30] Double (auto 1.0) at rank_programs/Durable.swift:"
      ),
      ("operation", "was sum of Double", "and is mean of Double"),
      ("more", "was min", "and is max"),
      ("less", "it has come to its end, and had made further calls then", "Run the program as it was"),
    ], Launch.sizes)
  func aChangedProgramIsToldWhereItDiffers(
    change: (way: String, then: String, now: String), ranks: Int?
  ) throws {
    let job = try DurableJob(["durable-changed"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "last").status != 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: job.journal))
    let run = try job.run(ranks: ranks, way: change.way)
    #expect(run.status != 0)
    #expect(run.errors.contains("[changedProgram]"), "\(run.errors)")
    #expect(run.errors.contains(change.then), "\(run.errors)")
    #expect(run.errors.contains(change.now), "\(run.errors)")
    #expect(run.errors.contains("MUSTER_JOURNAL_START=anew"), "\(run.errors)")
    // What was there isn't harmed.
    #expect(try Data(contentsOf: URL(fileURLWithPath: job.journal)) == before)
    #expect(try job.run(ranks: ranks).status == 0)
    #expect(
      try job.run(ranks: ranks, way: change.way, environment: ["MUSTER_JOURNAL_START": "anew"]).status == 0)
  }

  @Test func otherArgumentsAreAnotherProgram() throws {
    let job = try DurableJob(["durable-many", "3", "1"])
    defer { job.remove() }
    #expect(try job.run(ranks: nil).status == 0)
    let other = try Launch.run(
      "rank-programs", ["durable-many", "4", "1"], environment: ["MUSTER_JOURNAL": job.journal])
    #expect(other.status == 1)
    #expect(
      other.errors.contains(
        "was begun by `rank-programs durable-many 3 1`, and this is `rank-programs durable-many 4 1`"),
      "\(other.errors)")
  }

  @Test func anotherFileIsNotTaken() throws {
    let job = try DurableJob(["durable-many", "3", "1"])
    defer { job.remove() }
    try "results of years\n".write(toFile: job.journal, atomically: true, encoding: .utf8)
    let run = try job.run(ranks: 2)
    #expect(run.status == 1)
    #expect(run.errors.contains("isn't a journal of Muster's"), "\(run.errors)")
    #expect(try contents(job.journal) == "results of years\n")
  }

  /// What is kept is of the call that it was kept for: where the program has been changed after the last call that its
  /// journal has, it's computed again.
  @Test(arguments: Launch.sizes)
  func whatIsKeptIsOfItsCall(ranks: Int?) throws {
    for (way, sum, other, again) in [
      ("", "15996000.0", "7998000.0", 0), ("factor", "23994000.0", "7998000.0", 4),
      ("another", "15996000.0", "8002000.0", 4),
    ] where ranks == nil || way == "factor" {
      let job = try DurableJob(["durable-otherwise"])
      defer { job.remove() }
      #expect(try job.run(ranks: ranks, stop: "kept").status != 0)
      #expect(job.notes.count == 4)
      let run = try job.run(ranks: ranks, way: way)
      #expect(run.status == 0 && job.printed == "7998000.0\n\(sum)\n\(other)\n", "\(way): \(job.printed) \(run.errors)")
      #expect(job.notes.count == 4 + again, "\(way): \(job.notes)")
      #expect(run.errors.contains("of the calls after that is done again") == (way != ""), "\(way): \(run.errors)")
    }
  }

  /// Whether something is kept is a part of the call.
  @Test(arguments: Launch.sizes)
  func whetherItIsKeptIsCompared(ranks: Int?) throws {
    let job = try DurableJob(["durable-otherwise"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "taken").status != 0)
    let changed = try job.run(ranks: ranks, way: "unkept")
    #expect(changed.status == 1 && changed.errors.contains("[changedProgram]"), "\(changed.errors)")
    #expect(changed.errors.contains("persist (checkpointed"), "\(changed.errors)")
    let next = try job.run(ranks: ranks)
    #expect(next.status == 0 && job.printed == "7998000.0\n15996000.0\n7998000.0\n", "\(next.errors)")
  }

  /// What went wrong at the end is tried again.
  @Test(arguments: Launch.sizes)
  func anErrorThatEndedTheProgramIsNotKept(ranks: Int?) throws {
    let path = temporaryFolder("wanted")
    defer { removeFolder(path) }
    let job = try DurableJob(["durable-failing", path])
    defer { job.remove() }
    for _ in 0..<2 {
      let run = try job.run(ranks: ranks)
      #expect(run.status == 1)
      #expect(run.errors.contains("there is no \(path)"), "\(run.errors)")
      let said = try job.status()
      #expect(said.contains("state    ended with an error") && said.contains("there is no \(path)"), "\(said)")
      #expect(said.contains("done     1 call of the session"), "\(said)")
    }
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    #expect(try job.run(ranks: ranks).status == 0)
    #expect(job.printed == "first 1\nsecond 2\n")
    #expect(job.notes == ["first", "look", "look", "look"])
  }

  @Test(arguments: Launch.sizes)
  func whatWorkersKeepIsComputedAgainOnlyWhereItIsNotCheckpointed(ranks: Int?) throws {
    // The last step's is held for a moment only: some of its tasks begin.
    for (way, again) in [("kept", 16...16), ("checkpointed", 0...0), ("alone", 0...4)] {
      let job = try DurableJob(["durable-chain", "6", way])
      defer { job.remove() }
      let stopped = try job.run(ranks: ranks, stop: "step 3", way: "late")
      #expect(stopped.status != 0)
      // Four chunks in each of the four steps.
      #expect(job.notes.count == 16)
      if way == "checkpointed" {
        #expect(FileManager.default.fileExists(atPath: job.journal + ".blocks"))
      }
      #expect(try job.run(ranks: ranks).status == 0)
      #expect(again.contains(job.notes.count - 16 - 8), "\(way): \(job.notes)")
      #expect(job.printed.hasSuffix(way == "alone" ? "5: 8002000.0\n" : "5: 8022000.0\n"), "\(job.printed)")
    }
  }

  /// What no run that goes on can need doesn't stay on disk.
  @Test(arguments: Launch.sizes)
  func checkpointsGoWhenNothingNeedsThem(ranks: Int?) throws {
    let job = try DurableJob(["durable-chain", "42", "checkpointed", "50"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "step 39", way: "late").status != 0)
    // Those that were replaced within the last second or so, of steps of a tenth of one.
    let names = try FileManager.default.contentsOfDirectory(atPath: job.journal + ".blocks")
    let ledgers = Set(names.compactMap { $0.split(separator: "-").first })
    #expect((1..<24).contains(ledgers.count), "\(names)")
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(!run.errors.contains("warning"), "\(run.errors)")
    #expect(job.notes.count == 42 * 4, "\(job.notes.count)")
    #expect(job.printed.hasSuffix("41: 8166000.0\n"), "\(job.printed)")
  }

  /// What was checkpointed some time ago is needed as long as what was made of it is only in memory.
  @Test(arguments: Launch.sizes)
  func aCheckpointNowAndThen(ranks: Int?) throws {
    let job = try DurableJob(["durable-chain", "30", "sometimes", "50"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "step 28", way: "late").status != 0)
    #expect(job.notes.count == 29 * 4)
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    // Steps 21 to 28 again, and the last one.
    #expect(job.notes.count == 29 * 4 + 9 * 4, "\(job.notes.count)")
    #expect(job.notes.count { $0 == "step 20" } == 4)
    #expect(job.printed.hasSuffix("29: 8118000.0\n"), "\(job.printed)")
  }

  /// What isn't a journal isn't discarded as one, nor is standard output taken for what the journal keeps of it.
  @Test func otherFilesStayAsTheyAre() throws {
    let job = try DurableJob(["durable-chain", "2", "kept"])
    defer { job.remove() }
    try "precious".write(toFile: job.journal, atomically: true, encoding: .utf8)
    for start in ["resume", "anew"] {
      let run = try job.run(ranks: nil, environment: ["MUSTER_JOURNAL_START": start])
      #expect(run.status == 1 && run.errors.contains("isn't a journal of Muster's"), "\(run.errors)")
      #expect(try contents(job.journal) == "precious")
    }
    // At the first start, and at one that goes on.
    for (output, stop, status) in [("j.out", "", 1), ("elsewhere", "step 0", 128 + SIGKILL), ("j.out", "", 1)] {
      let (ended, said) = try job.run(
        within: "\"$@\" >>\(output); exit $?", environment: ["MUSTER_JOURNAL": "j", "MUSTER_TEST_STOP": stop])
      #expect(ended == status, "\(said)")
      #expect(said.contains("standard output goes to '") == (status == 1), "\(said)")
    }
  }

  /// A file that a run has written, and somebody has removed, isn't written again; nor does it go unsaid. What a run was
  /// killed over cleaning up goes at the next start.
  @Test func whatIsGoneOrLeftAfterTheEnd() throws {
    let job = try DurableJob.ofEverything(milliseconds: 0)
    defer { job.remove() }
    #expect(try job.run(ranks: nil).status == 0)
    try FileManager.default.removeItem(atPath: job.folder + "/out/field.h5")
    try FileManager.default.createDirectory(atPath: job.journal + ".blocks", withIntermediateDirectories: true)
    try "left".write(toFile: job.journal + ".blocks/4-x", atomically: true, encoding: .utf8)
    let again = try job.run(ranks: nil)
    #expect(again.status == 0 && again.output.isEmpty, "\(again.errors)")
    #expect(again.errors.contains("field.h5\", which an earlier run has written, isn't there"), "\(again.errors)")
    #expect(!again.errors.contains("kept.h5"), "\(again.errors)")
    #expect(!FileManager.default.fileExists(atPath: job.journal + ".blocks"))
  }

  @Test(arguments: Launch.sizes)
  func whatWasKeptMayBeGone(ranks: Int?) throws {
    let job = try DurableJob(["durable-chain", "6", "checkpointed"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "step 3", way: "late").status != 0)
    try FileManager.default.removeItem(atPath: job.journal + ".blocks")
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("can't be found any more: what was in them is computed again"), "\(run.errors)")
    #expect(job.notes.count == 16 + 24, "\(job.notes.count)")
    #expect(job.printed.hasSuffix("5: 8022000.0\n"), "\(job.printed)")
  }

  /// The file that an earlier run has begun may be gone, and is begun anew then, with all of its chunks.
  @Test(arguments: Launch.sizes)
  func aFileThatIsGoneIsWrittenAnew(ranks: Int?) throws {
    let undisturbed = try Self.undisturbed.get()
    let job = try DurableJob.ofEverything(milliseconds: 120)
    defer { job.remove() }
    // Some chunks are written, and told of.
    #expect(try job.run(ranks: ranks, stop: "chunk", way: "late").status != 0)
    let written = job.notes.count { $0.hasPrefix("chunk") }
    #expect((4...12).contains(written), "\(job.notes)")
    for name in try FileManager.default.contentsOfDirectory(atPath: job.folder + "/out")
    where name.hasSuffix(".partial") {
      try FileManager.default.removeItem(atPath: "\(job.folder)/out/\(name)")
    }
    // Killed again when the new one has its name, and before the journal says so.
    #expect(try job.run(ranks: ranks, stop: "field", way: "at once").status != 0)
    #expect(job.notes.count { $0.hasPrefix("chunk") } == written + 12)

    // The same of what was compressed: only that is gone, and not what it is for.
    #expect(try job.run(ranks: ranks, stop: "squeezed", way: "late").status != 0)
    let compressed = job.notes.count { $0.hasPrefix("squeezed") }
    #expect((4...12).contains(compressed), "\(job.notes)")
    let spools = try FileManager.default.contentsOfDirectory(atPath: job.folder + "/out").filter {
      $0.hasSuffix(".partial") && $0.contains("-")
    }
    #expect(!spools.isEmpty)
    for name in spools { try FileManager.default.removeItem(atPath: "\(job.folder)/out/\(name)") }
    #expect(try job.run(ranks: ranks).status == 0)
    #expect(job.notes.count { $0.hasPrefix("squeezed") } == compressed + 12)
    #expect(try job.result() == undisturbed)
  }

  /// What is compressed is so once, whenever the file is put together.
  @Test(arguments: Launch.sizes)
  func aKillWhileAFileIsPutTogether(ranks: Int?) throws {
    let chunks = 60
    let plain = try DurableJob(["durable-large", "out/x.h5", "\(chunks)", "kept"])
    defer { plain.remove() }
    #expect(try plain.run(ranks: nil, environment: ["MUSTER_JOURNAL": ""]).status == 0)
    let job = try DurableJob(["durable-large", "out/x.h5", "\(chunks)", "kept"])
    defer { job.remove() }
    let out = job.folder + "/out"
    let run = try job.run(ranks: ranks) { launcher in
      // The file itself has its length when the places of its chunks are known, and before they are there.
      while launcher.isRunning {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: out)) ?? []
        let file = names.first { $0.hasSuffix(".partial") && !$0.contains("-") }
        let size = file.flatMap { try? FileManager.default.attributesOfItem(atPath: "\(out)/\($0)")[.size] as? Int }
        if let size, size > chunks * 4_000_000 {
          let root = job.notes.first { $0.hasPrefix("root ") }.flatMap { pid_t($0.dropFirst(5)) }
          // By then the journal has what all is put together from.
          usleep(20_000)
          if let root { kill(root, SIGKILL) }
          break
        }
        usleep(200)
      }
    }
    #expect(run.status != 0, "wasn't killed")
    #expect(!FileManager.default.fileExists(atPath: out + "/x.h5"))
    let last = try job.run(ranks: ranks)
    #expect(last.status == 0, "\(last.errors)")
    #expect(job.printed == "written \(chunks * 500_000 - 1).0\n", "\(job.printed)")
    #expect(job.notes.filter { $0.hasPrefix("chunk") } == plain.notes.filter { $0.hasPrefix("chunk") })
    let files = try [job, plain].map { try Data(contentsOf: URL(fileURLWithPath: $0.folder + "/out/x.h5")) }
    #expect(files[0] == files[1])
    #expect(try FileManager.default.contentsOfDirectory(atPath: out) == ["x.h5"])
  }

  /// There is room for what is compressed, and not for the file that is made of it.
  @Test(.enabled(if: MemoryDisk.isPossible), arguments: Launch.sizes)
  func aDiskThatIsFullWhenAFileIsPutTogether(ranks: Int?) throws {
    let job = try DurableJob(["durable-large", "disk/x.h5", "8", "kept"])
    defer { job.remove() }
    let disk = job.folder + "/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    try MemoryDisk.mounted(on: disk, options: "size=48m") {
      let run = try job.run(ranks: ranks)
      #expect(run.status == 1 && run.errors.contains("[diskFull]"), "\(run.errors)")
      try MemoryDisk.enlarge(disk, options: "size=80m")
      let again = try job.run(ranks: ranks)
      #expect(again.status == 0, "\(again.errors)")
      #expect(job.printed == "written 3999999.0\n", "\(job.printed)")
      #expect(job.notes.count { $0.hasPrefix("chunk") } == 8, "\(job.notes)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == ["x.h5"])
    }
  }

  /// A file that can't be begun anew is an error of the write, which a program may catch.
  @Test(arguments: Launch.sizes)
  func aFileThatIsGoneForGood(ranks: Int?) throws {
    let job = try DurableJob(["durable-refused", "out/x.h5"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "chunk", way: "late").status != 0)
    try FileManager.default.removeItem(atPath: job.folder + "/out")
    let refused = try job.run(ranks: ranks, stop: "after", way: "late")
    // MPICH's launcher says on standard output that a rank was killed.
    #expect(
      refused.status != 0 && refused.output.hasPrefix("caught fileNotFound\n"), "\(refused.output) \(refused.errors)")
    try FileManager.default.createDirectory(atPath: job.folder + "/out", withIntermediateDirectories: true)
    let last = try job.run(ranks: ranks)
    #expect(last.status == 0, "\(last.errors)")
    #expect(job.printed == "caught fileNotFound\nafter 2\n", "\(job.printed)")
  }

  /// A write that fails keeps what is written for the next run.
  @Test(arguments: Launch.sizes, [[], ["compressed"]])
  func aWriteThatFailsGoesOn(ranks: Int?, compressed: [String]) throws {
    let path = temporaryFolder("wanted")
    defer { removeFolder(path) }
    let job = try DurableJob(["durable-write", "out/x.h5", path] + compressed)
    defer { job.remove() }
    #expect(try job.run(ranks: ranks).status == 1)
    let first = job.notes.count { $0.hasPrefix("chunk") }
    #expect((6..<12).contains(first), "\(job.notes)")
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    // Those that ran when the other failed may come again.
    #expect((12...14).contains(job.notes.count { $0.hasPrefix("chunk") }), "\(job.notes)")
    #expect(job.printed == "written 23999.0\n", "\(job.printed)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: job.folder + "/out") == ["x.h5"])
  }

  /// What was asked for and let go of isn't kept in mind.
  @Test(arguments: [(nil, 60_000), (3, 9_000)] as [(Int?, Int)])
  func aLongReplayTakesLittleMemory(ranks: Int?, count: Int) throws {
    let job = try DurableJob(["durable-futures", "\(count)"])
    defer { job.remove() }
    let stopped = try job.run(ranks: ranks, stop: "sum")
    #expect(stopped.status != 0)
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(job.printed == "sum \(count * (count - 1) / 2)\nlast \(count - 9)\n", "\(job.printed)")
    // Each took a kilobyte before.
    let peak = run.lines.last.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") }
    #expect(try #require(peak) < 90, "\(run.output)")
  }

  /// The system says once that something didn't come to disk, perhaps while nobody listens: the write fails all the same.
  @Test func whatDidNotComeToDiskIsToldAtTheEnd() throws {
    let job = try DurableJob(["durable-unwritten"])
    defer { job.remove() }
    let run = try job.run(ranks: nil)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines == ["refused after 2 calls", "refused after 2 calls"], "\(run.output)")
  }

  /// A disk that breaks under a checkpoint: the program goes on, says so, and the next run computes it again.
  @Test(arguments: Launch.sizes)
  func aCheckpointThatDoesNotComeToDisk(ranks: Int?) throws {
    let job = try DurableJob(["durable-chain", "6", "checkpointed"])
    defer { job.remove() }
    let run = try job.run(
      ranks: ranks, stop: "step 3", way: "late", environment: ["MUSTER_TEST_BAD_DISK": "job.journal.blocks"])
    #expect(run.status != 0)
    #expect(
      run.errors.contains(
        "doesn't come to disk: Input/output error. A run that goes on after this one computes it again"),
      "\(run.errors)")
    #expect(job.notes.count == 16)
    let next = try job.run(ranks: ranks)
    #expect(next.status == 0 && !next.errors.contains("warning"), "\(next.errors)")
    // Four chunks in each of the first four steps again.
    #expect(job.notes.count == 16 + 24, "\(job.notes)")
    #expect(job.printed.hasSuffix("5: 8022000.0\n"), "\(job.printed)")
  }

  /// A journal that the disk doesn't take isn't one: the program ends with the error, and with status 1.
  @Test(arguments: Launch.sizes)
  func aJournalThatDoesNotComeToDisk(ranks: Int?) throws {
    let job = try DurableJob(["durable-many", "40", "20000"])
    defer { job.remove() }
    let run = try job.run(ranks: ranks, environment: ["MUSTER_TEST_BAD_DISK": "job.journal"])
    #expect(run.status == 1 && run.errors.contains("[inputOutput]"), "\(run.errors)")
    let next = try job.run(ranks: ranks)
    #expect(next.status == 0, "\(next.errors)")
    #expect(job.printed == (0..<40).map { "\($0).0\n" }.joined())
  }

  /// What is kept and can't be read is an error that says what to do, which helps.
  @Test(arguments: Launch.sizes)
  func whatIsKeptMayBeDamaged(ranks: Int?) throws {
    let job = try DurableJob(["durable-chain", "6", "checkpointed"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "step 3", way: "late").status != 0)
    let blocks = job.journal + ".blocks"
    for name in try FileManager.default.contentsOfDirectory(atPath: blocks) {
      var data = try Data(contentsOf: URL(fileURLWithPath: "\(blocks)/\(name)"))
      for place in stride(from: 500, to: data.count, by: 1000) { data[place] ^= 0x55 }
      try data.write(to: URL(fileURLWithPath: "\(blocks)/\(name)"))
    }
    var errors: [String] = []
    // Each checkpoint that it is computed from again is found out by itself.
    for _ in 0..<5 where !job.printed.contains("5: ") {
      let run = try job.run(ranks: ranks)
      if run.status != 0 { errors.append(run.errors) }
    }
    #expect(!errors.isEmpty && errors.count < 5)
    for error in errors {
      #expect(error.contains("beside the journal, is damaged") && error.contains("Start the program again"), "\(error)")
    }
    #expect(job.printed.hasSuffix("5: 8022000.0\n"), "\(errors) \(job.printed)")
  }

  /// A kill right after a file has got its name, and before the journal says so.
  @Test(arguments: Launch.sizes, ["plain", "kept"])
  func aKillWhenAFileIsWhole(ranks: Int?, way: String) throws {
    let plain = try DurableJob(["durable-large", "out/x.h5", "8", way])
    defer { plain.remove() }
    #expect(try plain.run(ranks: nil, environment: ["MUSTER_JOURNAL": ""]).status == 0)
    let expected = try Data(contentsOf: URL(fileURLWithPath: plain.folder + "/out/x.h5"))
    let job = try DurableJob(plain.arguments)
    defer { job.remove() }
    let run = try job.run(ranks: ranks, environment: ["MUSTER_TEST_KILL_AT": "x.h5"])
    #expect(run.status != 0 && job.printed.isEmpty, "wasn't killed: \(job.printed)")
    #expect(FileManager.default.fileExists(atPath: job.folder + "/out/x.h5"))
    let next = try job.run(ranks: ranks)
    #expect(next.status == 0 && next.errors.contains("goes on after "), "\(next.errors)")
    #expect(job.printed == "written 3999999.0\n")
    #expect(job.notes.filter { $0.hasPrefix("chunk") } == plain.notes.filter { $0.hasPrefix("chunk") })
    #expect(try Data(contentsOf: URL(fileURLWithPath: job.folder + "/out/x.h5")) == expected)
    #expect(try FileManager.default.contentsOfDirectory(atPath: job.folder + "/out") == ["x.h5"])
  }

  /// Files and checkpoints leave no descriptors behind.
  @Test(arguments: Launch.sizes)
  func descriptorsAreClosed(ranks: Int?) throws {
    let job = try DurableJob(["durable-files", "out", "8"])
    defer { job.remove() }
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    for rank in 0..<(ranks ?? 1) {
      let counts = try (0..<8).map { round in
        let start = "descriptors \(rank) \(round) "
        return try #require(job.notes.first { $0.hasPrefix(start) }.flatMap { Int($0.dropFirst(start.count)) })
      }
      #expect(counts[7] <= counts[1], "rank \(rank): \(counts)")
    }
  }

  /// A file that was closed since nothing came for a while is written to again: there are few files, and all is in them.
  @Test(arguments: Launch.sizes)
  func slowBlocksShareFiles(ranks: Int?) throws {
    let job = try DurableJob(["durable-chain", "3", "checkpointed", "320"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "step 1", way: "late").status != 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: job.journal + ".blocks")
    let counts = Dictionary(grouping: names) { $0.split(separator: "-")[0] }.mapValues(\.count)
    // Of one process, or of two workers.
    #expect(!counts.isEmpty && counts.values.allSatisfy { $0 <= (ranks ?? 2) - 1 }, "\(names)")
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0 && !run.errors.contains("warning"), "\(run.errors)")
    #expect(job.notes.count == 3 * 4, "\(job.notes)")
    #expect(job.printed.hasSuffix("2: 8010000.0\n"), "\(job.printed)")
  }

  /// What is printed and doesn't come to disk is printed again when there is room.
  @Test(.enabled(if: MemoryDisk.isPossible), arguments: Launch.sizes, [0, 16, 40])
  func printedOnAFullDisk(ranks: Int?, free: Int) throws {
    let job = try DurableJob(["durable-chatty", "400"])
    defer { job.remove() }
    let disk = job.folder + "/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let environment = ["MUSTER_JOURNAL": disk + "/j"]
    try MemoryDisk.mounted(on: disk, options: "size=1m") {
      // Of 256 pages the journal and what else is to be there take some.
      _ = FileManager.default.createFile(atPath: disk + "/fill", contents: Data(count: (1 << 20) - (free + 12) << 10))
      let run = try job.run(ranks: ranks, environment: environment)
      #expect(run.status == 1 && run.errors.contains("[diskFull]"), "\(run.errors)")
      #expect(run.errors.contains("Free some space and start the program again"), "\(run.errors)")
      try FileManager.default.removeItem(atPath: disk + "/fill")
      let next = try job.run(ranks: ranks, environment: environment)
      #expect(next.status == 0, "\(next.errors)")
      let lines = try contents(disk + "/j.out").split(separator: "\n").map { $0.split(separator: " ")[0] }
      let steps = (0..<3).flatMap { ["step"] + (0..<100).map { "\($0)" } + ($0 == 2 ? ["step"] : []) }
      // MPICH's launcher has words of its own there.
      if Launch.isOpenMPI || ranks == nil {
        #expect(try run.output + next.output == contents(disk + "/j.out"), "\(run.output.utf8.count)")
      }
      #expect(lines.map(String.init) == (0..<400).map { "\($0)" } + steps, "\(lines.count)")
    }
  }

  /// The limit on the size of files is an error, with a journal too.
  @Test func filesMayBeLimited() throws {
    let job = try DurableJob(["durable-many", "40", "20000"])
    defer { job.remove() }
    let (status, said) = try job.run(within: "ulimit -f 1000; \"$@\"")
    #expect(status == 1 && said.contains("ulimit -f"), "\(said)")
    #expect(try job.run(ranks: nil).status == 0)
    #expect(job.printed == (0..<40).map { "\($0).0\n" }.joined())
  }

  /// A program whose standard output is closed doesn't print into its own files.
  @Test func standardOutputMayBeClosed() throws {
    let job = try DurableJob(["durable-chain", "3", "kept"])
    defer { job.remove() }
    let (status, said) = try job.run(
      within: "\"$@\" >&- <&-", environment: ["MUSTER_TRACE": "trace", "MUSTER_REPORT": "report"])
    #expect(status == 0, "\(said)")
    #expect(job.printed == "0: 8002000.0\n1: 8006000.0\n2: 8010000.0\n")
    let trace = try Data(contentsOf: URL(fileURLWithPath: job.folder + "/trace"))
    #expect(try JSONSerialization.jsonObject(with: trace) is [String: Any])
    #expect(try contents(job.folder + "/report").hasPrefix("Muster: report on"))
    let again = try job.run(ranks: nil)
    #expect(again.status == 0 && again.errors.contains("has ended already"), "\(again.errors)")
  }

  /// Of two things that go to one file one would be lost.
  @Test(arguments: [
    ("MUSTER_REPORT", "job.journal"), ("MUSTER_TRACE", "./job.journal"), ("MUSTER_REPORT", "job.journal.out"),
  ])
  func filesAreApart(variable: String, name: String) throws {
    let job = try DurableJob(["durable-chain", "3", "kept"])
    defer { job.remove() }
    #expect(try job.run(ranks: nil).status == 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: job.journal))
    let run = try job.run(ranks: nil, environment: ["MUSTER_JOURNAL": "job.journal", variable: name])
    #expect(run.status == 1 && run.errors.contains("' is both "), "\(run.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: job.journal)) == before)
  }

  /// What somebody has removed of the output is missed.
  @Test func theOutputMayBeGone() throws {
    let job = try DurableJob(["durable-chain", "3", "kept"])
    defer { job.remove() }
    #expect(try job.run(ranks: nil, stop: "step 1").status != 0)
    try FileManager.default.removeItem(atPath: job.journal + ".out")
    let next = try job.run(ranks: nil)
    #expect(next.output == "1: 8006000.0\n2: 8010000.0\n", "\(next.output)")
    #expect(
      next.status == 0 && next.errors.contains("of the 13 bytes that it has printed 13 are missing there"),
      "\(next.errors)")
  }

  /// What a run has printed anew, and nobody has read, the next one passes on.
  @Test func theOutputWasGoneAndNobodyReads() throws {
    let job = try DurableJob(["durable-chain", "6", "kept"])
    defer { job.remove() }
    let run = try job.run(ranks: nil, stop: "step 1")
    try FileManager.default.removeItem(atPath: job.journal + ".out")
    let unread = try job.run(within: "exec \"$@\" >/dev/full", environment: ["MUSTER_TEST_STOP": "step 4"])
    #expect(run.status != 0 && unread.errors.contains("are missing there"), "\(unread.errors)")
    let last = try job.run(ranks: nil)
    let lines = (0..<6).map { "\($0): " }
    #expect((run.output + last.output).split(separator: "\n").map { String($0.prefix(3)) } == lines, "\(run) \(last)")
  }

  /// What standard output doesn't take at the program's end is told, and where it is.
  @Test func standardOutputTakesNoMore() throws {
    let job = try DurableJob(["durable-chain", "3", "kept"])
    defer { job.remove() }
    let (status, said) = try job.run(within: "exec \"$@\" >/dev/full")
    #expect(status == 0 && said.contains("the last 39 bytes that the program has printed are in '"), "\(said)")
    #expect(job.printed == "0: 8002000.0\n1: 8006000.0\n2: 8010000.0\n")
  }

  /// Begun anew a program has none of its sessions' results.
  @Test(arguments: Launch.sizes)
  func allSessionsBeginAnew(ranks: Int?) throws {
    let job = try DurableJob(["durable-twice"])
    defer { job.remove() }
    let all = "session 1: 1\nend 1\nsession 2: 2\nend 2\n"
    #expect(try job.run(ranks: ranks).output == all)
    let anew = try job.run(ranks: ranks, stop: "session 1", environment: ["MUSTER_JOURNAL_START": "anew"])
    #expect(anew.status != 0, "\(anew)")
    let last = try job.run(ranks: ranks)
    #expect(last.status == 0 && last.output.hasSuffix("end 1\nsession 2: 2\nend 2\n"), "\(last)")
    // A file that another program has begun is left alone.
    let other = try DurableJob(["durable-chain", "3", "kept"])
    defer { other.remove() }
    #expect(try other.run(ranks: nil).status == 0)
    try FileManager.default.copyItem(atPath: other.journal, toPath: job.journal + ".3")
    try FileManager.default.removeItem(atPath: job.journal)
    #expect(try job.run(ranks: ranks).output == all)
    #expect(FileManager.default.contentsEqual(atPath: other.journal, andPath: job.journal + ".3"))
    // Which is the whole of it: the second one goes on where it was.
    let whole = try job.run(ranks: ranks).errors
    #expect(whole.ranges(of: "this session of the program has ended already").count == 1, "\(whole)")
    #expect(whole.ranges(of: "has ended already").count == 2, "\(whole)")
    #expect(try job.status().contains("session  the 2. of the program"))
    // With other arguments, too, which would be refused otherwise.
    let changed = try DurableJob(["durable-twice", "otherwise"])
    defer { changed.remove() }
    let itsJournal = ["MUSTER_JOURNAL": job.journal]
    let begun = try changed.run(
      ranks: ranks, stop: "session 1", environment: itsJournal.merging(["MUSTER_JOURNAL_START": "anew"]) { $1 })
    #expect(begun.status != 0)
    let ended = try changed.run(ranks: ranks, environment: itsJournal)
    #expect(ended.status == 0 && ended.output.hasSuffix("end 1\nsession 2: 2\nend 2\n"), "\(ended)")
  }

  /// A run that repeats a session that has ended is one that runs.
  @Test func aSessionThatIsRepeatedRuns() throws {
    let job = try DurableJob(["durable-twice"])
    defer { job.remove() }
    #expect(try job.run(ranks: nil, stop: "session 2").status == 128 + SIGKILL)
    #expect(try job.status().contains("state    was ended before"))
    let file = open(job.journal, O_RDWR)
    #expect(file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
    #expect(try job.status().contains("state    runs"))
    close(file)
    #expect(try job.status().contains("state    was ended before"))
  }

  /// A run that is killed while it removes them has taken nothing else away, and the next one that begins anew leaves none.
  @Test(arguments: ["job.journal.2.out", "job.journal.2", "job.journal.3"], ["", "otherwise"])
  func allSessionsBeginAnewAfterAKill(removed: String, arguments: String) throws {
    let job = try DurableJob(["durable-twice"])
    defer { job.remove() }
    #expect(try job.run(ranks: nil).status == 0)
    let later = [job.journal + ".2", job.journal + ".3"]
    try FileManager.default.copyItem(atPath: later[0], toPath: later[1])
    let other = try DurableJob(["durable-twice"] + (arguments.isEmpty ? [] : [arguments]))
    defer { other.remove() }
    let anew = ["MUSTER_JOURNAL": job.journal, "MUSTER_JOURNAL_START": "anew"]
    let killed = try other.run(ranks: nil, environment: anew.merging(["MUSTER_TEST_KILL_REMOVED": removed]) { $1 })
    #expect(killed.status == 128 + SIGKILL && killed.output == "", "\(killed)")
    #expect(!FileManager.default.fileExists(atPath: later[1]))
    // Without its output the second session's journal is nobody's any more.
    let plain = try job.run(ranks: nil)
    let isWhole = removed.hasSuffix("3")
    #expect(plain.errors.ranges(of: "has ended already").count == (isWhole ? 2 : 1), "\(plain.errors)")
    #expect(plain.status == 0 && plain.output == (isWhole ? "" : "session 2: 2\nend 2\n"), "\(plain.output)")
    let next = try other.run(ranks: nil, stop: "session 1", environment: anew)
    #expect(next.status == 128 + SIGKILL, "\(next)")
    for path in later { #expect(!FileManager.default.fileExists(atPath: path), "\(path)") }
  }

  /// A program that calls `exit` has printed what it printed, and goes on from there.
  @Test func aProgramThatExits() throws {
    let job = try DurableJob(["durable-exit"])
    defer { job.remove() }
    let run = try job.run(ranks: nil, stop: "exit")
    #expect(run.status == 3 && run.output == "first 1\n", "\(run.status) \(run.output) \(run.errors)")
    let next = try job.run(ranks: nil)
    #expect(next.status == 0 && next.output == "second 2\n", "\(next.output) \(next.errors)")
    #expect(job.printed == "first 1\nsecond 2\n")
  }

  /// Who looks at a journal keeps no run out of it, however often.
  @Test(arguments: Launch.sizes)
  func lookingKeepsNobodyOut(ranks: Int?) throws {
    let job = try DurableJob(["durable-chain", "6", "checkpointed"])
    defer { job.remove() }
    #expect(try job.run(ranks: ranks, stop: "step 0").status != 0)
    let looker = Process()
    looker.executableURL = URL(fileURLWithPath: "/bin/bash")
    looker.arguments = [
      "-c", "until [ -e \"$2\" ]; do \"$0\" status \"$1\" || exit 1; done", Launch.muster, job.journal,
      job.folder + "/enough",
    ]
    let told = job.folder + "/told"
    _ = FileManager.default.createFile(atPath: told, contents: nil)
    looker.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: told))
    looker.standardError = looker.standardOutput
    try Launch.runWithSignals(looker)
    for step in 1..<6 {
      let run = try job.run(ranks: ranks, stop: step == 5 ? "" : "step \(step)")
      #expect((run.status == 0) == (step == 5) && !run.errors.contains("in use"), "\(run.errors)")
    }
    _ = FileManager.default.createFile(atPath: job.folder + "/enough", contents: nil)
    looker.waitUntilExit()
    let said = try contents(told)
    #expect(looker.terminationStatus == 0 && said.contains("state    runs\n"), "\(said.suffix(600))")
    #expect(job.printed.hasSuffix("5: 8022000.0\n"), "\(job.printed)")
  }

  @Test(arguments: Launch.sizes)
  func whatIsNotKeptIsAnError(ranks: Int?) throws {
    let job = try DurableJob(["durable-unkept"])
    defer { job.remove() }
    let run = try job.run(ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.lines[0] == "1")
    #expect(run.lines[1].contains("can't be used in a session with a journal"), "\(run.output)")
    #expect(run.lines[1].hasSuffix("[unsupported]"), "\(run.output)")
    #expect(run.lines[2].hasPrefix("task: unsupported"), "\(run.output)")
  }

  @Test(.enabled(if: MemoryDisk.isPossible), arguments: Launch.sizes)
  func aFullDiskLeavesWhatIsWhole(ranks: Int?) throws {
    let job = try DurableJob(["durable-many", "40", "20000"])
    defer { job.remove() }
    let disk = job.folder + "/disk"
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let environment = ["MUSTER_JOURNAL": disk + "/job.journal"]
    try MemoryDisk.mounted(on: disk, options: "size=2m") {
      let run = try job.run(ranks: ranks, environment: environment)
      #expect(run.status == 1)
      #expect(run.errors.contains("can't be written: No space left on device"), "\(run.errors)")
      #expect(run.errors.contains("[diskFull]"), "\(run.errors)")
      let done = try contents(disk + "/job.journal.out").split(separator: "\n").count
      #expect((2...40).contains(done), "\(done)")
      try MemoryDisk.enlarge(disk, options: "size=16m")
      let again = try job.run(ranks: ranks, environment: environment)
      #expect(again.status == 0, "\(again.errors)")
      #expect(again.errors.contains("goes on after "), "\(again.errors)")
      #expect(try contents(disk + "/job.journal.out") == (0..<40).map { "\($0).0\n" }.joined())
    }
  }
}
