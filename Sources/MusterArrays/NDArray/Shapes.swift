internal import MusterRuntime

/// The arithmetic of shapes.
package enum Shapes {
  /// The most elements that an array may have: their bytes can be counted for every element type.
  static let mostElements = Int.max / 16

  /// The product of lengths; nil where one is negative, or where it is beyond what can be counted.
  package static func product(_ lengths: [Int]) -> Int? {
    if lengths.contains(where: { $0 < 0 }) { return nil }
    // However long the others are.
    if lengths.contains(0) { return 0 }
    var product = 1
    for length in lengths {
      let (next, isTooLarge) = product.multipliedReportingOverflow(by: length)
      if isTooLarge { return nil }
      product = next
    }
    return product
  }

  /// Throws where a lazy array can't have a shape, so that nothing that is counted for it overflows. A length of 0
  /// doesn't make up for the others: parts are counted along some of the axes alone.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`, naming the shape.
  static func check(_ shape: [Int], operation: String) throws(MusterError) {
    if let length = shape.first(where: { $0 < 0 }) {
      throw MusterError(
        .invalidArgument, "\(operation): the shape \(shape) has the length \(length)", fix: "Use lengths of at least 0")
    }
    guard let count = product(shape.map { max($0, 1) }), count <= mostElements else {
      throw MusterError(
        .invalidArgument, "\(operation): an array of shape \(shape) has more elements than can be counted",
        fix: "Use shapes of fewer than 2⁵⁹ elements")
    }
  }

  /// The steps in elements between neighbours along each axis, of a row-major array.
  package static func strides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    // Nobody takes a step in an array without elements, whose other lengths may have any product.
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] &* shape[axis + 1] }
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
