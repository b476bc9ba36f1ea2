internal import FoundationEssentials

/// The types of which arrays are written by their memory, wherever in a value they are.
enum CodedNumber: UInt8 {
  case int8
  case int16
  case int32
  case int64
  case uint8
  case uint16
  case uint32
  case uint64
  case float
  case double
  case bool

  var stride: Int {
    switch self {
    case .int8, .uint8, .bool: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    }
  }
}

/// A number that an array may hold as its bytes alone.
protocol CodedElement: BitwiseCopyable {
  static var number: CodedNumber { get }
}

extension Int8: CodedElement { static var number: CodedNumber { .int8 } }
extension Int16: CodedElement { static var number: CodedNumber { .int16 } }
extension Int32: CodedElement { static var number: CodedNumber { .int32 } }
extension Int64: CodedElement { static var number: CodedNumber { .int64 } }
extension Int: CodedElement { static var number: CodedNumber { .int64 } }
extension UInt8: CodedElement { static var number: CodedNumber { .uint8 } }
extension UInt16: CodedElement { static var number: CodedNumber { .uint16 } }
extension UInt32: CodedElement { static var number: CodedNumber { .uint32 } }
extension UInt64: CodedElement { static var number: CodedNumber { .uint64 } }
extension UInt: CodedElement { static var number: CodedNumber { .uint64 } }
extension Float: CodedElement { static var number: CodedNumber { .float } }
extension Double: CodedElement { static var number: CodedNumber { .double } }
extension Bool: CodedElement { static var number: CodedNumber { .bool } }

/// Many numbers, in memory one after the other.
protocol CodedNumbers {
  static var number: CodedNumber { get }
  var count: Int { get }
  func withNumbers(_ body: (UnsafeRawBufferPointer) -> Void)
  /// - Precondition: The bytes are those of whole numbers.
  init(numbers: UnsafeRawBufferPointer)
}

extension Array: CodedNumbers where Element: CodedElement {
  static var number: CodedNumber { Element.number }
  func withNumbers(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }

  init(numbers bytes: UnsafeRawBufferPointer) {
    // Other bytes than 0 and 1 are no `Bool`s.
    self =
      Element.number == .bool
      ? bytes.map { $0 != 0 } as! [Element] : Self.copy(bytes[...], count: bytes.count / MemoryLayout<Element>.stride)
  }
}

extension Data: CodedNumbers {
  static var number: CodedNumber { .uint8 }
  func withNumbers(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
  init(numbers: UnsafeRawBufferPointer) {
    self.init(bytes: numbers.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: numbers.count)
  }
}
