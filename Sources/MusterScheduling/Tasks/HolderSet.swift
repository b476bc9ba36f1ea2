/// The workers that hold a block which more than one holds: a bit for each worker.
struct HolderSet: Sendable {
  private var words: ContiguousArray<UInt64> = []
  private(set) var count = 0

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

  func forEach(_ body: (Int) -> Void) {
    for (number, word) in words.enumerated() {
      var rest = word
      while rest != 0 {
        body(number << 6 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }

  /// A member, another one for another `seed`: spreads the fetches of a block over its holders.
  func member(seed: Int) -> Int? {
    guard count > 0 else { return nil }
    let start = seed % words.count
    for offset in words.indices {
      let number = (start + offset) % words.count
      let word = words[number]
      guard word != 0 else { continue }
      var rest = word
      for _ in 0..<(seed % word.nonzeroBitCount) { rest &= rest - 1 }
      return number << 6 + rest.trailingZeroBitCount
    }
    return nil
  }
}
