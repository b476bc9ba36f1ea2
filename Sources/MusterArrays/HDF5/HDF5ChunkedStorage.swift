package import MusterRuntime

/// How a dataset lies in its file in chunks that are compressed one by one.
package struct HDF5ChunkedStorage: Codable, Hashable, Sendable {
  package var chunkShape: [Int]
  var level: Int
  var shuffle: Bool

  /// A chunk of the file has fewer bytes than that: its size is a number of 32 bits there.
  private static let mostChunkBytes = 1 << 32
  /// Every rank knows where each of them is.
  private static let mostChunks = 1 << 24

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
      ?? Self.parts(of: sizes ?? shape.map { [$0] }, elementByteCount: elementType.byteCount)
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

  // MARK: The chunks

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

  // MARK: Choosing the chunks

  /// What is read at once: small enough for the chunk cache of other programs (1 MiB unless they say otherwise).
  private static let wishedChunkBytes = 1 << 20
  /// Into more parts an axis isn't cut at a time: chunks whose length is a large prime stay whole along it.
  private static let mostParts = 7
  /// Chunks that are smaller only because the array's have nothing in common aren't worth it: then it's rechunked.
  private static let leastChunkBytes = 64 << 10

  /// Chunks of which each of the array's is a whole number, as small as wished where that can be; where that would be tiny
  /// ones, parts of the largest of the array's.
  private static func parts(of sizes: [[Int]], elementByteCount: Int) -> [Int] {
    // An empty chunk has no cut of its own.
    let sizes = sizes.map { sizes in sizes.contains { $0 > 0 } ? sizes.filter { $0 > 0 } : [1] }
    // The last one may end anywhere.
    let common = sizes.map { $0.count == 1 ? $0[0] : $0.dropLast().reduce(0, greatestCommonDivisor) }
    // So large an array that chunks of that size would be more than there may be.
    let least = max(1, byteCount(of: sizes.map { $0.reduce(0, +) }, elementByteCount) / mostChunks) * 4
    let wished = max(wishedChunkBytes, least)
    // What may be cut at any place: an axis of one chunk.
    let parts = cut(common, elementByteCount, to: wished, anywhere: sizes.map { $0.count == 1 })
    let largest = sizes.map { $0.max()! }
    let tiny = max(min(leastChunkBytes, byteCount(of: largest, elementByteCount) / 4), least > 4 ? least / 2 : 0)
    return byteCount(of: parts, elementByteCount) >= tiny
      ? parts : cut(largest, elementByteCount, to: wished, anywhere: largest.map { _ in true })
  }

  private static func byteCount(of shape: [Int], _ elementByteCount: Int) -> Int {
    Shapes.product(shape + [elementByteCount]) ?? Int.max
  }

  /// Cuts a shape in turn along each axis until it's as small as wished.
  ///
  /// - Parameter anywhere: for each axis whether it may be cut into parts that aren't equal.
  private static func cut(
    _ shape: [Int], _ elementByteCount: Int, to wished: Int, anywhere isWhole: [Bool]
  ) -> [Int] {
    var parts = shape
    var axis = 0
    var tries = 0
    while byteCount(of: parts, elementByteCount) > wished, tries < parts.count {
      defer { axis = (axis + 1) % parts.count }
      guard parts[axis] > 1 else {
        tries += 1
        continue
      }
      if isWhole[axis] {
        parts[axis] -= parts[axis] / 2
      } else if let divisor = (2...mostParts).first(where: { parts[axis] % $0 == 0 }) {
        parts[axis] /= divisor
      } else {
        tries += 1
        continue
      }
      tries = 0
    }
    return parts
  }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    var (a, b) = (a, b)
    while b != 0 { (a, b) = (b, a % b) }
    return a
  }
}
