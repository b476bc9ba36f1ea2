import Foundation
import Testing

/// How the processes of a job go.
@Suite(.serialized)
struct DepartureTests {
  /// From the last line that the program prints. A machine that is busy with other things may be late, but not always.
  ///
  /// Open MPI's mpirun pauses for a second of its own before it kills, where it sees one rank leave with a status before
  /// another has gone. The pause is left out here: it is mpirun's, and would hide what Muster takes.
  @Test(arguments: [("return", 0), ("throw", 1), ("exit", 3)] as [(String, Int32)])
  func everyProcessIsGoneWithinASecond(way: String, status: Int32) throws {
    var best = Double.infinity
    for _ in 0..<3 where best >= 1 { best = min(best, try departure(way, status: status)) }
    #expect(best < 1)
  }

  /// Seconds from the last line that the program prints until no process of the job is left.
  private func departure(_ way: String, status: Int32) throws -> Double {
    let job = JobProcesses()
    let folder = temporaryFolder("logs")
    defer { removeFolder(folder) }
    let run = try Launch.run(
      "rank-programs", ["end", way], ranks: 3,
      environment: job.environment.merging(
        ["MUSTER_LOG_DIRECTORY": folder, "OMPI_MCA_odls_base_sigkill_timeout": "0"]) { $1 },
      limit: 30)
    let gone = job.waitUntilGone(seconds: 5)
    #expect(status == 0 ? run.status == 0 : run.endedWith(status), "\(run.status): \(run.errors)")

    let words = try [run.output] + (1..<3).map { try contents("\(folder)/rank-\($0).out") }
    let goodbyes = try words.map { text in
      try #require(text.firstMatch(of: /process (\d+) leaves at (\d+)\n$/), "\(text); \(run.errors)")
    }
    #expect(try Set(goodbyes.map { try #require(Int32($0.1)) }).isDisjoint(with: JobProcesses.running))
    let last = try #require(goodbyes.compactMap { Double($0.2) }.max())
    return gone.timeIntervalSince1970 - last / 1e9
  }

  /// What a rank sends is received before the receiver leaves the session, be it a block that nobody waits for any more:
  /// its rest would else come into memory that has been given back, or into the next session.
  @Test(arguments: ["", "100000"])
  func nothingIsOnItsWayBetweenSessions(pieceSize: String) throws {
    let run = try Launch.run(
      "rank-programs", ["leave-blocks-on-their-way", "6", "1000", "32000003"], ranks: 3,
      environment: ["MUSTER_PIECE_SIZE": pieceSize], limit: 30)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "6 sessions\n", "\(run.errors)")
  }

  /// A rank that is about to leave hears of its tasks and disks when another one has left already: it has nobody to tell.
  @Test func whatEndsBesidesTheSessionHoldsNobodyUp() throws {
    let folder = temporaryFolder("scratch")
    defer { removeFolder(folder) }
    let run = try Launch.run(
      "rank-programs", ["leave-while-busy", "150"], ranks: 3,
      environment: ["MUSTER_MEMORY_LIMIT": "80 MiB", "MUSTER_SCRATCH": folder], limit: 60)
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.output == "150 sessions\n", "\(run.errors)")
  }
}
