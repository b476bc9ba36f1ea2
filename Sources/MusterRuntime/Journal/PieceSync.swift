internal import Glibc
internal import Synchronization

/// Has finished pieces made lasting, several at a time, before a ledger is told of them.
///
/// A piece that is written is in the kernel's memory: it outlives the process, not the machine. Waiting for the disk after
/// each would take long, so a thread does it for those of the last tenth of a second.
package final class PieceSync: Sendable {
  private struct State {
    var pending: [Int] = []
    /// A thread is about to make them lasting.
    var hasThread = false
  }

  private static let interval: UInt32 = 100_000

  private let ledger: PieceLedger
  private let sync: @Sendable () throws -> Void
  private let state = Mutex(State())
  private let flushing = Mutex(())

  /// - Parameter sync: Makes what was written up to now lasting. What it throws the end of the write throws too: the pieces
  ///   aren't told of.
  package init(_ ledger: PieceLedger, sync: @escaping @Sendable () throws -> Void) {
    self.ledger = ledger
    self.sync = sync
    ledger.register(self)
  }

  /// A piece is written.
  package func finished(_ piece: Int) {
    let begins = state.withLock { state in
      state.pending.append(piece)
      defer { state.hasThread = true }
      return !state.hasThread
    }
    guard begins else { return }
    SystemThread.start(name: "muster-pieces") {
      usleep(Self.interval)
      self.state.withLock { $0.hasThread = false }
      self.flush()
    }
  }

  /// Makes what is written lasting now, and tells of it.
  package func flush() {
    // Who comes second waits: what the first one has taken is told of when this returns.
    flushing.withLock { _ in
      let pieces = state.withLock { state in
        defer { state.pending = [] }
        return state.pending
      }
      guard !pieces.isEmpty, !ledger.hasClosed, (try? sync()) != nil else { return }
      ledger.tell(pieces)
    }
  }
}
