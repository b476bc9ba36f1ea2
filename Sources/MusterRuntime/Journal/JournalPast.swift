internal import MusterJournal

/// What earlier runs have left in a journal, read call by call as the program comes to them. On every rank.
///
/// Not `Sendable`: used with the lock of the session's journal held.
final class JournalPast {
  private let reader: JournalReader
  private let callCount: Int
  /// How many collectives the program has come to.
  private(set) var replayedCount = 0
  private var words: [CallWords] = []
  /// The pieces that are done, by ledger.
  private(set) var pieces: [UInt32: PastPieces.Ledger] = [:]
  private(set) var lastCall: CallRecord?

  /// - Throws: `JournalFault`, where the file can't be read here.
  init(_ opening: JournalFile.Opening) throws(JournalFault) {
    reader = try JournalReader(path: opening.path, length: opening.length)
    callCount = opening.callCount
  }

  /// The program has come to all collectives that there are.
  var isOver: Bool { replayedCount == callCount }

  /// The next collective; nil where there is none.
  func next() throws(JournalFault) -> (entry: JournalReader.Entry, call: CallRecord)? {
    while let entry = try reader.next() {
      switch entry.record {
      case .words(let words): self.words.append(words)
      case .pieces(let record):
        // The program has been changed since.
        if record.total == 0 || pieces[record.ledger]?.call != record.call { pieces[record.ledger] = nil }
        guard record.total > 0 else { break }
        for piece in record.pieces {
          pieces[record.ledger, default: PastPieces.Ledger(total: record.total, call: record.call)].places[piece] =
            record.place
        }
      case .call(let call):
        replayedCount += 1
        lastCall = call
        return (entry, call)
      case .start, .run, .drained, .end, .printed, .wentOn, .failed: break
      }
    }
    return nil
  }

  /// Reads what follows the last collective.
  func readRest() throws(JournalFault) { while try next() != nil {} }

  func forgetPieces(of ledger: UInt32) { pieces[ledger] = nil }

  /// The blocks of a collective.
  func blocks(
    of entry: JournalReader.Entry, _ parts: [CallRecord.BlockParts]
  ) throws(JournalFault) -> [EncodedBlock] {
    var place = entry.bulkStart
    var blocks: [EncodedBlock] = []
    blocks.reserveCapacity(parts.count)
    for part in parts {
      var storages: [BlockStorage] = []
      for size in part.sizes {
        let storage = BlockStorage(byteCount: size)
        try reader.read(into: UnsafeMutableRawBufferPointer(start: storage.bytes, count: size), at: place)
        place += UInt64(size)
        storages.append(storage)
      }
      blocks.append(EncodedBlock(header: part.header, storages: storages))
    }
    return blocks
  }

  /// How a program differs from the one that wrote a collective.
  ///
  /// - Parameter calls: the latest calls of the program, oldest first.
  func difference(_ call: CallRecord, from calls: [CallLog.Entry]) -> String {
    let former = (try? call.calls()) ?? []
    let first = Int(call.callCount) - former.count
    let own = Dictionary(calls.map { ($0.number, $0) }) { $1 }
    for (place, entry) in former.enumerated() {
      let number = first + place
      guard let now = own[number] else {
        return "call \(number + 1) was \(text(of: entry)) then, and the program doesn't come to it: it is at "
          + (calls.last?.call.text ?? "its start")
      }
      guard now.fingerprint.low != entry.fingerprint else { continue }
      if former.count == CallLog.capacity, place == 0 {
        return "a call before call \(number + 1), \(now.call.text), isn't what it was then"
      }
      return "call \(number + 1) was \(text(of: entry)) then, and is \(now.call.text) now"
    }
    return "the program has come to \(calls.last?.call.text ?? "its start"), and had come to "
      + (former.last.map { text(of: $0) } ?? "another call") + " then"
  }

  private func text(of entry: CallEntry) -> String {
    guard words.indices.contains(Int(entry.words)) else { return "a call" }
    let words = words[Int(entry.words)]
    let site = words.file.isEmpty ? nil : CallSite(file: words.file, line: Int(words.line))
    return Call(
      operation: words.operation, shape: entry.shape, elementType: words.elementType, detail: entry.detail,
      callSite: site
    ).text
  }
}
