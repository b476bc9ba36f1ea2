import Foundation
import Testing

extension Trait where Self == ConditionTrait {
  /// For tests with blocks of 2 GiB, of which several ranks hold copies.
  fileprivate static var whereMemoryIsAvailable: Self {
    .enabled("blocks of 2 GiB and their copies take up to 8 GB; less than 10 GB of memory are available") {
      let available = try contents("/proc/meminfo").firstMatch(of: /MemAvailable: +(\d+) kB/)
      return available.flatMap { Int($0.1) }.map { $0 >= 10_000_000 } ?? true
    }
  }
}

/// One after another: each starts several processes.
@Suite(.serialized)
struct SessionTests {
  @Test(arguments: [nil, 2, 3, 5] as [Int?])
  func reportsItsRanksAndSpeaksOnce(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["report"], ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    let workers = ranks.map { $0 - 1 } ?? 1
    #expect(run.lines.count == 4, "\(run.output)")
    #expect(run.output.contains("ranks \(ranks ?? 1) workers \(workers) "))
    #expect(run.output.contains("rank 0 isRoot true"))
    #expect(run.output.contains("value [1.5, inf, -0.0]"))
    #expect(run.errors.contains("rank 0 speaks\n"))
    for rank in 1..<max(1, ranks ?? 1) {
      #expect(run.errors.contains("[rank \(rank)] rank \(rank) speaks\n"), "\(run.errors)")
    }
  }

  @Test func otherRanksOutputGoesToLogs() throws {
    let folder = temporaryFolder("logs")
    defer { removeFolder(folder) }
    let run = try Launch.run("rank-programs", ["report"], ranks: 3, environment: ["MUSTER_LOG_DIRECTORY": folder])
    #expect(run.status == 0, "\(run.errors)")
    #expect(try contents("\(folder)/rank-2.out").contains("rank 2 isRoot false"))
    // Hash order is the same on every rank.
    let order = try #require(run.lines.first { $0.hasPrefix("order") })
    #expect(try contents("\(folder)/rank-1.out").contains(order))
    #expect(try contents("\(folder)/rank-2.out").contains(order))
  }

  @Test(arguments: [nil, 2, 3, 4] as [Int?])
  func sums(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["sum", "20000"], ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "sum 199990000\n")
  }

  /// Closures in a program's `main` are the main actor's, and check that they are called there.
  @Test(arguments: Launch.sizes)
  func theProgramStaysOnTheMainActor(ranks: Int?) throws {
    let folder = temporaryFolder("main-actor")
    defer { removeFolder(folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let run = try Launch.run("rank-programs", ["main-actor", folder], ranks: ranks)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "sorted [1.0, 2.0, 3.0]\ntotal 78\nfailed [true]\n", "\(run.output)")
  }

  /// The worker that came first has more than it can run; the other gets that while all tasks still run.
  @Test func longTasksAreMovedToWhoComesLate() throws {
    let run = try Launch.run("rank-programs", ["long"], ranks: 3, environment: ["MUSTER_THREADS": "20"])
    let milliseconds = try #require(run.output.firstMatch(of: /milliseconds (\d+)/).flatMap { Int($0.1) }, "\(run)")
    #expect(milliseconds < 1800)
  }

  @Test func quickRanksMayBeAhead() throws {
    let run = try Launch.run("rank-programs", ["quick", "400"], ranks: 4, limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "bytes \(400 * 240_000 + 80)\n")
  }

  @Test func synchronousRunsOnTheCallingThread() throws {
    let run = try Launch.run("rank-programs", ["sum", "1000"], environment: ["MUSTER_BACKEND": "synchronous"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "sum 499500\n")
  }

  // Lengths that no power of two divides; the long ones go in pieces of 1 GiB.

  @Test func blocksCrossBetweenWorkers() throws { try blocksCross(bytes: (5 << 20) + 3) }

  @Test(.whereMemoryIsAvailable) func longBlocksCrossBetweenWorkers() throws {
    try blocksCross(bytes: (2 << 30) + (100 << 20) + 3)
  }

  /// A block crosses between workers: whole, in its pieces.
  private func blocksCross(bytes: Int) throws {
    let run = try RankOutputs.run("rank-programs", ["bulk", "\(bytes)"], ranks: 3)
    #expect(run.ranks.allSatisfy { $0.first == "2 blocks of \(bytes) bytes are right" }, "\(run.ranks)")
    // One of the two blocks went from one worker to the other, and none to rank 0.
    let pieces = (bytes + (1 << 30) - 1) >> 30
    let crossed = "block bytes \(bytes) block pieces \(pieces)"
    #expect(run.ranks[1...].filter { $0.contains(crossed) }.count == 1, "\(run.ranks)")
    #expect(run.ranks[0].contains("block bytes 0 block pieces 0"))
  }

  @Test func resultsComeToEveryRank() throws { try resultsCome(bytes: (5 << 20) + 3, ranks: 4) }

  /// Two ranks: the memory is four times the result.
  @Test(.whereMemoryIsAvailable) func longResultsComeToEveryRank() throws {
    try resultsCome(bytes: (2 << 30) + 3, ranks: 2)
  }

  /// A result comes to every rank by broadcast.
  private func resultsCome(bytes: Int, ranks: Int) throws {
    let run = try RankOutputs.run("rank-programs", ["result", "\(bytes)"], ranks: ranks)
    #expect(run.ranks.allSatisfy { $0.first == "the result of \(bytes) bytes is right" }, "\(run.ranks)")
    let pieces = (bytes + (1 << 30) - 1) >> 30
    #expect(run.ranks.allSatisfy { $0.contains("broadcast pieces \(pieces) packet pieces 0") }, "\(run.ranks)")
  }

  /// With short pieces little data goes the way of much: blocks, results and packets in every direction.
  @Test(arguments: [1000, 4096])
  func everythingComesWholeInPieces(size: Int) throws {
    let run = try RankOutputs.run(
      "rank-programs", ["pieces"], ranks: 3, environment: ["MUSTER_PIECE_SIZE": "\(size)"])
    #expect(run.ranks.allSatisfy { $0.first == "every piece is right" }, "\(run.ranks)")
    func pieces(_ bytes: [Int]) -> Int { bytes.reduce(0) { $0 + ($1 + size - 1) / size } }
    // What a block of the program consists of; short parts of a result go in the packet.
    let crossed = "block bytes \(70_001 + 3 + 16_385) block pieces \(pieces([70_001, 3, 16_385]))"
    #expect(run.ranks[1...].filter { $0.contains { $0.hasPrefix(crossed) } }.count == 1, "\(run.ranks)")
    let broadcast = "broadcast pieces \(2 * pieces([70_001, 16_385])) "
    for lines in run.ranks {
      let line = try #require(lines.first { $0.hasPrefix(broadcast) }, "\(run.ranks)")
      let packets = try #require(line.split(separator: " ").last.flatMap { Int($0) })
      #expect(packets > 20, "\(run.ranks)")
    }
  }

  /// A worker is handed no more blocks to make than its limit leaves room for: 16 of 1 MiB at the mark, and what is
  /// released lives until the worker hears of it.
  @Test func workersStayWithinTheirMemoryLimit() throws {
    func peak(_ limit: String) throws -> Int {
      let run = try RankOutputs.run(
        "rank-programs", ["memory", "300"], ranks: 2,
        environment: ["MUSTER_MEMORY_LIMIT": limit, "MUSTER_THREADS": "3"])
      return try #require(run.ranks[1].first?.split(separator: " ").last.flatMap { Int($0) }, "\(run.ranks)")
    }
    #expect(try peak("20M") <= 40)
    #expect(try peak("20G") > 100)
  }

  /// What a batch system gave each rank, in the variables of Slurm and of PBS. Those of PBS mean nothing outside of a job.
  @Test(arguments: [
    (["SLURM_CPUS_PER_TASK": "57"], true), (["PBS_JOBID": "1", "NCPUS": "57"], true),
    (["PBS_JOBID": "1", "OMP_NUM_THREADS": "57"], true), (["NCPUS": "57"], false), (["OMP_NUM_THREADS": "57"], false),
  ])
  func theBatchSystemSaysHowManyThreads(variables: [String: String], isHeeded: Bool) throws {
    for ranks in [nil, 2] as [Int?] {
      let run = try Launch.run(
        "rank-programs", ["report"], ranks: ranks, environment: variables.merging(["MUSTER_THREADS": ""]) { $1 })
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains(" threads 57\n") == isHeeded, "\(variables): \(run.output)")
      let set = try Launch.run(
        "rank-programs", ["report"], ranks: ranks, environment: variables.merging(["MUSTER_THREADS": "5"]) { $1 })
      #expect(set.output.contains(" threads 5\n"), "\(variables): \(set.output)")
    }
  }

  @Test func settingsThatMakeNoSenseAreNamed() throws {
    for (name, value, hint) in [
      ("MUSTER_BACKEND", "gpu", "threads, synchronous, mpi"), ("MUSTER_THREADS", "many", "whole number"),
      ("MUSTER_THREADS", "0", "from 1 to 4096"), ("MUSTER_PROGRESS_DEADLINE", "-1", "seconds"),
      ("MUSTER_PROGRESS", "loud", "bar, lines, none"), ("MUSTER_PIECE_SIZE", "0", "whole number of bytes"),
    ] {
      let run = try Launch.run("rank-programs", ["report"], environment: [name: value])
      #expect(run.status == 1)
      #expect(run.errors.contains(hint) && run.errors.contains(value), "\(run.errors)")
    }
    let alone = try Launch.run("rank-programs", ["report"], environment: ["MUSTER_BACKEND": "mpi"])
    #expect(alone.status == 1 && alone.errors.contains("mpirun or srun"), "\(alone.errors)")
    let threads = try Launch.run("rank-programs", ["report"], ranks: 2, environment: ["MUSTER_BACKEND": "threads"])
    #expect(threads.status != 0 && threads.errors.contains("one process only"), "\(threads.errors)")
  }

  /// `srun` without PMI starts processes that don't know of each other: each would do the whole job.
  @Test func singletonsUnderSrunAreRefused() throws {
    let run = try Launch.run(
      "rank-programs", ["report"], environment: ["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "4"])
    #expect(run.status == 1)
    #expect(run.errors.contains("srun --mpi=pmix"), "\(run.errors)")
  }

  /// mpirun under Slurm gives every rank SLURM_PROCID=0: the rank is MPI's.
  @Test func theRankIsNeverTakenFromSlurm() throws {
    let run = try Launch.run(
      "rank-programs", ["sum", "1000"], ranks: 3, environment: ["SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "sum 499500\n")
  }
}
