import Foundation
import MusterJournal
import Testing

/// `muster status`: what a journal says of a program.
struct StatusTests {
  private static let program = ProgramIdentity(arguments: ["heat", "--steps", "3"], byteCount: 1, checksum: 2)
  private static let run = JournalRecord.run(
    RunRecord(time: 1_700_000_000_000_000_000, host: "n17", process: 5, job: "4711", ranks: 9))
  private static let words = JournalRecord.words(
    CallWords(operation: "sum", elementType: "Double", file: "heat/main.swift", line: 12))
  private static let call = JournalRecord.call(
    CallRecord(
      time: 1_700_000_100_000_000_000, fingerprint: (1, 2), callCount: 1, outputLength: 2048, outcome: .value([]),
      calls: [CallEntry(words: 0, fingerprint: 1, shape: [], detail: "")]))

  private static func status(_ records: [JournalRecord], json: Bool = false, locked: Bool = false) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(JournalRecord.preamble + records.flatMap(\.framed)).write(to: URL(fileURLWithPath: path))
    let file = locked ? open(path, O_RDWR) : -1
    defer { if file >= 0 { close(file) } }
    if file >= 0 { #expect(flock(file, LOCK_EX | LOCK_NB) == 0) }
    let (status, output) = try Tool.run(Tool.muster, ["status", path] + (json ? ["--json"] : []))
    #expect(status == 0, "\(output)")
    return output
  }

  @Test func aJobThatDrained() throws {
    let text = try Self.status([
      .start(Self.program), Self.run, Self.words, Self.call,
      .pieces(PiecesRecord(ledger: 0, total: 8, call: 7, pieces: [1, 5])),
      .pieces(PiecesRecord(ledger: 0, total: 8, call: 7, pieces: [2])),
      .drained(DrainRecord(time: 1, reason: "SIGUSR1")),
    ])
    #expect(text.contains("program  heat --steps 3\n"), "\(text)")
    #expect(text.contains("done     1 call of the session, the last one sum at heat/main.swift:12, "), "\(text)")
    #expect(text.contains("since    3 of 8 chunks"), "\(text)")
    #expect(text.contains("runs     1, the last one on n17 (job 4711), begun "), "\(text)")
    #expect(text.contains("state    left before its work was done (SIGUSR1): waits to be started again\n"), "\(text)")
  }

  @Test func otherStates() throws {
    let begun: [JournalRecord] = [.start(Self.program), Self.run, Self.words, Self.call]
    #expect(try Self.status(begun).contains("state    was ended before its work was done"))
    #expect(try Self.status(begun, locked: true).contains("state    runs\n"))
    let ended = try Self.status(
      begun + [
        .pieces(PiecesRecord(ledger: 0, total: 8, call: 7, pieces: [1])), .end(EndRecord(time: 1, outputLength: 4096)),
      ])
    #expect(ended.contains("state    has come to its end\n") && !ended.contains("since"), "\(ended)")
    let failed = try Self.status(begun + [.failed(FailureRecord(time: 1, text: "no disk\n  fix: buy one"))])
    #expect(
      failed.contains(
        "state    ended with an error, and goes on from there when it is started again:\n         no disk\n"),
      "\(failed)")
    // A run that goes on after one that failed, or drained.
    #expect(
      try Self.status(begun + [.failed(FailureRecord(time: 1, text: "x")), Self.run]).contains("was ended before"))
    let again = try Self.status(begun + [.drained(DrainRecord(time: 1, reason: "x")), Self.run])
    #expect(again.contains("runs     2,") && again.contains("was ended"), "\(again)")
  }

  @Test func isJSONForPrograms() throws {
    let text = try Self.status([.start(Self.program), Self.run, Self.words, Self.call], json: true)
    let status = try JSONDecoder().decode(JournalStatus.self, from: Data(text.utf8))
    #expect(status.state == .interrupted && status.calls == 1 && status.lastPlace == "heat/main.swift:12")
    #expect(status.runs.count == 1 && status.runs[0].job == "4711" && status.printed == 2048)
  }

  @Test func whatIsNoJournal() throws {
    let (missing, said) = try Tool.run(Tool.muster, ["status", "/nowhere/journal"])
    #expect(missing != 0 && said.contains("there is no journal '/nowhere/journal'"), "\(said)")
    #expect(!said.contains("Usage"), "\(said)")
    let (foreign, other) = try Tool.run(Tool.muster, ["status", Tool.muster])
    #expect(foreign != 0 && other.contains("isn't a journal of Muster's"), "\(other)")
  }
}
