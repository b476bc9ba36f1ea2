internal import Synchronization

/// The totals of a session on one rank that aren't of a thread's own: few enough for a lock.
final class SessionTotals: Sendable {
  private struct State {
    var counts = RankFigures.Counts()
    var receiving = CoveredTime()
    var spilling = CoveredTime()
    /// The blocks that came, by their operations' numbers.
    var arrivals: [Int: Arrivals] = [:]
  }

  private struct Arrivals {
    var bytes = 0
    var time = CoveredTime()
  }

  private let state = Mutex(State())
  /// What MPI's thread spent in tasks while a thread rested in whose place it ran them.
  let lentTasks = LentTime()
  /// For how long there was nothing to do before such tasks: their operation's waiting, not that of a later one.
  let lentWaits = LentTime()
  let names = Mutex(OperationNames())
  private let filesBefore: FileTime.Totals

  init(rank: Int) {
    filesBefore = FileTime.now
    FileTime.watch()
    state.withLock { $0.counts.rank = rank }
  }

  deinit { FileTime.unwatch() }

  func sent(bytes: Int) {
    state.withLock {
      $0.counts.sentBlocks += 1
      $0.counts.sentBytes += bytes
    }
  }

  /// - Parameter operation: the number of the block's operation.
  func received(bytes: Int, of operation: Int, begin: Int, end: Int) {
    state.withLock {
      $0.counts.receivedBlocks += 1
      $0.counts.receivedBytes += bytes
      $0.receiving.add(from: begin, to: end)
      $0.arrivals[operation, default: Arrivals()].bytes += bytes
      $0.arrivals[operation]!.time.add(from: begin, to: end)
    }
  }

  /// What has come of each operation.
  func arrivals(named names: [String]) -> [OperationTotals] {
    state.withLock { state in
      state.arrivals.map { number, arrivals in
        OperationTotals(names[number]) {
          $0.receiving = arrivals.time.total
          $0.receivedBytes = arrivals.bytes
        }
      }
    }
  }

  func spilled(bytes: Int, begin: Int, end: Int) {
    state.withLock {
      $0.counts.spilledBlocks += 1
      $0.counts.spilledBytes += bytes
      $0.spilling.add(from: begin, to: end)
    }
  }

  func unspilled(bytes: Int, begin: Int, end: Int) {
    state.withLock {
      $0.counts.unspilledBytes += bytes
      $0.spilling.add(from: begin, to: end)
    }
  }

  /// What there is so far.
  ///
  /// - Parameters:
  ///   - start: when the session began.
  ///   - rested: for how long its threads had nothing to do.
  func counts(since start: Int, now: Int, rested: Int) -> RankFigures.Counts {
    var counts = state.withLock { state in
      var counts = state.counts
      counts.receiving = state.receiving.total
      counts.spilling = state.spilling.total
      return counts
    }
    counts.wall = now - start
    counts.waiting = max(0, rested - lentTasks.left)
    counts.files = FileTime.now - filesBefore
    counts.peakMemory = ProcessMemory.highWater ?? 0
    return counts
  }
}
