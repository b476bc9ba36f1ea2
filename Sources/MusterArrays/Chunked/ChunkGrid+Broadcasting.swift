extension ChunkGrid {
  /// A common grid for operands that broadcast to `shape`: along each axis the cuts of the operand that has all cuts of
  /// the others. Where none has, those of the operand that is cut most; or those of the largest operand, where these
  /// would shatter it.
  ///
  /// No cuts are made that no operand has: an array that is added to itself shifted, again and again, would be cut to
  /// pieces.
  static func unified(_ grids: [ChunkGrid], shape: [Int]) -> ChunkGrid {
    if grids.count == 1 || grids.allSatisfy({ $0 == grids[0] }), grids[0].shape == shape { return grids[0] }
    let byWeight = grids.sorted { $0.elementCount > $1.elementCount }
    var sizes: [[Int]] = []
    for axis in shape.indices {
      var lists: [[Int]] = []
      for grid in byWeight {
        let own = axis - (shape.count - grid.dimensions)
        guard own >= 0, grid.shape[own] == shape[axis], shape[axis] != 1 || lists.isEmpty else { continue }
        if !lists.contains(grid.sizes[own]) { lists.append(grid.sizes[own]) }
      }
      sizes.append(lists.isEmpty ? [shape[axis]] : commonSizes(lists))
    }
    return ChunkGrid(sizes: sizes)
  }

  private static func commonSizes(_ lists: [[Int]]) -> [Int] {
    guard lists.count > 1 else { return lists[0] }
    var bounds: Set<Int> = []
    for list in lists {
      var end = 0
      for size in list {
        end += size
        bounds.insert(end)
      }
    }
    let longest = lists.max { $0.count < $1.count }!
    // Of equal ones that of the largest operand, too.
    let most = longest.count == lists[0].count ? lists[0] : longest
    return bounds.count <= 2 * longest.count ? most : lists[0]
  }

  /// The grid of an operand of `shape` inside this grid, to which it broadcasts: the same cuts, stretched axes whole.
  func restricted(to shape: [Int]) -> ChunkGrid {
    let shift = dimensions - shape.count
    return ChunkGrid(sizes: shape.indices.map { shape[$0] == self.shape[$0 + shift] ? sizes[$0 + shift] : [shape[$0]] })
  }

  /// For the chunks of this grid, the numbers of the chunks of an operand's grid that broadcasts to it.
  func chunkMap(to operand: ChunkGrid) -> ChunkMap {
    let shift = dimensions - operand.dimensions
    var strides = [Int](repeating: 0, count: dimensions)
    var stride = 1
    for axis in operand.counts.indices.reversed() {
      if operand.counts[axis] > 1 { strides[axis + shift] = stride }
      stride *= operand.counts[axis]
    }
    return ChunkMap(counts: counts, strides: strides, isIdentity: operand.counts == counts)
  }
}

/// A map from the numbers of the chunks of one grid to those of another, by a stride for each axis.
struct ChunkMap: Sendable {
  var counts: [Int]
  var strides: [Int]
  var isIdentity: Bool

  /// Whether a chunk is the image of at most one other.
  var isInjective: Bool { isIdentity || zip(counts, strides).allSatisfy { $0 == 1 || $1 != 0 } }

  func callAsFunction(_ chunk: Int) -> Int {
    if isIdentity { return chunk }
    var rest = chunk
    var result = 0
    for axis in counts.indices.reversed() {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: counts[axis])
      result += remainder * strides[axis]
      rest = quotient
    }
    return result
  }
}
