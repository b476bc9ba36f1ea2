internal import MusterRuntime

/// The arithmetic of shapes.
package enum Shapes {
  /// The steps in elements between neighbours along each axis, of a row-major array.
  package static func strides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    return strides
  }

  /// The shape that all of them broadcast to, by NumPy's rule: aligned at the last axis, 1 stretches.
  ///
  /// - Throws: `MusterError` with code `shapeMismatch`, naming the shapes.
  package static func broadcast(_ shapes: [[Int]], operation: String = "an elementwise operation") throws -> [Int] {
    var result: [Int] = []
    for shape in shapes {
      guard let next = broadcast(result, shape) else {
        let names = shapes.map { "\($0)" }.joined(separator: " and ")
        throw MusterError(
          .shapeMismatch, "the shapes \(names) don't broadcast in \(operation)",
          fix: "Aligned at the last axis, sizes must be equal or one of them 1; reshape one of the arrays")
      }
      result = next
    }
    return result
  }

  private static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    var result = [Int](repeating: 1, count: rank)
    for back in 1..<(rank + 1) {
      let x = back <= a.count ? a[a.count - back] : 1
      let y = back <= b.count ? b[b.count - back] : 1
      guard x == y || x == 1 || y == 1 else { return nil }
      result[rank - back] = x == 1 ? y : x
    }
    return result
  }

  /// Axes counted from the front, ascending; negative ones count from the back. All axes where `axes` is nil.
  ///
  /// - Throws: `MusterError` with code `invalidAxis` for an axis that isn't there or comes twice.
  package static func normalized(axes: [Int]?, rank: Int, operation: String) throws -> [Int] {
    guard let axes else { return Array(0..<rank) }
    let result = try axes.map { axis in
      guard axis >= -rank, axis < rank else {
        throw MusterError(
          .invalidAxis, "\(operation) has no axis \(axis): the array has \(rank) dimensions",
          fix: rank == 0 ? "Leave the axes out" : "Use an axis from \(-rank) to \(rank - 1)")
      }
      return axis < 0 ? axis + rank : axis
    }.sorted()
    for (axis, next) in zip(result, result.dropFirst()) where axis == next {
      throw MusterError(.invalidAxis, "\(operation) names axis \(axis) twice", fix: "Name each axis once")
    }
    return result
  }

  /// The shape after a reduction over the axes, which stay with size 1 or go.
  package static func reduced(_ shape: [Int], axes: [Int], keepDims: Bool) -> [Int] {
    keepDims
      ? shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
      : shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
  }
}
