public import MusterRuntime

/// An array in memory whose element type is a value: row-major, contiguous, immutable. The block of array tasks.
public struct AnyNDArray: Sendable {
  public let elementType: ElementType
  public let shape: [Int]
  /// The elements, in row-major order, from the storage's first byte on.
  public let storage: BlockStorage

  /// Wraps a storage of at least as many bytes as the shape needs.
  public init(elementType: ElementType, shape: [Int], storage: BlockStorage) {
    precondition(shape.reduce(1, *) * elementType.byteCount <= storage.byteCount)
    self.elementType = elementType
    self.shape = shape
    self.storage = storage
  }

  /// An array of uninitialised elements, for the one that fills it. Where there is no memory for it, the process ends
  /// with a message.
  public init(uninitialized elementType: ElementType, shape: [Int]) {
    do {
      try self.init(allocating: elementType, shape: shape)
    } catch {
      BlockStorage.end(error)
    }
  }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
}

extension AnyNDArray: Block {
  public var byteCount: Int { count * elementType.byteCount }

  public func encode(into encoder: inout BlockEncoder) {
    encoder.append(elementType.rawValue)
    encoder.append(shape)
    encoder.append(storage, byteCount: byteCount)
  }

  public static func decode(from decoder: inout BlockDecoder) throws -> AnyNDArray {
    guard let type = ElementType(rawValue: try decoder.read(UInt8.self)) else {
      throw MusterError(.internal, "a block arrived with an unknown element type")
    }
    let shape = try decoder.readInts()
    return AnyNDArray(elementType: type, shape: shape, storage: try decoder.readStorage())
  }
}
