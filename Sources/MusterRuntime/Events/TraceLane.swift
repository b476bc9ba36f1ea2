internal import CLinux
internal import Glibc
internal import Synchronization

/// The events of one thread: a ring that keeps the last `capacity`. One thread writes, without a lock and without
/// waiting; any thread may read meanwhile, and then gets what wasn't overwritten while it read.
///
/// `@unchecked Sendable` is safe: the ring is memory of the lane's own, as long as it lives, and is read and written by
/// atomic words only.
package final class TraceLane: @unchecked Sendable {
  private static let words = MemoryLayout<TraceEvent>.size / 8
  private typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

  /// The recorder that the lane belongs to: addresses are used again, numbers aren't.
  let recorder: Int
  package let rank: Int32
  package let number: UInt16
  /// The thread's name.
  package let name: String
  /// How many events the ring keeps, a power of two; 0 where there was no memory for it, and all are lost.
  package let capacity: Int
  private let ring: UnsafeMutablePointer<Atomic<UInt64>>?
  /// The sums of what the thread does; nil where nobody wants them.
  let totals: ThreadTotals?
  /// How many events the writer has begun to store, and how many it has stored.
  private let begun = Atomic<Int>(0)
  private let written = Atomic<Int>(0)

  /// - Parameters:
  ///   - capacity: Rounded up to a power of two; 0 for no ring.
  ///   - counts: Whether it has totals.
  package init(recorder: Int, rank: Int32, number: UInt16, name: String, capacity: Int, counts: Bool = false) {
    precondition(Self.words * 8 == MemoryLayout<TraceEvent>.size && MemoryLayout<Words>.size == Self.words * 8)
    self.recorder = recorder
    self.rank = rank
    self.number = number
    self.name = name
    totals = counts ? ThreadTotals() : nil
    var rounded = 1
    while rounded < capacity { rounded *= 2 }
    // Pages that are never written to take no memory.
    let memory = capacity == 0 ? nil : calloc(rounded * Self.words, 8)
    ring = memory?.bindMemory(to: Atomic<UInt64>.self, capacity: rounded * Self.words)
    self.capacity = memory == nil ? 0 : rounded
  }

  deinit { free(ring) }

  /// How many events have been written, those included that were overwritten since.
  package var recorded: Int { written.load(ordering: .acquiring) }
  /// How many of them the ring has no more.
  package var lost: Int { max(0, recorded - capacity) }

  /// Adds an event. For the lane's own thread only.
  package func append(_ event: TraceEvent) {
    var event = event
    event.rank = rank
    event.thread = number
    let count = written.load(ordering: .relaxed)
    if let ring {
      let slot = ring + (count & (capacity - 1)) * Self.words
      let words = unsafeBitCast(event, to: Words.self)
      // Whoever sees one of the words that follow sees this too, and so that the slot's old event is going.
      begun.store(count + 1, ordering: .relaxed)
      atomicMemoryFence(ordering: .releasing)
      slot[0].store(words.0, ordering: .relaxed)
      slot[1].store(words.1, ordering: .relaxed)
      slot[2].store(words.2, ordering: .relaxed)
      slot[3].store(words.3, ordering: .relaxed)
      slot[4].store(words.4, ordering: .relaxed)
      slot[5].store(words.5, ordering: .relaxed)
      slot[6].store(words.6, ordering: .relaxed)
      // What follows is often a lock, which would wait for these stores, and they for memory: the ring is larger than the
      // caches that it shares with blocks. Behind the ring's end the address is wrong, once a lap, and harmless.
      clinux_prefetch_to_write(slot + 3 * Self.words)
    }
    written.store(count + 1, ordering: .releasing)
  }

  /// What the ring has of events `first` and later, oldest first, at most `limit` of them, and the number of the first of
  /// them: of those asked for that were overwritten none is there.
  package func events(from first: Int, limit: Int) -> (first: Int, events: [TraceEvent]) {
    guard let ring else { return (recorded, []) }
    let end = recorded
    let begin = max(first, end - capacity)
    var events: [TraceEvent] = []
    let count = max(0, min(limit, end - begin))
    events.reserveCapacity(count)
    for number in begin..<(begin + count) {
      let slot = ring + (number & (capacity - 1)) * Self.words
      let words: Words = (
        slot[0].load(ordering: .relaxed), slot[1].load(ordering: .relaxed), slot[2].load(ordering: .relaxed),
        slot[3].load(ordering: .relaxed), slot[4].load(ordering: .relaxed), slot[5].load(ordering: .relaxed),
        slot[6].load(ordering: .relaxed)
      )
      events.append(unsafeBitCast(words, to: TraceEvent.self))
    }
    atomicMemoryFence(ordering: .acquiring)
    let dropped = min(max(0, begun.load(ordering: .relaxed) - capacity - begin), events.count)
    events.removeFirst(dropped)
    return (begin + dropped, events)
  }
}
