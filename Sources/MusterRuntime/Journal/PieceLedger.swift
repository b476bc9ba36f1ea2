internal import MusterJournal
internal import Synchronization

/// Which pieces of something large are done, such as the chunks of a file that is being written: they needn't be done again
/// by a run that goes on after this one. On every rank.
package final class PieceLedger: Sendable {
  /// The same on every rank, and in every run.
  private let number: UInt32
  private let total: Int
  /// Which call it is of.
  private let call: UInt64
  private let session: Session
  private let journal: SessionJournal
  /// What earlier runs have done, once that has been looked up.
  private let done = Mutex<[UInt32: [UInt8]]?>(nil)
  private let isClosed = Atomic(false)

  init(number: Int, total: Int, call: UInt64, session: Session, journal: SessionJournal) {
    self.number = UInt32(number)
    self.total = total
    self.call = call
    self.session = session
    self.journal = journal
  }

  /// Whether an earlier run has done a piece. Known from the moment on at which the program goes on by itself.
  package func isDone(_ piece: Int) -> Bool { place(of: piece) != nil }

  /// What `tell` was given for a piece; nil where none is done.
  package func place(of piece: Int) -> [UInt8]? {
    done.withLock { done in
      if done == nil { done = journal.donePieces(of: number, call: call, total: total) }
      return done?[UInt32(piece)]
    }
  }

  /// Some pieces are done, and outlive the machine. On any rank and thread.
  ///
  /// - Parameter place: what it takes to find them.
  package func tell(_ pieces: [Int], place: [UInt8] = []) {
    guard !isClosed.load(ordering: .relaxed), !pieces.isEmpty else { return }
    session.tell(
      PiecesRecord(
        ledger: number, total: UInt32(total), call: call, pieces: pieces.map { UInt32($0) }, place: place))
  }

  /// Has pieces made lasting where the session leaves before its work is done.
  func register(_ sync: PieceSync) {
    journal.register(self) { [weak sync] in try? sync?.flush() }
  }

  /// What earlier runs have done is lost: all has to be done again. On every rank; on rank 0 the journal says so when this
  /// returns.
  ///
  /// - Throws: `MusterError` where the journal can't be written.
  package func discard() throws {
    done.withLock { $0 = [:] }
    journal.forgetPieces(of: number)
    guard let recorder = journal.recorder else { return }
    recorder.writer.append(.pieces(PiecesRecord(forgetting: number)))
    try recorder.writer.sync()
  }

  /// On rank 0: says in the journal what the whole is to be named by, and has that, and all before it, on disk when this
  /// returns: what is named may be lost track of otherwise.
  ///
  /// - Throws: `MusterError` where the journal can't be written.
  package func tellName(_ name: UInt64) throws {
    guard let recorder = journal.recorder else { return }
    var encoder = RecordEncoder()
    encoder.put(name)
    recorder.writer.append(
      .pieces(
        PiecesRecord(
          ledger: number, total: UInt32(total), call: call, pieces: [Self.name], place: encoder.bytes)))
    try recorder.writer.sync()
  }

  /// What an earlier run has told that the whole is to be named by.
  package var name: UInt64? {
    guard let bytes = place(of: Int(Self.name)) else { return nil }
    var decoder = RecordDecoder(bytes[...])
    return try? decoder.get(UInt64.self)
  }

  /// Stands for the whole among its pieces.
  private static let name = UInt32.max

  /// Has something done on rank 0 when the program has come to its end.
  package func atEnd(_ body: @escaping @Sendable () -> Void) { journal.atEnd(body) }

  /// Whether nothing more is told.
  var hasClosed: Bool { isClosed.load(ordering: .relaxed) }

  /// All is done, or given up.
  package func close() {
    isClosed.store(true, ordering: .relaxed)
    journal.unregister(self)
    journal.forgetPieces(of: number)
  }
}

extension Session {
  /// Whether the program is told what its earlier runs got. The same on every rank between two calls.
  package var isBeingReplayed: Bool { isReplaying.load(ordering: .relaxed) }

  /// Whether the program's progress outlives it.
  package var keepsJournal: Bool { hasJournal.load(ordering: .relaxed) }

  /// A ledger of so many pieces; nil where no journal keeps one. Every rank has to make the same calls.
  package func pieceLedger(total: Int) -> PieceLedger? {
    guard hasJournal.load(ordering: .relaxed) else { return nil }
    return state.value.withLock { state in
      guard let journal = state.journal else { return nil }
      defer { state.nextLedger += 1 }
      return PieceLedger(
        number: state.nextLedger, total: total, call: state.log.fingerprint.low, session: self, journal: journal)
    }
  }

  /// Adds to the journal which pieces are done; on ranks other than 0 by way of that.
  func tell(_ pieces: PiecesRecord) {
    guard let engine = engine as? RankEngine, !isRoot else { return add(pieces) }
    engine.post(note: JournalRecord.pieces(pieces).head)
  }

  /// On rank 0.
  func add(_ pieces: PiecesRecord) {
    guard let recorder = state.value.withLock({ $0.journal?.recorder }) else { return }
    recorder.writer.append(.pieces(pieces))
    guard pieces.total > 0, let place = BlockKeeper.Place(pieces.place), !place.isShared else { return }
    keptFiles.value.withLock { $0.told(pieces.pieces, of: pieces.ledger, in: place.file) }
  }
}
