internal import MusterRuntime

/// How an array shall be cut into chunks.
///
/// An array literal gives one size for each axis: `[100, -1]` cuts the first axis every 100 elements and leaves the
/// second whole.
public struct Chunks: Sendable, Hashable, ExpressibleByArrayLiteral {
  private enum Choice: Hashable {
    case auto
    case uniform([Int])
    case exact([[Int]])
  }
  private var choice: Choice

  /// Chosen by Muster from the shape, the element type and the file's own chunks: blocks of at most 16 MiB, smaller
  /// ones (down to 1 MiB) where the array would otherwise be fewer than 32 blocks.
  ///
  /// The choice depends on nothing else, so it is the same for any number of ranks and threads.
  public static let auto = Chunks(choice: .auto)

  /// One size for each axis; -1 stands for the whole axis.
  public static func sizes(_ sizes: [Int]) -> Chunks { Chunks(choice: .uniform(sizes)) }

  /// The size of every chunk along every axis: `[[4, 4, 2], [7]]`.
  public static func exact(_ sizes: [[Int]]) -> Chunks { Chunks(choice: .exact(sizes)) }

  /// `[100, -1]`: one size for each axis; -1 stands for the whole axis.
  public init(arrayLiteral elements: Int...) { choice = .uniform(elements) }

  private init(choice: Choice) { self.choice = choice }

  /// The grid that these chunks make of a shape. `unit` holds the file's chunk shape, if the array comes from one.
  ///
  /// - Throws: `MusterError` with code `invalidChunks`, and `invalidArgument` for a shape that no array can have.
  func grid(
    for shape: [Int], elementType: ElementType, unit: [Int]? = nil, operation: String
  ) throws(MusterError) -> ChunkGrid {
    try Shapes.check(shape, operation: operation)
    switch choice {
    case .auto:
      return try ChunkGrid(automaticallyFor: shape, elementType: elementType, unit: unit)
    case .uniform(let chunk):
      guard chunk.count == shape.count else {
        throw Self.wrongDimensions(chunk.count, description: "\(chunk)", shape: shape)
      }
      for (axis, size) in chunk.enumerated() where size == 0 || size < -1 {
        throw MusterError(
          .invalidChunks, "the chunks \(chunk) have size \(size) along axis \(axis) of an array of shape \(shape)",
          fix: "Use sizes of at least 1, or -1 for the whole axis")
      }
      return try ChunkGrid(shape: shape, chunk: zip(shape, chunk).map { $1 == -1 ? max($0, 1) : $1 })
    case .exact(let sizes):
      guard sizes.count == shape.count else {
        throw Self.wrongDimensions(sizes.count, description: "\(sizes)", shape: shape)
      }
      try ChunkGrid.checkCounts(sizes.map(\.count), of: shape)
      for (axis, list) in sizes.enumerated() {
        let isEmptyAxis = shape[axis] == 0 && list == [0]
        guard isEmptyAxis || list.allSatisfy({ $0 > 0 }), !list.isEmpty else {
          throw MusterError(
            .invalidChunks, "the chunk sizes \(list) of axis \(axis) hold one below 1", fix: "Use sizes of at least 1")
        }
        // More than can be counted isn't the axis's length either.
        let sum = list.reduce(0) { $0.addingReportingOverflow($1).overflow ? Int.max : $0 + $1 }
        guard sum == shape[axis] else {
          throw MusterError(
            .invalidChunks,
            "the chunk sizes \(list) of axis \(axis) add up to \(sum), the axis has length \(shape[axis])",
            fix: "Give sizes that add up to the axis's length")
        }
      }
      return ChunkGrid(sizes: sizes)
    }
  }

  private static func wrongDimensions(_ count: Int, description: String, shape: [Int]) -> MusterError {
    MusterError(
      .invalidChunks,
      "the chunks \(description) are for \(count) dimension\(count == 1 ? "" : "s"), the array of shape \(shape) has "
        + "\(shape.count)",
      fix: "Give one size for each dimension")
  }
}

extension Chunks: CustomStringConvertible {
  /// `auto`, or the sizes as they were given.
  public var description: String {
    switch choice {
    case .auto: "auto"
    case .uniform(let sizes): "\(sizes)"
    case .exact(let sizes): "\(sizes)"
    }
  }
}

extension ChunkGrid {
  /// The largest block that is chosen automatically, in bytes, and the smallest for whose sake an array is cut.
  static let automaticBlockBytes = (smallest: 1 << 20, largest: 16 << 20)
  /// How many blocks an array shall have at least, so long as they aren't smaller than the smallest.
  static let automaticBlockCount = 32

  /// More chunks than a scheduler's memory has room for.
  private static let mostChunks = 1 << 27

  /// Chunks of equal size, the last along each axis being what is left.
  ///
  /// - Throws: `MusterError` with code `invalidChunks` where there would be too many.
  init(shape: [Int], chunk: [Int]) throws(MusterError) {
    // Without adding to the length, which may be the largest there is.
    try Self.checkCounts(zip(shape, chunk).map { length, size in length == 0 ? 1 : (length - 1) / size + 1 }, of: shape)
    self.init(sizes: zip(shape, chunk).map { Self.uniform($0, chunk: $1) })
  }

  /// - Throws: `MusterError` with code `invalidChunks` where there are too many chunks for an array of that shape.
  static func checkCounts(_ counts: [Int], of shape: [Int]) throws(MusterError) {
    guard let count = Shapes.product(counts), count <= mostChunks else {
      throw MusterError(
        .invalidChunks,
        "an array of shape \(shape) would be cut into \(Shapes.product(counts).map { "\($0)" } ?? "too many") chunks",
        fix: "Use larger chunks: at most \(mostChunks) can be scheduled")
    }
  }

  /// Blocks of whole units (a file's chunks), grown from the last axis on, so that they are rows where possible.
  ///
  /// - Precondition: the shape is one that an array can have.
  /// - Throws: `MusterError` with code `invalidChunks` where there would be too many.
  init(automaticallyFor shape: [Int], elementType: ElementType, unit: [Int]?) throws(MusterError) {
    let totalBytes = shape.reduce(elementType.byteCount, *)
    let target = min(
      max(totalBytes / Self.automaticBlockCount, Self.automaticBlockBytes.smallest), Self.automaticBlockBytes.largest)
    var unit = unit ?? shape.map { _ in 1 }
    // A unit far beyond the target (a file of one huge chunk) says nothing about how to cut.
    let unitBytes = Shapes.product(unit + [elementType.byteCount]) ?? Int.max
    if unitBytes > 4 * Self.automaticBlockBytes.largest { unit = shape.map { _ in 1 } }
    var chunk = zip(shape, unit).map { max(1, min($0, $1)) }
    var bytes = chunk.reduce(elementType.byteCount, *)
    for axis in shape.indices.reversed() {
      let growth = max(1, target / max(bytes, 1))
      guard growth > 1 else { break }
      bytes /= chunk[axis]
      let base = chunk[axis]
      let limit = (growth * base < shape[axis]) ? growth * base : max(shape[axis], 1)
      // Blocks of about equal size rather than a small last one.
      let count = (max(shape[axis], 1) + limit - 1) / limit
      let even = (max(shape[axis], 1) + count - 1) / count
      chunk[axis] = min(limit, (even + base - 1) / base * base)
      bytes *= chunk[axis]
      if chunk[axis] < shape[axis] { break }
    }
    try self.init(shape: shape, chunk: chunk)
  }
}
