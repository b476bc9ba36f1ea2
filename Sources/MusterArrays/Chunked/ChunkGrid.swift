/// How an array is cut into chunks: along each axis a list of chunk sizes, which may differ.
///
/// Chunks are numbered in row-major order. An axis of length 0 has one chunk of size 0, and an array of no dimensions
/// has one chunk of one element, so that every array has at least one chunk.
public struct ChunkGrid: Sendable, Hashable {
  /// The shape of the array.
  public let shape: [Int]
  /// The sizes of the chunks along each axis; they add up to the shape.
  public let sizes: [[Int]]
  /// Where each chunk begins along each axis, and the axis's length at the end.
  let offsets: [[Int]]
  /// The number of chunks along each axis.
  public let counts: [Int]
  /// The number of chunks.
  public let count: Int

  /// - Precondition: at least one chunk along each axis, none of a negative size.
  init(sizes: [[Int]]) {
    self.sizes = sizes
    offsets = sizes.map { axis in
      require(!axis.isEmpty, "an axis without chunks")
      var offsets = [0]
      offsets.reserveCapacity(axis.count + 1)
      // As with the count below, an axis too long to be counted is an error before anybody counts on it.
      for size in axis {
        let (end, isTooLarge) = offsets.last!.addingReportingOverflow(size)
        offsets.append(isTooLarge ? .max : end)
      }
      return offsets
    }
    shape = offsets.map(\.last!)
    counts = sizes.map(\.count)
    count = Shapes.product(counts) ?? Int.max
  }

  /// A grid of one chunk.
  init(whole shape: [Int]) {
    self.init(sizes: shape.map { [$0] })
  }

  /// The chunk sizes of an axis cut every `chunk` elements.
  static func uniform(_ length: Int, chunk: Int) -> [Int] {
    guard length > 0 else { return [0] }
    let whole = length / chunk
    let rest = length - whole * chunk
    return Array(repeating: chunk, count: whole) + (rest > 0 ? [rest] : [])
  }

  /// The number of axes.
  public var dimensions: Int { shape.count }
  /// The number of elements of the array.
  var elementCount: Int { Shapes.product(shape) ?? Int.max }
  /// The number of elements of the largest chunk.
  var largestChunk: Int { Shapes.product(sizes.map { $0.max()! }) ?? Int.max }

  /// Whether both cut an array of the same shape at the same places.
  public static func == (a: ChunkGrid, b: ChunkGrid) -> Bool { a.sizes == b.sizes }
  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) { hasher.combine(sizes) }
}

extension ChunkGrid {
  /// The chunks in a few words, for fingerprints and messages: `chunks 100x49`, with the first along each axis, and
  /// their count.
  var summary: String {
    count == 1 ? "" : "\(count) chunks of " + sizes.map { "\($0[0])" }.joined(separator: "x")
  }
}

// Index maths

extension ChunkGrid {
  /// The coordinates, in chunks, of the chunk with a number.
  func coordinates(of chunk: Int) -> [Int] {
    var rest = chunk
    var coordinates = [Int](repeating: 0, count: counts.count)
    for axis in counts.indices.reversed() {
      let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: counts[axis])
      coordinates[axis] = remainder
      rest = quotient
    }
    return coordinates
  }

  /// The number of the chunk at coordinates.
  func number(at coordinates: [Int]) -> Int {
    var number = 0
    for axis in counts.indices { number = number * counts[axis] + coordinates[axis] }
    return number
  }

  /// The part of the array that a chunk holds.
  func region(of chunk: Int) -> ArrayRegion {
    region(at: coordinates(of: chunk))
  }

  func region(at coordinates: [Int]) -> ArrayRegion {
    ArrayRegion(
      origin: coordinates.indices.map { offsets[$0][coordinates[$0]] },
      shape: coordinates.indices.map { sizes[$0][coordinates[$0]] })
  }

  /// The shape of a chunk.
  func shape(of chunk: Int) -> [Int] {
    let coordinates = coordinates(of: chunk)
    return coordinates.indices.map { sizes[$0][coordinates[$0]] }
  }

  /// The chunk of an axis that holds an element; binary search. The axis's length gives the last chunk.
  func chunk(along axis: Int, holding element: Int) -> Int {
    let offsets = offsets[axis]
    var low = 0
    var high = sizes[axis].count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if offsets[middle] <= element { low = middle } else { high = middle - 1 }
    }
    return low
  }

  /// The chunks of an axis that overlap the elements from `start` up to `end`; one chunk where the range is empty.
  func chunks(along axis: Int, overlapping start: Int, _ end: Int) -> ClosedRange<Int> {
    let first = chunk(along: axis, holding: start)
    return first...max(first, chunk(along: axis, holding: max(start, end - 1)))
  }

  /// The grid with its axes in another order.
  func transposed(_ axes: [Int]) -> ChunkGrid {
    ChunkGrid(sizes: axes.map { sizes[$0] })
  }
}

/// A box of an array: where it begins, and its shape.
public struct ArrayRegion: Sendable, Hashable {
  /// Where the box begins along each axis, from 0.
  public var origin: [Int]
  /// The length of the box along each axis.
  public var shape: [Int]

  /// The box that begins at `origin`. Both lists have an entry for each axis.
  public init(origin: [Int], shape: [Int]) {
    self.origin = origin
    self.shape = shape
  }
}
