internal import ComplexModule

/// One element whose type is a value: a constant in an expression.
///
/// Two are equal where type and bits are, so NaN equals itself and 0 isn't -0: what sharing subexpressions needs.
package struct ScalarValue: Sendable, Hashable {
  package let elementType: ElementType
  private let low: UInt64
  private let high: UInt64

  package init<Element: ArrayElement>(_ value: Element) {
    var words: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &words) { target in
      withUnsafeBytes(of: value) { target.copyMemory(from: $0) }
    }
    elementType = Element.elementType
    (low, high) = words
  }

  /// The first `byteCount` bytes are an element's.
  package init(elementType: ElementType, bytes: UnsafeRawPointer) {
    var words: (UInt64, UInt64) = (0, 0)
    withUnsafeMutableBytes(of: &words) { $0.baseAddress?.copyMemory(from: bytes, byteCount: elementType.byteCount) }
    self.elementType = elementType
    (low, high) = words
  }

  /// Writes the element's bytes.
  package func store(to target: UnsafeMutableRawPointer) {
    withUnsafeBytes(of: (low, high)) { bytes in
      if let source = bytes.baseAddress { target.copyMemory(from: source, byteCount: elementType.byteCount) }
    }
  }

  /// - Precondition: the element type is the value's.
  package func value<Element: ArrayElement>(as type: Element.Type = Element.self) -> Element {
    require(elementType == Element.elementType, "\(elementType) isn't \(Element.elementType)")
    return withUnsafeBytes(of: (low, high)) { $0.loadUnaligned(as: Element.self) }
  }
}

extension ScalarValue: CustomStringConvertible {
  /// The value as Swift prints it.
  package var description: String {
    func text<Element: ArrayElement>(_ type: Element.Type) -> String { "\(value(as: type))" }
    return switch elementType {
    case .float64: text(Double.self)
    case .float32: text(Float.self)
    case .int8: text(Int8.self)
    case .int16: text(Int16.self)
    case .int32: text(Int32.self)
    case .int64: text(Int.self)
    case .uint8: text(UInt8.self)
    case .uint16: text(UInt16.self)
    case .uint32: text(UInt32.self)
    case .uint64: text(UInt.self)
    case .bool: text(Bool.self)
    case .complex128: text(Complex<Double>.self)
    case .complex64: text(Complex<Float>.self)
    }
  }
}
