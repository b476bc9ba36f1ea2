package import MusterRuntime

/// How a dataset lies in its file in chunks that are compressed one by one.
package struct HDF5ChunkedStorage: Codable, Hashable, Sendable {
  package var chunkShape: [Int]
  var level: Int
  var shuffle: Bool

  /// A chunk of the file has fewer bytes than that: its size is a number of 32 bits there.
  private static let mostChunkBytes = 1 << 32
  /// Every rank knows where each of them is.
  static let mostChunks = 1 << 24

  /// - Parameters:
  ///   - sizes: the sizes along each axis of the array's own chunks; nil where it's in one piece. Where no chunk shape is
  ///     asked for, each of these is a whole number of the file's chunks.
  ///   - name: what errors call the dataset.
  /// - Throws: `invalidArgument` for a level that there isn't, a scalar, chunks that don't fit the shape or are too large.
  package init(
    _ compression: HDF5Compression, shape: [Int], elementType: ElementType, dividing sizes: [[Int]]? = nil, name: String
  ) throws(MusterError) {
    func refusal(_ text: String, _ fix: String) -> MusterError {
      MusterError(.invalidArgument, "\"\(name)\" can't be compressed: \(text)", fix: fix)
    }
    guard (0...9).contains(compression.level) else {
      throw refusal("there is no level \(compression.level)", "Use a level from 0 to 9")
    }
    guard !shape.isEmpty else { throw refusal("it is a single number", "Write it without compression") }
    (level, shuffle) = (compression.level, compression.shuffle)
    let chunkShape =
      compression.chunkShape
      ?? HDF5ChunkChoice.shape(dividing: sizes ?? shape.map { [$0] }, elementByteCount: elementType.byteCount)
    guard chunkShape.count == shape.count, zip(chunkShape, shape).allSatisfy({ $0 > 0 && $0 <= max($1, 1) }) else {
      throw refusal(
        "chunks of the shape \(chunkShape) don't fit into its shape, \(shape)",
        "Give one length for each axis, from 1 to the axis's own")
    }
    guard let bytes = Shapes.product(chunkShape + [elementType.byteCount]), bytes < Self.mostChunkBytes else {
      throw refusal("chunks of the shape \(chunkShape) take 4 GiB or more", "Use smaller chunks")
    }
    self.chunkShape = chunkShape
    let count = Shapes.product(counts(of: shape)) ?? Int.max
    guard count <= Self.mostChunks else {
      throw refusal(
        "chunks of the shape \(chunkShape) would be \(count), and \(Self.mostChunks) are the most",
        "Use larger chunks")
    }
  }

  package func counts(of shape: [Int]) -> [Int] { zip(shape, chunkShape).map { $0 == 0 ? 0 : ($0 - 1) / $1 + 1 } }

  /// The bytes of a chunk that isn't compressed. Those at an array's end are as large as the others.
  func byteCount(of elementType: ElementType) -> Int { chunkShape.reduce(elementType.byteCount, *) }

  /// Says of a chunk that deflate, the last filter, wasn't applied to it.
  var maskWithoutDeflate: UInt32 { shuffle ? 0b10 : 0b1 }

  /// Whether each chunk of a grid begins where one of the file's does.
  func divides(_ grid: ChunkGrid) -> Bool {
    zip(grid.offsets, chunkShape).allSatisfy { offsets, size in offsets.dropLast().allSatisfy { $0 % size == 0 } }
  }

  /// Whether a block begins where a chunk does, and ends where one does or the array.
  func holdsWholeChunks(from origin: [Int], of block: [Int], in shape: [Int]) -> Bool {
    shape.indices.allSatisfy { axis in
      let end = origin[axis] + block[axis]
      return origin[axis] % chunkShape[axis] == 0 && (end % chunkShape[axis] == 0 || end == shape[axis])
    }
  }

  /// What is compressed by one task, about.
  private static let wishedBlockBytes = 16 << 20

  /// The chunks of an array that are whole numbers of the file's: as many of these as make blocks of a useful size.
  func grid(of shape: [Int], _ elementType: ElementType) throws(MusterError) -> ChunkGrid {
    var block = chunkShape
    var bytes = byteCount(of: elementType)
    for axis in shape.indices.reversed() {
      let count = (shape[axis] - 1) / chunkShape[axis] + 1
      let taken = max(1, min(count, Self.wishedBlockBytes / bytes))
      block[axis] *= taken
      bytes *= taken
      // So that blocks are rows where possible.
      if taken < count { break }
    }
    return try ChunkGrid(shape: shape, chunk: block)
  }

  /// The numbers of the chunks that a block holds, in row-major order; it begins where one of them does.
  package func chunks(from origin: [Int], of block: [Int], in shape: [Int]) -> [Int] {
    let counts = counts(of: shape)
    var numbers = [0]
    for axis in shape.indices {
      let first = origin[axis] / chunkShape[axis]
      let end = (origin[axis] + block[axis] + chunkShape[axis] - 1) / chunkShape[axis]
      numbers = numbers.flatMap { outer in (first..<end).map { outer * counts[axis] + $0 } }
    }
    return numbers
  }

  /// The index of a chunk's first element.
  func origin(of chunk: Int, in shape: [Int]) -> [Int] {
    var rest = chunk
    var origin = chunkShape
    for (axis, count) in counts(of: shape).enumerated().reversed() {
      origin[axis] *= rest % count
      rest /= count
    }
    return origin
  }
}
