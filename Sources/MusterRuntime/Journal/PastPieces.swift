internal import MusterJournal

/// The pieces that earlier runs have done, as far as they are still there. A value.
struct PastPieces: Sendable {
  struct Ledger: Sendable {
    /// How many pieces there are.
    var total: UInt32
    /// Which call they are of.
    var call: UInt64
    /// What it takes to find each.
    var places: [UInt32: [UInt8]] = [:]
  }

  private var ledgers: [UInt32: Ledger]
  /// Those ledgers of which some aren't there any more.
  private var diminished: Set<UInt32> = []

  init(_ past: JournalPast) { ledgers = past.pieces }

  /// Those of a ledger; nil where the journal has pieces of another call under its number: the program has been changed.
  func done(of ledger: UInt32, call: UInt64, total: Int) -> [UInt32: [UInt8]]? {
    guard let found = ledgers[ledger] else { return [:] }
    return found.call == call && found.total == UInt32(total) ? found.places : nil
  }

  /// Those that are blocks kept beside the journal, and where.
  var places: [(ledger: UInt32, piece: UInt32, place: BlockKeeper.Place)] {
    ledgers.flatMap { ledger, found in
      found.places.compactMap { piece, bytes in BlockKeeper.Place(bytes).map { (ledger, piece, $0) } }
    }
  }

  /// What is kept in some files isn't there any more.
  mutating func forget(in files: Set<String>) {
    for (ledger, found) in ledgers {
      let left = found.places.filter { _, bytes in BlockKeeper.Place(bytes).map { !files.contains($0.file) } ?? true }
      guard left.count < found.places.count else { continue }
      ledgers[ledger]?.places = left
      diminished.insert(ledger)
    }
  }

  mutating func forget(_ ledger: UInt32) { ledgers[ledger] = nil }

  /// What the journal has to say for later runs of what isn't there any more: nothing of those ledgers is, but for what is
  /// left.
  var diminishedRecords: [PiecesRecord] {
    diminished.sorted().flatMap { ledger in
      [PiecesRecord(forgetting: ledger)]
        + (ledgers[ledger]?.places ?? [:]).map { piece, place in
          PiecesRecord(
            ledger: ledger, total: ledgers[ledger]!.total, call: ledgers[ledger]!.call, pieces: [piece], place: place)
        }
    }
  }
}
