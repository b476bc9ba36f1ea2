internal import MusterJournal
internal import MusterScheduling
internal import Synchronization

/// The results of a graph, as far as they are kept beside the journal: a run that goes on after this one reads them instead
/// of computing them again.
///
/// Results are kept where that costs little beside what they took to compute, or in any case where the program says so.
final class KeptResults: Sendable {
  enum Way: Sendable {
    /// Where that costs little, until the session's end.
    case future
    /// Where that costs little, until the collective has ended.
    case collective
    /// In any case, until nothing needs it any more.
    case checkpoint
  }

  /// A task that takes less isn't worth it, in nanoseconds.
  private static let shortest = 1_000_000
  /// How many bytes may be kept for each nanosecond that a task took: at a gigabyte a second, for a tenth of its time.
  private static let bytesPerNanosecond = 0.1

  let ledger: UInt32
  private let total: Int
  /// Which call they are of.
  private let call: UInt64
  private let way: Way
  private let journal: SessionJournal
  private let keeper: BlockKeeper
  /// What earlier runs have kept, once that has been looked up.
  private let known = Mutex<[UInt32: [UInt8]]?>(nil)

  init(ledger: Int, total: Int, call: UInt64, _ way: Way, journal: SessionJournal, keeper: BlockKeeper) {
    self.ledger = UInt32(ledger)
    self.total = total
    self.call = call
    self.way = way
    self.journal = journal
    self.keeper = keeper
  }

  func place(of piece: Int) -> [UInt8]? {
    known.withLock { known in
      if known == nil { known = journal.donePieces(of: ledger, call: call, total: total) }
      return known?[UInt32(piece)]
    }
  }

  /// Runs a task, or reads what it yielded in another run.
  func run(_ piece: Int, _ type: any Block.Type, _ body: () throws -> any Block) throws -> any Block {
    if let place = place(of: piece) {
      do { return try keeper.block(at: place, as: type) } catch {
        // The inputs aren't here. The next run computes it again.
        keeper.forget(ledger)
        throw error
      }
    }
    let start = MonotonicClock.nanoseconds
    let block = try body()
    let time = MonotonicClock.nanoseconds - start
    if way == .checkpoint
      || (time >= Self.shortest && Double(block.byteCount) <= Double(time) * Self.bytesPerNanosecond)
    {
      do throws(MusterError) {
        try keeper.keep(block, ledger: ledger, total: total, call: call, piece: piece, alone: way != .future)
      } catch {
        // What would only have saved time isn't worth an error.
        if way == .checkpoint { throw error }
      }
    }
    return block
  }
}

extension Plan {
  /// The results that can be kept, each task's once: their tasks by layer, with the number of the result.
  private var keepable: [Int: [UInt32: Int]] {
    var pieces: [Int: [UInt32: Int]] = [:]
    for (piece, task) in results.enumerated() where layers[Int(task.layer)].tasks.count > 0 {
      pieces[Int(task.layer), default: [:]][task.index] = piece
    }
    return pieces
  }

  /// The numbers of the results that can be kept.
  var keptPieces: Set<UInt32> { Set(keepable.values.lazy.flatMap(\.values).map { UInt32($0) }) }

  /// The same plan, whose results are kept, and not computed where they are.
  consuming func keeping(_ results: KeptResults) -> Plan {
    let pieces = keepable
    for (layer, pieces) in pieces { keep(results, layer: layer, pieces: pieces) }
    return self
  }
}
