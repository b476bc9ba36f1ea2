internal import Synchronization

/// A time in nanoseconds that is still to be taken off the rests of threads.
struct LentTime: ~Copyable {
  private let time = Atomic<Int>(0)

  var left: Int { time.load(ordering: .relaxed) }
  func add(_ nanoseconds: Int) { time.add(nanoseconds, ordering: .relaxed) }

  /// Takes some off, for a rest of so many nanoseconds.
  func take(upTo most: Int) -> Int {
    var there = left
    while there > 0 {
      let taken = min(there, most)
      let (isDone, found) = time.compareExchange(expected: there, desired: there - taken, ordering: .relaxed)
      if isDone { return taken }
      there = found
    }
    return 0
  }
}
