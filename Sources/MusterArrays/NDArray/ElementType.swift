public import ComplexModule

/// The element types of arrays, as values: what a file or a message says its elements are.
public enum ElementType: UInt8, Sendable, Hashable, Codable, CaseIterable, CustomStringConvertible {
  /// Floating point of 64 and of 32 bits.
  case float64, float32
  /// Signed integers, by their bits.
  case int8, int16, int32, int64
  /// Unsigned integers, by their bits.
  case uint8, uint16, uint32, uint64
  /// Truth values, a byte each: 0 or 1.
  case bool
  /// Complex numbers, by the bits of both parts together.
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
  /// The type as a value.
  static var elementType: ElementType { get }
}

extension Double: ArrayElement {
  /// 64-bit floating point.
  public static var elementType: ElementType { .float64 }
}
extension Float: ArrayElement {
  /// 32-bit floating point.
  public static var elementType: ElementType { .float32 }
}
extension Int8: ArrayElement {
  /// 8-bit signed integers.
  public static var elementType: ElementType { .int8 }
}
extension Int16: ArrayElement {
  /// 16-bit signed integers.
  public static var elementType: ElementType { .int16 }
}
extension Int32: ArrayElement {
  /// 32-bit signed integers.
  public static var elementType: ElementType { .int32 }
}
extension Int64: ArrayElement {
  /// 64-bit signed integers: arrays of `Int64` and of `Int` are of one element type.
  public static var elementType: ElementType { .int64 }
}
extension Int: ArrayElement {
  /// 64-bit signed integers: arrays of `Int` and of `Int64` are of one element type.
  public static var elementType: ElementType { .int64 }
}
extension UInt8: ArrayElement {
  /// 8-bit unsigned integers.
  public static var elementType: ElementType { .uint8 }
}
extension UInt16: ArrayElement {
  /// 16-bit unsigned integers.
  public static var elementType: ElementType { .uint16 }
}
extension UInt32: ArrayElement {
  /// 32-bit unsigned integers.
  public static var elementType: ElementType { .uint32 }
}
extension UInt64: ArrayElement {
  /// 64-bit unsigned integers: arrays of `UInt64` and of `UInt` are of one element type.
  public static var elementType: ElementType { .uint64 }
}
extension UInt: ArrayElement {
  /// 64-bit unsigned integers: arrays of `UInt` and of `UInt64` are of one element type.
  public static var elementType: ElementType { .uint64 }
}
extension Bool: ArrayElement {
  /// Truth values, a byte each.
  public static var elementType: ElementType { .bool }
}
extension Complex: ArrayElement where RealType: ArrayElement {
  /// Complex numbers of two `Double`s, or of two `Float`s; the real part comes first in memory.
  public static var elementType: ElementType { RealType.elementType == .float64 ? .complex128 : .complex64 }
}
