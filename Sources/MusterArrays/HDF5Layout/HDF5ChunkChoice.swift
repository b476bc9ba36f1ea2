/// What chunks a dataset is compressed in where nobody says it.
enum HDF5ChunkChoice {
  /// What is read at once: small enough for the chunk cache of other programs (1 MiB unless they say otherwise).
  private static let wishedChunkBytes = 1 << 20
  /// Into more parts an axis isn't cut at a time: chunks whose length is a large prime stay whole along it.
  private static let mostParts = 7
  /// Chunks that are smaller only because the array's have nothing in common aren't worth it: then it's rechunked.
  private static let leastChunkBytes = 64 << 10

  /// Chunks of which each of the array's is a whole number, as small as wished where that can be; where that would be tiny
  /// ones, parts of the largest of the array's.
  ///
  /// - Parameter sizes: the sizes along each axis of the array's own chunks.
  static func shape(dividing sizes: [[Int]], elementByteCount: Int) -> [Int] {
    // An empty chunk has no cut of its own.
    let sizes = sizes.map { sizes in sizes.contains { $0 > 0 } ? sizes.filter { $0 > 0 } : [1] }
    // The last one may end anywhere.
    let common = sizes.map { $0.count == 1 ? $0[0] : $0.dropLast().reduce(0, greatestCommonDivisor) }
    // So large an array that chunks of that size would be more than there may be.
    let least =
      max(1, byteCount(of: sizes.map { $0.reduce(0, +) }, elementByteCount) / HDF5ChunkedStorage.mostChunks) * 4
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
