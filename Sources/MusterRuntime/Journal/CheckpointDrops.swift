internal import MusterScheduling
internal import Synchronization

/// On rank 0: which of what is kept beside the journal can go with the next collective. Until the journal has that, a run
/// that goes on after this one may still come to where it's needed.
final class CheckpointDrops: Sendable {
  private struct State {
    var live = LiveCheckpoints()
    /// Of which something is on disk.
    var told: Set<UInt32> = []
    var due: [UInt32] = []

    mutating func drop(_ ledgers: [UInt32]) {
      for ledger in ledgers where told.remove(ledger) != nil { due.append(ledger) }
    }
  }
  private let state = Mutex(State())

  /// Workers keep the results of a graph: see `LiveCheckpoints.submitted`.
  func submitted(_ submission: Submission, ledger: UInt32?, kept: [UInt32]) {
    guard ledger != nil || !kept.isEmpty else { return }
    state.withLock {
      $0.live.submitted(
        submission.graph, layers: submission.layers, resultCount: submission.plan.results.count, ledger: ledger,
        kept: kept)
    }
  }

  /// The program has let go of results of a graph.
  func released(_ count: Int, of graph: GraphID) {
    state.withLock { $0.drop($0.live.released(count, of: graph)) }
  }

  /// Something is on disk.
  func told(_ pieces: some Sequence<UInt32>, of ledger: UInt32) {
    state.withLock { state in
      state.told.insert(ledger)
      state.drop(state.live.told(pieces, of: ledger))
    }
  }

  /// A collective whose results were kept has ended.
  func ended(_ ledger: UInt32) { state.withLock { $0.drop([ledger]) } }

  /// What can go once the journal has the collective that is being recorded.
  func takeDue() -> [UInt32] {
    state.withLock { state in
      defer { state.due = [] }
      return state.due
    }
  }
}
