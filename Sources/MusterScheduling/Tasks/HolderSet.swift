/// The workers that hold a block which more than one holds: a bit for each worker. A sequence of their numbers,
/// ascending.
struct HolderSet: Sendable, Sequence {
  private var words: ContiguousArray<UInt64> = []
  private(set) var count = 0

  var underestimatedCount: Int { count }

  func contains(_ worker: Int) -> Bool {
    worker >> 6 < words.count && words[worker >> 6] & (1 << UInt64(worker & 63)) != 0
  }

  mutating func insert(_ worker: Int) {
    guard !contains(worker) else { return }
    while words.count <= worker >> 6 { words.append(0) }
    words[worker >> 6] |= 1 << UInt64(worker & 63)
    count += 1
  }

  mutating func remove(_ worker: Int) {
    guard contains(worker) else { return }
    words[worker >> 6] &= ~(1 << UInt64(worker & 63))
    count -= 1
  }

  struct Iterator: IteratorProtocol {
    fileprivate let words: ContiguousArray<UInt64>
    fileprivate var number = -1
    fileprivate var rest: UInt64 = 0

    mutating func next() -> Int? {
      while rest == 0 {
        number += 1
        guard number < words.count else { return nil }
        rest = words[number]
      }
      defer { rest &= rest - 1 }
      return number << 6 + rest.trailingZeroBitCount
    }
  }

  func makeIterator() -> Iterator { Iterator(words: words) }

  /// A member, another one for another `seed`: spreads the fetches of a block over its holders.
  func member(seed: Int) -> Int? {
    guard count > 0 else { return nil }
    let start = seed % words.count
    for offset in words.indices {
      let number = (start + offset) % words.count
      var rest = words[number]
      guard rest != 0 else { continue }
      for _ in 0..<(seed % rest.nonzeroBitCount) { rest &= rest - 1 }
      return number << 6 + rest.trailingZeroBitCount
    }
    return nil
  }
}
