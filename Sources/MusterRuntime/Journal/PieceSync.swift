internal import Synchronization

/// Has finished pieces made lasting, several at a time, before a ledger is told of them: a piece that is written is in the
/// kernel's memory, and outlives the process, not the machine.
package final class PieceSync: Sendable {
  private struct State {
    /// Those that the number says all of, and the others with what it takes to find them.
    var pending: [Int] = []
    var placed: [(piece: Int, place: [UInt8])] = []
    /// What was written isn't all on disk, and won't be.
    var failure: (any Error)?
  }

  private let ledger: PieceLedger
  private let sync: @Sendable () throws -> Void
  private let state = Mutex(State())
  private let delayed = DelayedFlush()

  /// - Parameter sync: Makes what was written up to now lasting.
  package init(_ ledger: PieceLedger, sync: @escaping @Sendable () throws -> Void) {
    self.ledger = ledger
    self.sync = sync
    ledger.register(self)
  }

  /// A piece is written.
  ///
  /// - Parameter place: what it takes to find it, where its number doesn't say that.
  package func finished(_ piece: Int, place: [UInt8] = []) {
    state.withLock { state in
      if place.isEmpty { state.pending.append(piece) } else { state.placed.append((piece, place)) }
    }
    delayed.request { self.flushPending() }
  }

  /// Makes what is written lasting now, and tells of it.
  ///
  /// - Throws: what that, or an attempt before it, has thrown. The system says only once that something didn't come to disk.
  package func flush() throws {
    delayed.now { flushPending() }
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }

  private func flushPending() {
    let (pieces, placed, failure) = state.withLock { state in
      defer { (state.pending, state.placed) = ([], []) }
      return (state.pending, state.placed, state.failure)
    }
    guard !pieces.isEmpty || !placed.isEmpty, !ledger.hasClosed, failure == nil else { return }
    do { try sync() } catch {
      state.withLock { $0.failure = error }
      return
    }
    ledger.tell(pieces)
    for (piece, place) in placed { ledger.tell([piece], place: place) }
  }
}
