public import ComplexModule

/// The element types of arrays, as values: what a file or a message says its elements are.
public enum ElementType: UInt8, Sendable, Hashable, Codable, CaseIterable, CustomStringConvertible {
  case float64, float32
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case bool
  case complex128, complex64

  /// The size of one element, in bytes.
  public var byteCount: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .int16, .uint16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64, .complex64: 8
    case .complex128: 16
    }
  }

  /// The name of the Swift type: `Double`, `Complex<Float>`.
  public var description: String {
    switch self {
    case .float64: "Double"
    case .float32: "Float"
    case .int8: "Int8"
    case .int16: "Int16"
    case .int32: "Int32"
    case .int64: "Int"
    case .uint8: "UInt8"
    case .uint16: "UInt16"
    case .uint32: "UInt32"
    case .uint64: "UInt"
    case .bool: "Bool"
    case .complex128: "Complex<Double>"
    case .complex64: "Complex<Float>"
    }
  }
}

/// A type that arrays can hold: trivial, of fixed size, its bytes being its value.
public protocol ArrayElement: Sendable, Equatable {
  static var elementType: ElementType { get }
}

extension Double: ArrayElement { public static var elementType: ElementType { .float64 } }
extension Float: ArrayElement { public static var elementType: ElementType { .float32 } }
extension Int8: ArrayElement { public static var elementType: ElementType { .int8 } }
extension Int16: ArrayElement { public static var elementType: ElementType { .int16 } }
extension Int32: ArrayElement { public static var elementType: ElementType { .int32 } }
extension Int64: ArrayElement { public static var elementType: ElementType { .int64 } }
extension Int: ArrayElement { public static var elementType: ElementType { .int64 } }
extension UInt8: ArrayElement { public static var elementType: ElementType { .uint8 } }
extension UInt16: ArrayElement { public static var elementType: ElementType { .uint16 } }
extension UInt32: ArrayElement { public static var elementType: ElementType { .uint32 } }
extension UInt64: ArrayElement { public static var elementType: ElementType { .uint64 } }
extension UInt: ArrayElement { public static var elementType: ElementType { .uint64 } }
extension Bool: ArrayElement { public static var elementType: ElementType { .bool } }
extension Complex: ArrayElement where RealType: ArrayElement {
  public static var elementType: ElementType { RealType.elementType == .float64 ? .complex128 : .complex64 }
}
