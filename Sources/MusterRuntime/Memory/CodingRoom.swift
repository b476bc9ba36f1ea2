/// The room that is left to write blocks that are copied for it, or to read them back: one at a time, so as much as the
/// largest of them takes.
struct CodingRoom: Equatable, Sendable {
  private static let parts = 32
  /// Smaller blocks aren't counted.
  let unit: Int
  /// How many blocks there are of so many units, rounded up. Those below one are left out: what is free anyway is more.
  private var counts = [Int](repeating: 0, count: parts + 1)
  private(set) var byteCount = 0

  /// - Parameter limit: The process's limit, in bytes; 0 where there is none.
  init(limit: Int) { unit = max(1, limit / Self.parts) }

  /// Whether a block of which so much is copied when it is written takes room: the rest of it goes from its own memory.
  static func isNeeded(copying copiedBytes: Int, of byteCount: Int) -> Bool { copiedBytes > byteCount / 4 }

  private func place(of bytes: Int) -> Int? { bytes < unit ? nil : min(Self.parts, (bytes - 1) / unit + 1) }

  mutating func add(_ bytes: Int) {
    guard let place = place(of: bytes) else { return }
    counts[place] += 1
    byteCount = max(byteCount, place * unit)
  }

  mutating func remove(_ bytes: Int) {
    guard let place = place(of: bytes) else { return }
    counts[place] -= 1
    if counts[place] == 0, place * unit == byteCount { byteCount = (counts.lastIndex { $0 > 0 } ?? 0) * unit }
  }
}
