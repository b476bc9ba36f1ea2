public import MusterRuntime

/// An array in memory whose element type is a value: row-major, contiguous, immutable. The block of array tasks.
public struct AnyNDArray: Sendable {
  /// The type of the elements.
  public let elementType: ElementType
  /// The lengths of the axes; empty for a single number.
  public let shape: [Int]
  /// The elements, in row-major order, from the storage's first byte on.
  public private(set) var storage: BlockStorage

  /// Wraps a storage without a copy.
  ///
  /// - Precondition: the storage has at least as many bytes as the shape needs.
  public init(elementType: ElementType, shape: [Int], storage: BlockStorage) {
    guard let byteCount = Shapes.product(shape + [elementType.byteCount]), byteCount <= storage.byteCount else {
      fatalError("a storage of \(storage.byteCount) bytes for \(elementType) elements of shape \(shape)")
    }
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
  }

  /// An array of uninitialised elements, for the one that fills it. Where there is no memory for it, the process ends
  /// with a message.
  public init(uninitialized elementType: ElementType, shape: [Int]) {
    self = Self.orEnd { () throws(MusterError) in try AnyNDArray(allocating: elementType, shape: shape) }
  }

  /// The number of elements.
  public var count: Int { Shapes.product(shape) ?? Int.max }
}

extension AnyNDArray {
  /// Whether nobody else has this array's memory: then it may be written to.
  mutating func isSoleOwner() -> Bool { isKnownUniquelyReferenced(&storage) }
}

extension AnyNDArray: Block {
  /// The size of the elements, in bytes. What the storage has beyond them doesn't count.
  public var byteCount: Int { count * elementType.byteCount }

  /// Writes element type and shape to the header, and the elements as bulk memory.
  public func encode(into encoder: inout BlockEncoder) {
    encoder.append(elementType.rawValue)
    encoder.append(shape)
    encoder.append(storage, byteCount: byteCount)
  }

  /// Reads what `encode(into:)` wrote; the elements aren't copied.
  ///
  /// - Throws: `MusterError` with code `internal` where the bytes aren't such an array's.
  public static func decode(from decoder: inout BlockDecoder) throws -> AnyNDArray {
    guard let type = ElementType(rawValue: try decoder.read(UInt8.self)) else {
      throw MusterError(.internal, "a block arrived with an unknown element type")
    }
    let shape = try decoder.readInts()
    return AnyNDArray(elementType: type, shape: shape, storage: try decoder.readStorage())
  }
}
