internal import Glibc
internal import MusterScheduling
internal import Synchronization

/// What one thread has done, by operation, and for how long it has had nothing to do.
///
/// `@unchecked Sendable` is safe: the figures are atomic words in memory of its own, which one thread writes and any may
/// read; the rest is of the thread's own.
final class ThreadTotals: @unchecked Sendable {
  /// Of each operation: a line of the cache.
  private enum Field {
    static let tasks = 0
    static let failed = 1
    static let nanoseconds = 2
    static let longest = 3
    static let bytes = 4
    static let files = 5
    static let waiting = 6
    static let count = 8
  }

  /// The layers that the thread ran last, each at the place that its number's last digits give.
  private static let remembered = 64

  private let figures: UnsafeMutablePointer<Atomic<Int>>
  private let restedNanoseconds = Atomic<Int>(0)
  /// Since when it has had nothing to do; 0 where it has.
  private let restsSince = Atomic<Int>(0)
  /// For how long it has had nothing to do since its last task.
  @exclusivity(unchecked) private var restedForNext = 0
  @exclusivity(unchecked) private var layers = [Int](repeating: -1, count: remembered)
  @exclusivity(unchecked) private var operations = [Int](repeating: 0, count: remembered)

  init() {
    let words = OperationNames.capacity * Field.count
    // Pages that are never written to take no memory.
    guard let memory = calloc(words, MemoryLayout<Atomic<Int>>.stride) else {
      fatalError("there is no memory for a thread's totals")
    }
    figures = memory.bindMemory(to: Atomic<Int>.self, capacity: words)
  }

  deinit { free(figures) }

  /// A task has run. For the thread itself only.
  ///
  /// - Parameters:
  ///   - bytes: what its block holds; nil where it threw.
  ///   - operation: looks the number of the layer's operation up.
  @inline(__always)
  func ran(_ task: TaskID, nanoseconds: Int, bytes: Int?, operation: () -> Int) {
    let layer = Int(task.layer)
    let place = layer & (Self.remembered - 1)
    if layers[place] != layer {
      operations[place] = operation()
      layers[place] = layer
    }
    let line = figures + operations[place] * Field.count
    let own = OwnTimes.take()
    Self.add(1, to: line + Field.tasks)
    // Another thread has worked, or rested, while it waited.
    let nanoseconds = max(0, nanoseconds - own.waits)
    Self.add(nanoseconds, to: line + Field.nanoseconds)
    if nanoseconds > line[Field.longest].load(ordering: .relaxed) {
      line[Field.longest].store(nanoseconds, ordering: .relaxed)
    }
    if let bytes { Self.add(bytes, to: line + Field.bytes) } else { Self.add(1, to: line + Field.failed) }
    if own.files > 0 { Self.add(own.files, to: line + Field.files) }
    if restedForNext > 0 {
      Self.add(restedForNext, to: line + Field.waiting)
      restedForNext = 0
    }
  }

  /// Nobody else writes: that takes no locked instruction.
  @inline(__always)
  private static func add(_ value: Int, to word: UnsafeMutablePointer<Atomic<Int>>) {
    word.pointee.store(word.pointee.load(ordering: .relaxed) &+ value, ordering: .relaxed)
  }

  func beginRest(at now: Int) { restsSince.store(now, ordering: .relaxed) }

  /// - Parameter session: knows what MPI's thread did in this one's place.
  func endRest(at now: Int, lent session: SessionTotals) {
    let span = now - restsSince.load(ordering: .relaxed)
    restsSince.store(0, ordering: .relaxed)
    let rested = span - session.lentTasks.take(upTo: span)
    restedForNext += rested - session.lentWaits.take(upTo: rested)
    restedNanoseconds.store(restedNanoseconds.load(ordering: .relaxed) + rested, ordering: .relaxed)
  }

  /// Before its next task there was nothing to do, though it isn't this thread that rested.
  func waited(_ nanoseconds: Int) { restedForNext += nanoseconds }

  /// For how long it has had nothing to do, in nanoseconds, what is under way included.
  func rested(until now: Int) -> Int {
    let since = restsSince.load(ordering: .relaxed)
    return restedNanoseconds.load(ordering: .relaxed) + (since == 0 ? 0 : max(0, now - since))
  }

  /// What it has run, of each operation that it has run.
  func operations(named names: [String]) -> [OperationTotals] {
    names.enumerated().compactMap { number, name in
      let line = figures + number * Field.count
      guard line[Field.tasks].load(ordering: .relaxed) > 0 else { return nil }
      return OperationTotals(name) {
        $0.tasks = line[Field.tasks].load(ordering: .relaxed)
        $0.failed = line[Field.failed].load(ordering: .relaxed)
        $0.nanoseconds = line[Field.nanoseconds].load(ordering: .relaxed)
        $0.longest = line[Field.longest].load(ordering: .relaxed)
        $0.bytes = line[Field.bytes].load(ordering: .relaxed)
        $0.files = line[Field.files].load(ordering: .relaxed)
        $0.waiting = line[Field.waiting].load(ordering: .relaxed)
      }
    }
  }
}
