internal import CKernels
package import MusterRuntime

/// Copies between arrays with any strides.
enum StridedCopy {
  /// Copies elements; dimensions of size 1 are dropped and neighbours merged where both sides allow it.
  static func run(
    to out: UnsafeMutableRawPointer, strides outStrides: [Int], from source: UnsafeRawPointer, strides inStrides: [Int],
    shape: [Int], elementSize: Int
  ) {
    var (merged, a, b): ([Int], [Int], [Int]) = ([], [], [])
    for axis in shape.indices where shape[axis] != 1 {
      if let last = merged.indices.last, a[last] == outStrides[axis] * shape[axis],
        b[last] == inStrides[axis] * shape[axis]
      {
        merged[last] *= shape[axis]
        (a[last], b[last]) = (outStrides[axis], inStrides[axis])
      } else {
        merged.append(shape[axis])
        a.append(outStrides[axis])
        b.append(inStrides[axis])
      }
    }
    require(merged.count <= 32, "an array of more than 32 dimensions")
    ck_copy_strided(out, a, source, b, merged, merged.count, elementSize)
  }
}

extension AnyNDArray {
  /// An array of one value.
  ///
  /// - Throws: `MusterError` with code `outOfMemory`.
  package static func filled(with scalar: ScalarValue, shape: [Int]) throws(MusterError) -> AnyNDArray {
    let result = try AnyNDArray(allocating: scalar.elementType, shape: shape)
    result.fill(with: scalar)
    return result
  }

  /// Writes one value to all elements, for the one that has just allocated them.
  func fill(with scalar: ScalarValue) {
    let size = scalar.elementType.byteCount
    withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { cell in
      guard let address = cell.baseAddress else { return }
      scalar.store(to: address)
      _ = ck_fill(Int32(size))?(storage.bytes, address, address, address, count)
    }
  }

  /// The elements with another shape, sharing the storage.
  ///
  /// - Precondition: the shapes have the same number of elements.
  package func reshaped(_ shape: [Int]) -> AnyNDArray {
    require(Shapes.product(shape) == count, "\(self.shape) can't be reshaped to \(shape): the counts differ")
    return AnyNDArray(elementType: elementType, shape: shape, storage: storage)
  }

  /// The elements of a region, every `steps`-th along each axis; a negative step walks from the region's end. A region
  /// that is the whole array shares the storage.
  ///
  /// - Precondition: a range for each axis, within the array; no step is 0.
  /// - Throws: `MusterError` with code `outOfMemory`.
  package func slice(_ region: [Range<Int>], steps: [Int]? = nil) throws(MusterError) -> AnyNDArray {
    require(region.count == shape.count, "\(region.count) ranges for \(shape.count) axes")
    for (axis, range) in region.enumerated() {
      require(
        range.lowerBound >= 0 && range.upperBound <= shape[axis], "\(range) is beyond axis \(axis) of \(shape)")
    }
    let steps = steps ?? [Int](repeating: 1, count: shape.count)
    require(steps.count == shape.count && !steps.contains(0), "steps \(steps) for \(shape.count) axes")
    if region.indices.allSatisfy({ region[$0] == 0..<shape[$0] && (steps[$0] == 1 || shape[$0] == 1) }) { return self }

    let strides = Shapes.strides(of: shape)
    var offset = 0
    for axis in region.indices {
      let first = steps[axis] > 0 ? region[axis].lowerBound : region[axis].upperBound - 1
      offset += max(first, 0) * strides[axis]
    }
    let counts = region.indices.map { axis in
      region[axis].isEmpty ? 0 : Int(UInt(region[axis].count - 1) / steps[axis].magnitude) + 1
    }
    let result = try AnyNDArray(allocating: elementType, shape: counts)
    guard result.count > 0 else { return result }
    withExtendedLifetime(storage) {
      StridedCopy.run(
        to: result.storage.bytes, strides: Shapes.strides(of: counts),
        from: storage.bytes + offset * elementType.byteCount,
        // The step of one element isn't taken, and may be larger than what can be multiplied.
        strides: region.indices.map { counts[$0] > 1 ? strides[$0] * steps[$0] : 0 }, shape: counts,
        elementSize: elementType.byteCount)
    }
    return result
  }

  /// The axes in another order: axis `i` of the result is axis `axes[i]`. A copy, in blocks that fit the cache.
  ///
  /// - Precondition: `axes` holds each axis once.
  /// - Throws: `MusterError` with code `outOfMemory`.
  package func transposed(_ axes: [Int]) throws(MusterError) -> AnyNDArray {
    require(axes.sorted() == Array(shape.indices), "\(axes) isn't an order of \(shape.count) axes")
    let strides = Shapes.strides(of: shape)
    let newShape = axes.map { shape[$0] }
    // Without axes of size 1, is the order the same?
    let long = axes.filter { shape[$0] != 1 }
    if long == long.sorted() { return reshaped(newShape) }
    let result = try AnyNDArray(allocating: elementType, shape: newShape)
    guard result.count > 0 else { return result }
    withExtendedLifetime(storage) {
      StridedCopy.run(
        to: result.storage.bytes, strides: Shapes.strides(of: newShape), from: storage.bytes,
        strides: axes.map { strides[$0] }, shape: newShape, elementSize: elementType.byteCount)
    }
    return result
  }

  /// The elements repeated along axes of size 1, and along new ones in front, to fill a shape.
  ///
  /// - Throws: `MusterError` with code `shapeMismatch`, and `outOfMemory`.
  package func broadcast(to newShape: [Int]) throws -> AnyNDArray {
    if newShape == shape { return self }
    let strides = try IterationSpace.strides(of: shape, broadcastTo: newShape)
    let result = try AnyNDArray(allocating: elementType, shape: newShape)
    guard result.count > 0 else { return result }
    withExtendedLifetime(storage) {
      StridedCopy.run(
        to: result.storage.bytes, strides: Shapes.strides(of: newShape), from: storage.bytes, strides: strides,
        shape: newShape, elementSize: elementType.byteCount)
    }
    return result
  }

  /// An array made of parts, each at its origin.
  ///
  /// - Precondition: the parts are of the element type, lie within the shape and fill it.
  /// - Throws: `MusterError` with code `outOfMemory`.
  package static func assemble(
    shape: [Int], elementType: ElementType, parts: [(origin: [Int], block: AnyNDArray)]
  ) throws(MusterError) -> AnyNDArray {
    if parts.count == 1, parts[0].block.shape == shape, parts[0].block.elementType == elementType {
      return parts[0].block
    }
    let result = try AnyNDArray(allocating: elementType, shape: shape)
    let strides = Shapes.strides(of: shape)
    var filled = 0
    for (origin, block) in parts {
      require(block.elementType == elementType, "a part of \(block.elementType), not \(elementType)")
      require(
        origin.count == shape.count && block.shape.count == shape.count
          && shape.indices.allSatisfy { origin[$0] >= 0 && origin[$0] + block.shape[$0] <= shape[$0] },
        "a part of shape \(block.shape) at \(origin) doesn't lie in \(shape)")
      filled += block.count
      guard block.count > 0 else { continue }
      let offset = zip(origin, strides).reduce(0) { $0 + $1.0 * $1.1 }
      withExtendedLifetime(block) {
        StridedCopy.run(
          to: result.storage.bytes + offset * elementType.byteCount, strides: strides, from: block.storage.bytes,
          strides: Shapes.strides(of: block.shape), shape: block.shape, elementSize: elementType.byteCount)
      }
    }
    require(filled == result.count, "parts of \(filled) elements don't fill the shape \(shape)")
    return result
  }

  /// The elements as another type, by the rules of `ElementwiseProgram.cast`.
  ///
  /// - Throws: `MusterError` with code `outOfMemory`.
  package func cast(to type: ElementType) throws(MusterError) -> AnyNDArray {
    if type == elementType { return self }
    let result = try AnyNDArray(allocating: type, shape: shape)
    withExtendedLifetime(storage) {
      let kernel = ck_cast(InstructionSet.best.rawValue, Int32(elementType.rawValue), Int32(type.rawValue))
      _ = kernel?(result.storage.bytes, storage.bytes, storage.bytes, storage.bytes, count)
    }
    return result
  }
}
