internal import MusterRuntime

extension NDArray {
  /// The number of dimensions.
  public var ndim: Int { shape.count }

  /// The one element of an array that has just one, such as a sum over all axes.
  ///
  /// - Precondition: the array has one element, of however many dimensions.
  public func item() -> Element {
    require(count == 1, "item() of an array of shape \(shape), which has \(count) elements")
    return withElements { $0[0] }
  }

  /// The element at an index for each axis; negative ones count from the end.
  ///
  /// - Precondition: as many indices as dimensions, each within its axis.
  public subscript(_ indices: Int...) -> Element {
    require(indices.count == shape.count, "\(indices.count) indices for an array of shape \(shape)")
    var offset = 0
    for (axis, index) in indices.enumerated() {
      let position = index < 0 ? index + shape[axis] : index
      require(position >= 0 && position < shape[axis], "index \(index) is beyond axis \(axis) of shape \(shape)")
      offset = offset * shape[axis] + position
    }
    return withElements { $0[offset] }
  }

  /// A copy of a region: a range for each of the first axes (`a[0..<3, 2...]`); the others stay whole.
  ///
  /// - Precondition: no more ranges than dimensions, each within its axis.
  public subscript(_ ranges: any RangeExpression<Int>...) -> NDArray {
    require(ranges.count <= shape.count, "\(ranges.count) ranges for an array of shape \(shape)")
    let region = shape.indices.map { axis in
      axis < ranges.count ? ranges[axis].relative(to: 0..<shape[axis]) : 0..<shape[axis]
    }
    for (axis, range) in region.enumerated() {
      require(
        range.lowerBound >= 0 && range.upperBound <= shape[axis], "\(range) is beyond axis \(axis) of shape \(shape)")
    }
    return NDArray(.orEnd { () throws(MusterError) in try erased.slice(region) })
  }

  /// A copy of every `steps`-th element of a region; a negative step walks from the region's end.
  ///
  /// - Throws: `MusterError` with code `indexOutOfRange` for a range beyond its axis, and `invalidArgument` where there
  ///   isn't a range and a step other than 0 for each axis.
  public func slice(_ region: [Range<Int>], steps: [Int]? = nil) throws -> NDArray {
    guard region.count == shape.count, (steps?.count ?? region.count) == region.count, steps?.contains(0) != true else {
      throw MusterError(
        .invalidArgument,
        "a slice by \(region.count) ranges and the steps \(steps ?? []) of an array of shape \(shape)",
        fix: "Give a range and a step other than 0 for each axis")
    }
    for (axis, range) in region.enumerated() where range.lowerBound < 0 || range.upperBound > shape[axis] {
      throw MusterError(
        .indexOutOfRange, "the range \(range) is beyond axis \(axis) of the shape \(shape)",
        fix: "Use a range within 0..<\(shape[axis])")
    }
    return NDArray(try erased.slice(region, steps: steps))
  }

  /// The elements with another shape, sharing the memory. One size may be -1: what is left for it.
  ///
  /// - Throws: `MusterError` with code `shapeMismatch` where the shapes don't have the same number of elements.
  public func reshaped(_ shape: [Int]) throws -> NDArray {
    var resolved = shape
    if let free = shape.firstIndex(of: -1) {
      let others = Shapes.product(shape.indices.filter { $0 != free }.map { shape[$0] })
      if let others, others > 0, count % others == 0 { resolved[free] = count / others }
    }
    guard Shapes.product(resolved) == count else {
      throw MusterError(
        .shapeMismatch, "an array of shape \(self.shape) can't be reshaped to \(shape)",
        fix: "Both shapes must have \(count) elements, and one size at most may be -1")
    }
    return NDArray(erased.reshaped(resolved))
  }

  /// The axes in another order (reversed where it is left out): axis `i` of the result is axis `axes[i]`. A copy.
  ///
  /// - Throws: `MusterError` with code `invalidAxis` where `axes` doesn't hold each axis once.
  public func transposed(_ axes: [Int]? = nil) throws -> NDArray {
    let axes = (axes ?? shape.indices.reversed()).map { $0 < 0 ? $0 + shape.count : $0 }
    guard axes.sorted() == Array(shape.indices) else {
      throw MusterError(
        .invalidAxis, "\(axes) isn't an order of the \(shape.count) axes of shape \(shape)",
        fix: "Name each axis once")
    }
    return NDArray(try erased.transposed(axes))
  }

  /// The elements repeated along axes of size 1, and along new ones in front. A copy.
  ///
  /// - Throws: `MusterError` with code `shapeMismatch`, naming both shapes.
  public func broadcast(to shape: [Int]) throws -> NDArray { NDArray(try erased.broadcast(to: shape)) }

  /// The elements as another type. Integers wrap; floating point goes to integers towards zero, saturates, and NaN
  /// becomes 0; complex goes to real by its real part; to Bool everything but zero is true.
  public func asType<Other: ArrayElement>(_ type: Other.Type = Other.self) -> NDArray<Other> {
    NDArray<Other>(.orEnd { () throws(MusterError) in try erased.cast(to: Other.elementType) })
  }
}

extension NDArray: Equatable {
  /// Whether shapes and all elements are equal; an array with NaN doesn't equal itself.
  public static func == (a: NDArray, b: NDArray) -> Bool {
    a.shape == b.shape && a.withElements { x in b.withElements { y in x.elementsEqual(y) } }
  }
}

extension NDArray: CustomStringConvertible {
  /// The elements in nested brackets. Of an axis longer than six in an array of more than 1000 elements, the first and
  /// last three.
  public var description: String {
    withElements { elements in
      describe(axis: 0, offset: 0, strides: Shapes.strides(of: shape), elements, isShort: count <= 1000)
    }
  }

  private func describe(
    axis: Int, offset: Int, strides: [Int], _ elements: UnsafeBufferPointer<Element>, isShort: Bool
  ) -> String {
    if axis == shape.count { return "\(elements[offset])" }
    let size = shape[axis]
    let isWhole = isShort || size <= 6
    let shown = isWhole ? Array(0..<size) : [0, 1, 2, size - 3, size - 2, size - 1]
    var parts = shown.map {
      describe(axis: axis + 1, offset: offset + $0 * strides[axis], strides: strides, elements, isShort: isShort)
    }
    if !isWhole { parts.insert("…", at: 3) }
    let isLast = axis == shape.count - 1
    return "[" + parts.joined(separator: isLast ? ", " : ",\n" + String(repeating: " ", count: axis + 1)) + "]"
  }
}
