internal import MusterJournal

/// The pieces that earlier runs have done, as far as they are still there. A value.
struct PastPieces: Sendable {
  /// What it takes to find each piece, by ledger.
  private var pieces: [UInt32: [UInt32: [UInt8]]]
  /// How many pieces each of these ledgers has.
  private let totals: [UInt32: UInt32]
  /// Those ledgers of which some aren't there any more.
  private var diminished: Set<UInt32> = []

  init(_ past: JournalPast) {
    pieces = past.pieces
    totals = past.totals
  }

  func done(of ledger: UInt32) -> [UInt32: [UInt8]] { pieces[ledger] ?? [:] }

  /// Those that are blocks kept beside the journal, and where.
  var places: [(ledger: UInt32, piece: UInt32, place: BlockKeeper.Place)] {
    pieces.flatMap { ledger, found in
      found.compactMap { piece, bytes in BlockKeeper.Place(bytes).map { (ledger, piece, $0) } }
    }
  }

  /// What is kept in some files isn't there any more.
  mutating func forget(in files: Set<String>) {
    for (ledger, found) in pieces {
      let left = found.filter { _, bytes in BlockKeeper.Place(bytes).map { !files.contains($0.file) } ?? true }
      guard left.count < found.count else { continue }
      pieces[ledger] = left
      diminished.insert(ledger)
    }
  }

  mutating func forget(_ ledger: UInt32) { pieces[ledger] = nil }

  /// What the journal has to say for later runs of what isn't there any more: nothing of those ledgers is, but for what is
  /// left.
  var diminishedRecords: [PiecesRecord] {
    diminished.sorted().flatMap { ledger in
      [PiecesRecord(ledger: ledger, total: 0, pieces: [])]
        + done(of: ledger).map { piece, place in
          PiecesRecord(ledger: ledger, total: totals[ledger] ?? 1, pieces: [piece], place: place)
        }
    }
  }
}
