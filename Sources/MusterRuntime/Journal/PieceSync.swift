internal import Synchronization

/// Has finished pieces made lasting, several at a time, before a ledger is told of them: a piece that is written is in the
/// kernel's memory, and outlives the process, not the machine.
package final class PieceSync: Sendable {
  private struct State {
    /// Those that the number says all of, and the others with what it takes to find them.
    var pending: [Int] = []
    var placed: [(piece: Int, place: [UInt8])] = []
  }

  private let ledger: PieceLedger
  private let sync: @Sendable () throws -> Void
  private let state = Mutex(State())
  private let delayed = DelayedFlush()

  /// - Parameter sync: Makes what was written up to now lasting. What it throws the end of the write throws too: the pieces
  ///   aren't told of.
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
  package func flush() { delayed.now { flushPending() } }

  private func flushPending() {
    let (pieces, placed) = state.withLock { state in
      defer { (state.pending, state.placed) = ([], []) }
      return (state.pending, state.placed)
    }
    guard !pieces.isEmpty || !placed.isEmpty, !ledger.hasClosed, (try? sync()) != nil else { return }
    ledger.tell(pieces)
    for (piece, place) in placed { ledger.tell([piece], place: place) }
  }
}
