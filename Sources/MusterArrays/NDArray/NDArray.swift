public import MusterRuntime

/// An array in memory: row-major, contiguous, of any number of dimensions.
public struct NDArray<Element: ArrayElement>: Sendable {
  /// The same array with its element type as a value.
  public internal(set) var erased: AnyNDArray

  /// The same array with its element type known to the compiler. O(1).
  ///
  /// - Precondition: the element types agree.
  public init(_ erased: AnyNDArray) {
    require(erased.elementType == Element.elementType, "\(erased.elementType) isn't \(Element.elementType)")
    self.erased = erased
  }

  /// The elements in row-major order, with their shape (one dimension where it is left out).
  ///
  /// - Precondition: there are as many elements as the shape holds.
  public init(_ elements: [Element], shape: [Int]? = nil) {
    let shape = shape ?? [elements.count]
    require(Shapes.product(shape) == elements.count, "\(elements.count) elements don't fill the shape \(shape)")
    self.init(shape: shape) { buffer in _ = buffer.initialize(fromContentsOf: elements) }
  }

  /// An array whose elements the closure fills, all of them, in row-major order. They are uninitialised before. Where
  /// there is no memory for them, the process ends with a message.
  ///
  /// - Precondition: no length is negative.
  /// - Throws: what the closure throws.
  public init(shape: [Int], initializingWith body: (UnsafeMutableBufferPointer<Element>) throws -> Void) rethrows {
    let erased = AnyNDArray(uninitialized: Element.elementType, shape: shape)
    let count = erased.count
    try body(
      UnsafeMutableBufferPointer(
        start: erased.storage.bytes.bindMemory(to: Element.self, capacity: count), count: count))
    self.erased = erased
  }

  /// The lengths of the axes; empty for a single number.
  public var shape: [Int] { erased.shape }
  /// The number of elements.
  public var count: Int { erased.count }

  /// The elements in row-major order, in place. The pointer is good until the closure returns.
  ///
  /// - Throws: what the closure throws.
  public func withElements<R>(_ body: (UnsafeBufferPointer<Element>) throws -> R) rethrows -> R {
    // The storage lives through the call by `withExtendedLifetime`; nobody writes to it once it is in an array.
    try withExtendedLifetime(erased.storage) {
      try body(
        UnsafeBufferPointer(
          start: UnsafePointer(erased.storage.bytes.assumingMemoryBound(to: Element.self)), count: count))
    }
  }

  /// A copy of the elements, in row-major order. O(count) at each use: `withElements(_:)` copies nothing.
  public var elements: [Element] { withElements { Array($0) } }
}

extension NDArray: Block {
  /// The size of the elements, in bytes.
  public var byteCount: Int { erased.byteCount }

  /// Writes element type and shape to the header, and the elements as bulk memory.
  public func encode(into encoder: inout BlockEncoder) { erased.encode(into: &encoder) }

  /// Reads what `encode(into:)` wrote; the elements aren't copied.
  ///
  /// - Throws: `MusterError` with code `internal` where the bytes aren't such an array's.
  public static func decode(from decoder: inout BlockDecoder) throws -> NDArray {
    let erased = try AnyNDArray.decode(from: &decoder)
    guard erased.elementType == Element.elementType else {
      throw MusterError(.internal, "an array of \(erased.elementType) arrived, not of \(Element.elementType)")
    }
    return NDArray(erased)
  }
}

extension NDArray: DigestibleContents {
  package func withContents<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    withElements { body(UnsafeRawBufferPointer($0)) }
  }
}
