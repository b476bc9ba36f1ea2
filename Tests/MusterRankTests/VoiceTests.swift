import Foundation
import Testing

/// What rank 0 has printed is there, however the job ends: to the last character where the process has a say in its end,
/// else to the last whole line.
@Suite(.serialized)
struct PrintedTests {
  @Test(arguments: ["diverge", "die", "terminate", "kill", "at the end"])
  func isNotLost(end: String) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let run = try Launch.run("rank-programs", ["printed", end, file.path], ranks: 3, limit: 30)
    #expect(run.status != 0)
    let printed = try String(contentsOf: file, encoding: .utf8)
    let whole = "the first result\nand the beginning of a line"
    switch end {
    // What has begun of a line may be there too, where the C library has passed it on.
    case "kill": #expect(printed == "the first result\n" || printed == whole, "\(printed), \(run.errors)")
    case "at the end": #expect(printed == whole + ", and its end", "\(run.errors)")
    default: #expect(printed == whole, "\(run.errors)")
    }
    #expect(run.seconds < 20)
  }
}

/// Each rank takes its settings from its own environment; those that have to be the same are rank 0's.
@Suite(.serialized)
struct UnevenSettingsTests {
  @Test(arguments: [0, 1])
  func oneImpatientRankDoesNotEndTheJob(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["impatient", "\(rank)"], ranks: 3, limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "all are here\n")
  }
}

/// An error that leaves `main` outside of a session.
@Suite(.serialized)
struct ThrownTests {
  private func told(_ run: Launch) -> [String] {
    run.errors.split(separator: "\n").filter { $0.contains("muster: the program ended with the error: ") }
      .map(String.init)
  }

  @Test(arguments: ["0,1,2", "1,2"])
  func theSameErrorIsToldOnce(ranks: String) throws {
    let run = try Launch.run("rank-programs", ["thrown", ranks, "alike", "off"], ranks: 3, limit: 30)
    #expect(run.endedWith(1), "\(run.errors)")
    let prefix = ranks.hasPrefix("0") ? "" : "[rank 1] "
    #expect(told(run) == ["\(prefix)muster: the program ended with the error: Bogus(rank: nil)"], "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test(.whereOthersOutliveTheDead, arguments: ["0,1,2", "0,2", "2"])
  func whatDiffersIsToldByEach(ranks: String) throws {
    let run = try Launch.run("rank-programs", ["thrown", ranks, "differing", "off"], ranks: 3, limit: 30)
    #expect(run.endedWith(1), "\(run.errors)")
    let expected = ranks.split(separator: ",").map {
      ($0 == "0" ? "" : "[rank \($0)] ") + "muster: the program ended with the error: Bogus(rank: Optional(\($0)))"
    }
    #expect(Set(told(run)) == Set(expected) && told(run).count == expected.count, "\(run.errors)")
    #expect(run.seconds < 10)
  }

  @Test(arguments: [0, 2])
  func isToldWhereTheOthersStartAnotherSession(rank: Int) throws {
    let run = try Launch.run("rank-programs", ["thrown", "\(rank)", "differing", "on"], ranks: 3, limit: 30)
    #expect(run.status != 0)
    #expect(told(run).count == 1 && told(run)[0].contains("Bogus(rank: Optional(\(rank)))"), "\(run.errors)")
    #expect(
      run.errors.contains("rank \(rank) has come to the end of the program with an error, rank"), "\(run.errors)")
    #expect(run.seconds < 10)
  }
}

/// The deadline holds for the way from one session to the next, too.
@Suite(.serialized)
struct SessionStartTests {
  @Test(arguments: [(0, "stop"), (2, "stop"), (0, "work"), (2, "work")])
  func aRankThatDoesNotComeIsNamed(rank: Int, fate: String) throws {
    let run = try Launch.run(
      "rank-programs", ["between", "\(rank)", fate], ranks: 3, environment: ["MUSTER_PROGRESS_DEADLINE": "1.5"],
      limit: 20)
    #expect(run.status != 0)
    #expect(!run.output.contains("second"))
    #expect(run.errors.components(separatedBy: "muster: fatal").count == 2, "\(run.errors)")
    #expect(run.errors.contains("fatal: rank \(rank) (node "), "\(run.errors)")
    let time = rank == 0 ? "3.5 s" : "1.5 s"
    #expect(run.errors.contains("didn't come to the start of a session within \(time), where others"), "\(run.errors)")
    #expect(run.seconds < 20)
  }
}
