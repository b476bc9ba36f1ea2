import Foundation
import Testing

/// A job that is killed at any instant, and started again until it ends, prints and writes the same as an undisturbed one.
/// `MUSTER_KILLS` says how many kills (`make test-kill` has 200, of a job of 20 s); each is at an instant that its seed says.
@Suite(.serialized)
struct KillTests {
  private static let kills = ProcessInfo.processInfo.environment["MUSTER_KILLS"].flatMap { Int($0) } ?? 6
  private static let firstSeed = ProcessInfo.processInfo.environment["MUSTER_KILL_SEED"].flatMap { UInt64($0) } ?? 1
  /// A round takes some four seconds.
  private static let rounds = ProcessInfo.processInfo.environment["MUSTER_KILL_ROUNDS"].flatMap { Int($0) } ?? 2
  /// Each task of the job takes so long.
  private static let milliseconds = 100

  private struct Result: Equatable {
    var printed: String
    var files: [Data]

    init(_ job: DurableJob, printed: String) throws {
      self.printed = printed
      files = try (0..<rounds).flatMap { round in
        try ["field", "written"].map {
          try Data(contentsOf: URL(fileURLWithPath: "\(job.folder)/out/\($0)-\(round).h5"))
        }
      }
    }
  }

  private static func job() throws -> DurableJob {
    try DurableJob(["durable-job", "out", "\(rounds)", "\(milliseconds)"])
  }

  /// How many times each task has ended.
  private static func ends(_ job: DurableJob) -> [String: Int] {
    job.notes.filter { $0.hasPrefix("done") }.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  @Test func aJobThatIsKilledAgainAndAgainLosesNothing() throws {
    let plain = try Self.job()
    defer { plain.remove() }
    let undisturbed = try plain.run(ranks: 3, environment: ["MUSTER_JOURNAL": ""])
    try #require(undisturbed.status == 0, "\(undisturbed.errors)")
    let expected = try Result(plain, printed: undisturbed.output)
    let length = undisturbed.seconds

    var seed = Self.firstSeed
    var losses: [Double] = []
    while losses.count < Self.kills {
      let job = try Self.job()
      defer { job.remove() }
      var story: [String] = []
      while true {
        var random = Seeded(seed: seed)
        // Some come before the job has begun, and some when it's over.
        let delay = Double.random(in: 0...0.7 * length, using: &random)
        let victim = ["rank 0", "rank 1", "rank 2", "all"].randomElement(using: &random)!
        let before = Self.ends(job)
        let run = try job.runAndKill(victim, after: delay, ranks: 3)
        story.append("seed \(seed): \(victim) after \(delay) s, status \(run.status)")
        seed += 1
        // What had ended before this run, and was done again in it.
        let again = Self.ends(job).reduce(0) { sum, task in
          sum + (before[task.key].map { former in task.value - former } ?? 0)
        }
        if story.count > 1 { losses.append(Double(again * Self.milliseconds) / 1000) }
        #expect(Double(again * Self.milliseconds) <= 1000, "\(again) tasks again; \(story)")
        if run.status == 0 { break }
        try #require(story.count < 60, "the job doesn't come to its end: \(story)")
      }
      let result = try Result(job, printed: job.printed)
      #expect(result.printed == expected.printed, "\(story)")
      #expect(result.files == expected.files, "\(story)")
      #expect(!FileManager.default.fileExists(atPath: job.journal + ".blocks"))
      let left = try FileManager.default.contentsOfDirectory(atPath: job.folder + "/out").filter {
        $0.hasSuffix(".partial")
      }
      #expect(left.isEmpty, "\(left)")
    }
    losses.sort()
    print("kills \(losses.count), done again: median \(losses[losses.count / 2]) s, most \(losses.last ?? 0) s")
  }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers for the same seed.
private struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension DurableJob {
  /// Runs the job, and kills one of its ranks, or all and the launcher, some time after the start. A job that has ended by
  /// then isn't.
  fileprivate func runAndKill(_ victim: String, after delay: Double, ranks: Int) throws -> Launch {
    let known = pids(ranks).count
    return try run(ranks: ranks) { launcher in
      let start = Date()
      while launcher.isRunning && Date().timeIntervalSince(start) < delay { usleep(2000) }
      guard launcher.isRunning else { return }
      let own = pids(ranks).dropFirst(known)
      switch victim {
      case "all":
        // None has the time to look after the others.
        kill(launcher.processIdentifier, SIGKILL)
        for (_, pid) in own { kill(pid, SIGKILL) }
      default:
        for (rank, pid) in own where victim == "rank \(rank)" { kill(pid, SIGKILL) }
        // Before the ranks have said who they are there is only the launcher.
        if own.isEmpty { kill(launcher.processIdentifier, SIGKILL) }
      }
    }
  }

  /// The ranks of all runs, as they have said.
  private func pids(_ ranks: Int) -> [(rank: Int, pid: Int32)] {
    ((try? contents(folder + "/notes")) ?? "").split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 3, words[0] == "pid", let rank = Int(words[1]), let pid = Int32(words[2]) else { return nil }
      return (rank, pid)
    }
  }
}
