/// Pieces of address space whose pages are there and in no use, in the order of their addresses. Neighbours are one
/// piece, so that what several small blocks have left serves a larger one.
package struct FreeExtents {
  package struct Extent: Equatable {
    package var start: UInt
    package var length: Int
    /// When some of it was last given back.
    package var lastUse: Int

    package init(start: UInt, length: Int, lastUse: Int) {
      (self.start, self.length, self.lastUse) = (start, length, lastUse)
    }

    var end: UInt { start + UInt(length) }
  }

  package private(set) var extents: [Extent] = []

  package init() {}

  package var oldest: Extent? { extents.min { $0.lastUse < $1.lastUse } }

  /// The first piece that begins at an address or beyond it.
  ///
  /// - Complexity: O(log n) in the number of pieces.
  private func index(from address: UInt) -> Int {
    var range = 0..<extents.count
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      range = extents[middle].start < address ? middle + 1..<range.upperBound : range.lowerBound..<middle
    }
    return range.lowerBound
  }

  /// - Complexity: O(n) in the number of pieces.
  package mutating func insert(start: UInt, length: Int, lastUse: Int) {
    var new = Extent(start: start, length: length, lastUse: lastUse)
    let next = index(from: start)
    var replaced = next..<next
    if next < extents.count, extents[next].start == new.end {
      new.length += extents[next].length
      replaced = next..<next + 1
    }
    if next > 0, extents[next - 1].end == start {
      new.start = extents[next - 1].start
      new.length += extents[next - 1].length
      replaced = next - 1..<replaced.upperBound
    }
    extents.replaceSubrange(replaced, with: CollectionOfOne(new))
  }

  /// The start of the smallest piece that is large enough, and of those the lowest one; what is left of it stays.
  package mutating func take(_ length: Int) -> UInt? {
    var best: Int?
    for (index, extent) in extents.enumerated() where extent.length >= length {
      if best.map({ extent.length < extents[$0].length }) ?? true { best = index }
    }
    guard let best else { return nil }
    let start = extents[best].start
    if extents[best].length == length {
      extents.remove(at: best)
    } else {
      extents[best].start += UInt(length)
      extents[best].length -= length
    }
    return start
  }

  /// Takes the end of the piece used longest ago: `length` bytes, or all of it where it has fewer.
  package mutating func evict(_ length: Int) -> (start: UInt, length: Int)? {
    guard let index = extents.indices.min(by: { extents[$0].lastUse < extents[$1].lastUse }) else { return nil }
    guard extents[index].length > length else {
      let extent = extents.remove(at: index)
      return (extent.start, extent.length)
    }
    extents[index].length -= length
    return (extents[index].end, length)
  }
}
