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
  /// Their memory, without a copy.
  var lentStorage: BlockStorage { get }
  /// - Parameters:
  ///   - byteCount: Of whole numbers.
  ///   - fill: Writes them.
  init(numbers byteCount: Int, filledBy fill: (UnsafeMutableRawPointer) -> Void)
}

extension Array: CodedNumbers where Element: CodedElement {
  static var number: CodedNumber { Element.number }
  func withNumbers(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }

  init(numbers byteCount: Int, filledBy fill: (UnsafeMutableRawPointer) -> Void) {
    guard Element.number == .bool else {
      self.init(bytes: byteCount, filledBy: fill)
      return
    }
    // Other bytes than 0 and 1 are no `Bool`s.
    self = [UInt8](bytes: byteCount, filledBy: fill).map { $0 != 0 } as! [Element]
  }
}

extension Data: CodedNumbers {
  static var number: CodedNumber { .uint8 }
  func withNumbers(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }

  var lentStorage: BlockStorage {
    // Safe: what data of more than a few bytes hold is in an object of theirs, and stays there and as it is while somebody
    // else refers to it, which the storage does.
    withUnsafeBytes { LentStorage($0, of: self) }
  }

  init(numbers byteCount: Int, filledBy fill: (UnsafeMutableRawPointer) -> Void) {
    self.init(count: byteCount)
    withUnsafeMutableBytes { if let start = $0.baseAddress { fill(start) } }
  }
}
