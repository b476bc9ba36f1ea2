/// A region of a row-major array as runs of bytes that lie side by side, as long as they can be.
struct RegionRuns {
  /// How much is read at once where runs are short, in bytes.
  static let windowByteCount = 1 << 20
  /// Runs that start at most this many bytes apart are better read together.
  private static let denseStride = 16 << 10

  /// The length of each run.
  let byteCount: Int
  /// The number of runs of a group, and how far apart they start. Runs of a group follow each other in the region.
  let rows: Int
  let stride: Int
  /// The axes outside a group, outermost first.
  private let outer: [(count: Int, stride: Int)]
  private let start: Int

  /// - Precondition: the region is within the shape, and neither is empty.
  init(shape: [Int], origin: [Int], extent: [Int], elementByteCount: Int) {
    var strides = [Int](repeating: elementByteCount, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * shape[axis + 1] }
    start = zip(origin, strides).reduce(0) { $0 + $1.0 * $1.1 }
    // Whole inner axes join their neighbour's run.
    var axis = shape.count - 1
    while axis > 0, extent[axis] == shape[axis] { axis -= 1 }
    byteCount = axis < 0 ? elementByteCount : extent[axis] * strides[axis]
    var axes = axis < 0 ? [] : (0..<axis).map { (count: extent[$0], stride: strides[$0]) }
    let last = axes.popLast() ?? (count: 1, stride: byteCount)
    (rows, stride) = (last.count, last.stride)
    outer = axes
  }

  /// Whether reading a group of runs with what lies between them costs less than one call for each.
  var isDense: Bool { rows > 1 && stride <= Self.denseStride }

  /// Calls the body with each run's offset in the array and in the region, in bytes.
  func visitRuns(_ body: (_ arrayOffset: Int, _ regionOffset: Int) throws -> Void) rethrows {
    try visitGroups { arrayOffset, regionOffset in
      for row in 0..<rows { try body(arrayOffset + row * stride, regionOffset + row * byteCount) }
    }
  }

  /// Calls the body with the offsets of each group's first run.
  func visitGroups(_ body: (_ arrayOffset: Int, _ regionOffset: Int) throws -> Void) rethrows {
    var index = [Int](repeating: 0, count: outer.count)
    var (arrayOffset, regionOffset) = (start, 0)
    while true {
      try body(arrayOffset, regionOffset)
      regionOffset += rows * byteCount
      var axis = outer.count - 1
      while axis >= 0 {
        index[axis] += 1
        arrayOffset += outer[axis].stride
        if index[axis] < outer[axis].count { break }
        arrayOffset -= outer[axis].count * outer[axis].stride
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}
