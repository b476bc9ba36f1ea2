package import MusterScheduling
internal import Synchronization

/// On rank 0: which files of what is kept beside the journal can go, and when. A value.
///
/// What is kept of a collective is needed until that has ended; what is kept of a checkpoint as `LiveCheckpoints` says; what
/// is kept of futures stays. A file goes when the journal has the collective that came next: until then, a run that goes
/// on after this one may come to where it's needed.
package struct KeptFiles: Sendable {
  /// What nothing needs any more: a ledger, and the files of its blocks.
  package struct Unneeded: Equatable, Sendable {
    package var ledger: UInt32
    package var files: Set<String>
  }

  private var live = LiveCheckpoints()
  /// The collectives that run.
  private var running: Set<UInt32> = []
  /// By ledger.
  private var files: [UInt32: Set<String>] = [:]
  /// What earlier runs have kept of checkpoints that the program hasn't come to yet.
  private var early: [UInt32: [UInt32]] = [:]
  private var due: [Unneeded] = []
  /// Up to this one, ledgers have been given out.
  private var end: UInt32 = 0

  package init() {}

  /// How many ledgers are kept in mind; for tests.
  package var count: Int { files.count + running.count + early.count + live.count }

  /// A collective begins whose results are kept.
  package mutating func began(_ ledger: UInt32) {
    end = max(end, ledger + 1)
    running.insert(ledger)
    early[ledger] = nil
  }

  /// It has ended.
  package mutating func ended(_ ledger: UInt32) {
    running.remove(ledger)
    drop([ledger])
  }

  /// Workers keep the results of a graph: see `LiveCheckpoints.submitted`.
  package mutating func submitted(
    _ graph: GraphID, layers: Range<Int>, results: LiveCheckpoints.Results, ledger: UInt32?, kept: [UInt32]
  ) {
    live.submitted(graph, layers: layers, results: results, ledger: ledger, kept: kept)
    guard let ledger else { return }
    end = max(end, ledger + 1)
    if let pieces = early.removeValue(forKey: ledger) { drop(live.told(pieces, of: ledger)) }
  }

  /// The program has let go of results of a graph.
  package mutating func released(_ count: Int, of graph: GraphID) { drop(live.released(count, of: graph)) }

  /// A block is on disk, or some are.
  ///
  /// - Parameter file: of the ledger's own.
  package mutating func told(_ pieces: [UInt32], of ledger: UInt32, in file: String) {
    files[ledger, default: []].insert(file)
    if ledger >= end {
      early[ledger, default: []] += pieces
    } else if live.has(ledger) {
      drop(live.told(pieces, of: ledger))
    } else if !running.contains(ledger) {
      // It came to disk when nothing needed it any more.
      drop([ledger])
    }
  }

  /// Ledgers up to this one have been given out before the program goes on by itself.
  package mutating func goesOn(after ledger: UInt32) { end = max(end, ledger) }

  /// Whether what is kept of a ledger that the program has come to may be needed.
  package func mayNeed(_ ledger: UInt32) -> Bool { running.contains(ledger) || live.has(ledger) }

  /// What can go once the journal has the collective that is being recorded.
  package mutating func takeDue() -> [Unneeded] {
    defer { due = [] }
    return due
  }

  private mutating func drop(_ ledgers: [UInt32]) {
    for ledger in ledgers {
      if let names = files.removeValue(forKey: ledger) { due.append(Unneeded(ledger: ledger, files: names)) }
    }
  }
}

/// The same for a session, whose handles go on any thread.
final class SharedKeptFiles: Sendable {
  let value = Mutex(KeptFiles())
}
