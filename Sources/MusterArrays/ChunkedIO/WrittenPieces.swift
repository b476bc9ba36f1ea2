import MusterRuntime

/// Which chunks of a dataset that is being written are on disk, for a run that goes on after this one.
struct WrittenPieces: Sendable {
  private let ledger: PieceLedger
  private let sync: PieceSync
  /// The number of the dataset's first chunk among those of all datasets.
  private var first = 0

  init(_ ledger: PieceLedger, of target: HDF5WriteTarget) {
    self.ledger = ledger
    sync = PieceSync(ledger) { try target.sync() }
  }

  /// The same for the dataset whose first chunk has a number.
  func from(_ first: Int) -> WrittenPieces {
    var copy = self
    copy.first = first
    return copy
  }

  /// Whether an earlier run has written a chunk.
  func isDone(_ chunk: Int) -> Bool { ledger.isDone(first + chunk) }

  /// Where what an earlier run has compressed of a chunk is; nil where it hasn't.
  ///
  /// - Throws: `MusterError` with code `damagedFile`.
  func chunks(of chunk: Int) throws(MusterError) -> SpooledChunks? {
    guard let bytes = ledger.place(of: first + chunk) else { return nil }
    guard let chunks = SpooledChunks(bytes: bytes) else {
      throw MusterError(
        .damagedFile, "the journal says of a compressed chunk where it is in a way that nobody understands",
        fix: "Set MUSTER_JOURNAL_START=anew to discard what it holds")
    }
    return chunks
  }

  /// Makes what is written lasting now.
  ///
  /// - Throws: what that, or an attempt before, has thrown: the system says it once.
  func flush() throws { try sync.flush() }

  /// A chunk is written.
  func finished(_ chunk: Int) { sync.finished(first + chunk) }

  /// What was compressed of a chunk is written.
  func finished(_ chunk: Int, _ chunks: SpooledChunks) { sync.finished(first + chunk, place: chunks.bytes) }
}
