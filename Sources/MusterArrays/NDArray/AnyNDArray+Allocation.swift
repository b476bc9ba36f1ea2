package import MusterRuntime

extension AnyNDArray {
  /// An array of uninitialised elements, for the one that fills it.
  ///
  /// - Precondition: no length is negative.
  /// - Throws: `MusterError` with code `outOfMemory`, naming element type, shape and bytes.
  package init(allocating elementType: ElementType, shape: [Int]) throws(MusterError) {
    require(shape.allSatisfy { $0 >= 0 }, "an array of shape \(shape): its lengths have to be at least 0")
    func purpose() -> String { "an array of \(elementType) and shape \(shape)" }
    guard let byteCount = Self.byteCount(of: elementType, shape: shape) else {
      throw MusterError(outOfMemoryFor: purpose(), byteCount: nil)
    }
    self.init(
      elementType: elementType, shape: shape, storage: try BlockStorage(allocating: byteCount, for: purpose()))
  }

  /// nil where it is beyond what can be counted.
  private static func byteCount(of elementType: ElementType, shape: [Int]) -> Int? {
    Shapes.product(shape + [elementType.byteCount])
  }
}

extension AnyNDArray {
  /// What a closure makes; where it finds no memory for it, the process ends with a message. For callers that can't
  /// throw, which no task is.
  static func orEnd(_ body: () throws(MusterError) -> AnyNDArray) -> AnyNDArray {
    do { return try body() } catch { BlockStorage.end(error) }
  }
}

extension NDArray {
  /// An array whose elements the closure fills, all of them.
  ///
  /// - Throws: `MusterError` with code `outOfMemory`, and what the closure throws.
  init(allocating shape: [Int], initializingWith body: (UnsafeMutableBufferPointer<Element>) throws -> Void) throws {
    let erased = try AnyNDArray(allocating: Element.elementType, shape: shape)
    let count = erased.count
    try body(
      UnsafeMutableBufferPointer(
        start: erased.storage.bytes.bindMemory(to: Element.self, capacity: count), count: count))
    self.init(erased)
  }
}
