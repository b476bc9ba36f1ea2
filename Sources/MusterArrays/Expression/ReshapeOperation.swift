internal import MusterRuntime

/// The same elements in the same row-major order, in another shape.
///
/// The axes of both shapes fall into groups of equal element counts. In a group of more than one axis, the result's
/// chunks are ranges of the group's order, about as long as the operand's chunks: blocks never grow, however the
/// operand is cut, and where the operand's chunks are such ranges already they become the result's without a copy.
struct ReshapeOperation: ArrayOperation {
  var operand: ArrayExpression
  var groups: [(source: Range<Int>, result: Range<Int>)]

  var name: String { "reshape" }
  var operands: [ArrayExpression] { [operand] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    try lowering.gather(
      operand, Gather(from: operand.grid, to: node.grid, groups: groups), grid: node.grid, name: "reshape")
  }

  /// The smallest groups of consecutive axes with equal element counts. Axes of length 1 join the group before them.
  static func groups(from source: [Int], to result: [Int]) -> [(source: Range<Int>, result: Range<Int>)] {
    guard !source.contains(0), !source.isEmpty, !result.isEmpty else { return [(0..<source.count, 0..<result.count)] }
    var groups: [(source: Range<Int>, result: Range<Int>)] = []
    var (i, j) = (0, 0)
    while i < source.count, j < result.count {
      let (i0, j0) = (i, j)
      var (a, b) = (source[i], result[j])
      i += 1
      j += 1
      while a != b {
        if a < b {
          a *= source[i]
          i += 1
        } else {
          b *= result[j]
          j += 1
        }
      }
      groups.append((i0..<i, j0..<j))
    }
    // What is left on either side has length 1.
    if let last = groups.popLast() {
      groups.append((last.source.lowerBound..<source.count, last.result.lowerBound..<result.count))
    }
    return groups
  }

  static func grid(
    from source: ChunkGrid, to shape: [Int], groups: [(source: Range<Int>, result: Range<Int>)]
  ) -> ChunkGrid {
    var sizes: [[Int]] = []
    for group in groups {
      if group.source.count == 1, group.result.count == 1 {
        sizes.append(source.sizes[group.source.lowerBound])
      } else {
        sizes += chunkSizes(
          ChunkGrid(sizes: group.source.map { source.sizes[$0] }), shape: group.result.map { shape[$0] })
      }
    }
    return ChunkGrid(sizes: sizes)
  }

  /// Chunks of `shape`, each a range of its row-major order, to hold the elements of a grid of other axes.
  private static func chunkSizes(_ source: ChunkGrid, shape: [Int]) -> [[Int]] {
    guard !shape.isEmpty else { return [] }
    guard source.elementCount > 0 else { return shape.map { [$0] } }
    let target = source.largestChunk
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    // The axis that is cut: those before it go one by one, those behind it stay whole.
    let cut = strides.firstIndex { $0 <= target } ?? shape.count - 1
    var sizes = shape.enumerated().map { axis, length in
      axis < cut ? Array(repeating: 1, count: length) : [length]
    }
    if cut == 0, let bounds = source.linearBounds {
      // The operand's own cuts, so far as they fall between elements of the cut axis.
      var previous = 0
      sizes[0] = []
      for bound in bounds {
        let position = bound == source.elementCount ? shape[0] : bound / strides[0]
        if position > previous {
          sizes[0].append(position - previous)
          previous = position
        }
      }
    } else {
      sizes[cut] = ChunkGrid.uniform(shape[cut], chunk: max(1, min(shape[cut], target / strides[cut])))
    }
    return sizes
  }
}

extension ChunkGrid {
  /// Where chunks end in the row-major order of the elements, if every chunk is a range of it.
  fileprivate var linearBounds: [Int]? {
    let cut = counts.lastIndex { $0 > 1 } ?? 0
    guard sizes[..<cut].allSatisfy({ $0.allSatisfy { $0 == 1 } }) else { return nil }
    var end = 0
    return (0..<count).map { chunk in
      end += shape(of: chunk).reduce(1, *)
      return end
    }
  }
}
