import Foundation
import MusterJournal
import Testing

@Suite struct JournalScanTests {
  private static let program = ProgramIdentity(arguments: ["a", "b c", ""], byteCount: 7, checksum: 9)

  private static func call(_ number: UInt64, fails: Bool = false) -> JournalRecord {
    .call(
      CallRecord(
        time: number, fingerprint: (number, number + 1), callCount: number, outputLength: 10 * number,
        outcome: fails ? .failure([1]) : .value([1, 2, 3]),
        calls: [CallEntry(words: 0, fingerprint: number, shape: [3, 4], detail: "d")]))
  }

  private static let words = JournalRecord.words(
    CallWords(operation: "sum", elementType: "Double", file: "main.swift", line: 3))

  private static func file(_ bytes: [UInt8]) throws -> String {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("journal-\(UUID().uuidString)").path
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  private static func scan(_ bytes: [UInt8]) throws -> JournalScan {
    let path = try file(bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try JournalScan(path: path)
  }

  @Test func readsWhatWasWritten() throws {
    let records: [JournalRecord] = [
      .start(Self.program), .run(RunRecord(time: 5, host: "n1", process: 6, job: "", ranks: 3)), Self.words,
      Self.call(4), .pieces(PiecesRecord(ledger: 2, total: 9, call: 7, pieces: [1, 8], place: [7])),
      .drained(DrainRecord(time: 8, reason: "SIGUSR1")), .failed(FailureRecord(time: 8, text: "no")),
      .end(EndRecord(time: 9, outputLength: 99)),
    ]
    let bytes = JournalRecord.preamble + records.flatMap(\.framed)
    let path = try Self.file(bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let reader = try JournalReader(path: path)
    for record in records { #expect(try reader.next()?.record == record) }
    #expect(try reader.next() == nil)
    let scan = try JournalScan(path: path)
    #expect(scan.program == Self.program)
    #expect(scan.length == UInt64(bytes.count))
    #expect(scan.cutBytes == 0)
    #expect(scan.callCount == 1)
    #expect(scan.runs.map(\.host) == ["n1"])
    #expect(scan.pieces[2]?.total == 9)
    #expect(scan.pieces[2]?.done == [1, 8])
    #expect(scan.outputLength == 99)
    #expect(scan.end?.time == 9)
    #expect(scan.lastCall?.time == 4)
    #expect(scan.lastCall?.words?.operation == "sum")
    #expect(scan.lastCall?.words?.line == 3)
  }

  @Test func cutsATornTailOffWhereverItIsTorn() throws {
    let kept = JournalRecord.preamble + [.start(Self.program), Self.words, Self.call(1)].flatMap(\.framed)
    let last = Self.call(2).framed
    for count in 0..<last.count {
      let scan = try Self.scan(kept + last.prefix(count))
      #expect(scan.length == UInt64(kept.count), "\(count) bytes of the last record")
      #expect(scan.cutBytes == UInt64(count))
      #expect(scan.callCount == 1)
    }
  }

  @Test func stopsAtADamagedByteWhereverItIs() throws {
    let kept = JournalRecord.preamble + [.start(Self.program), Self.words, Self.call(1)].flatMap(\.framed)
    let last = Self.call(2).framed
    for place in last.indices {
      var bytes = kept + last + Self.call(3).framed
      bytes[kept.count + place] ^= 0x10
      let scan = try Self.scan(bytes)
      #expect(scan.length == UInt64(kept.count), "byte \(place) of the record")
      #expect(scan.callCount == 1)
    }
  }

  @Test func stopsAtADamagedBlock() throws {
    let kept = JournalRecord.preamble + JournalRecord.start(Self.program).framed
    let record = JournalRecord.call(
      CallRecord(
        time: 1, fingerprint: (1, 2), callCount: 1, outputLength: 0,
        outcome: .blocks([CallRecord.BlockParts(header: [5], sizes: [300_000])]), calls: []))
    var bulk = [UInt8](repeating: 3, count: 300_000)
    let frame = RecordFrame(
      kind: record.kind.rawValue, head: record.head, bulkBytes: 300_000, bulkChecksum: Checksum.of(bulk[...]))
    #expect(try Self.scan(kept + frame.bytes + record.head + bulk).callCount == 1)
    bulk[290_000] ^= 1
    #expect(try Self.scan(kept + frame.bytes + record.head + bulk).callCount == 0)
  }

  @Test func zerosAreNoRecord() throws {
    let kept = JournalRecord.preamble + JournalRecord.start(Self.program).framed
    #expect(try Self.scan(kept + [UInt8](repeating: 0, count: 4096)).length == UInt64(kept.count))
  }

  /// A program that ended with an error is to make the call again; one that went on after an error had caught it.
  @Test func cutsOffTheErrorsThatTheLastRunEndedWith() throws {
    let kept = JournalRecord.preamble + [.start(Self.program), Self.words, Self.call(1)].flatMap(\.framed)
    let pieces = JournalRecord.pieces(PiecesRecord(ledger: 0, total: 3, call: 7, pieces: [2])).framed
    let failed = Self.call(2, fails: true).framed
    #expect(try Self.scan(kept + pieces + failed).length == UInt64(kept.count + pieces.count))
    #expect(try Self.scan(kept + pieces + failed).pieces[0]?.done == [2])
    #expect(try Self.scan(kept + failed + Self.call(3, fails: true).framed).callCount == 1)
    #expect(try Self.scan(kept + failed + Self.call(3).framed).callCount == 3)
    // What follows an error that was caught stays, a later error doesn't.
    let wentOn = JournalRecord.wentOn.framed
    // How the run ended is known all the same.
    let drained = try Self.scan(kept + failed + JournalRecord.drained(DrainRecord(time: 8, reason: "SIGUSR1")).framed)
    #expect(drained.callCount == 1 && drained.drain?.reason == "SIGUSR1")
    let ended = try Self.scan(kept + failed + JournalRecord.failed(FailureRecord(time: 8, text: "no")).framed)
    #expect(ended.callCount == 1 && ended.failure?.text == "no")
    #expect(try Self.scan(kept + failed + wentOn + pieces + Self.call(3, fails: true).framed).callCount == 2)
    #expect(try Self.scan(kept + failed + wentOn + pieces).pieces[0]?.done == [2])
    #expect(try Self.scan(kept + failed + JournalRecord.end(EndRecord(time: 1, outputLength: 0)).framed).callCount == 2)
  }

  @Test func otherFilesAreNoJournals() throws {
    #expect(throws: JournalFault.foreign) { try Self.scan(Array("a file of somebody else's, and longer".utf8)) }
    #expect(throws: JournalFault.foreign) { try Self.scan([1]) }
    #expect(throws: JournalFault.version(9)) {
      try Self.scan(Array("MUSTERJL".utf8) + [9, 0, 0, 0, 0, 0, 0, 0])
    }
    #expect(throws: JournalFault.missing) { try JournalScan(path: "/nowhere/journal") }
  }

  @Test func aCountBeyondItsRecordIsDamage() {
    var encoder = RecordEncoder()
    encoder.put(UInt32.max)
    #expect(throws: JournalFault.damaged) {
      try JournalRecord(kind: JournalRecord.Kind.start.rawValue, head: encoder.bytes[...])
    }
    #expect(throws: JournalFault.damaged) { try JournalRecord(kind: 77, head: [][...]) }
  }
}
