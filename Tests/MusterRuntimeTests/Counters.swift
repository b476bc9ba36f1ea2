import Synchronization

/// How many are within a stretch of code.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  func enter() { count.add(1, ordering: .sequentiallyConsistent) }
  func leave() { count.subtract(1, ordering: .sequentiallyConsistent) }
  var inside: Int { count.load(ordering: .sequentiallyConsistent) }
}

/// What was seen, in order.
final class Recorder: Sendable {
  private let list = Mutex<[Int]>([])
  func append(_ value: Int) -> Int {
    list.withLock { $0.append(value) }
    return value
  }
  var values: [Int] { list.withLock { $0 } }
}
