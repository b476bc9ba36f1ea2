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
    guard Element.number != .bool else {
      // Other bytes than 0 and 1 are no `Bool`s.
      self = bytes.map { $0 != 0 } as! [Element]
      return
    }
    let count = bytes.count / MemoryLayout<Element>.stride
    // The one empty array is every thread's: its count isn't to be written again.
    guard count > 0 else {
      self = []
      return
    }
    self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
      // Safe: the bytes are those of `count` numbers, which have no references.
      if let start = bytes.baseAddress, let target = buffer.baseAddress, count > 0 {
        UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: count * MemoryLayout<Element>.stride)
      }
      initialized = count
    }
  }
}

extension Data: CodedNumbers {
  static var number: CodedNumber { .uint8 }
  func withNumbers(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }
  init(numbers: UnsafeRawBufferPointer) {
    self.init(bytes: numbers.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, count: numbers.count)
  }
}

/// What is known of a type in a value: whether there is a shorter way than its `Codable` form.
enum CodedType {
  case text
  case int
  case double
  case float
  case bool
  case numbers(any CodedNumbers.Type)
  case others

  /// The types that were asked for, since to look at one takes longer than to write most values.
  struct Cache {
    private var known: [ObjectIdentifier: CodedType] = [:]

    mutating func callAsFunction<T>(_ type: T.Type) -> CodedType {
      let key = ObjectIdentifier(type)
      if let known = known[key] { return known }
      let found = CodedType(type)
      known[key] = found
      return found
    }
  }

  private init<T>(_ type: T.Type) {
    self =
      if type == String.self {
        .text
      } else if type == Int.self {
        .int
      } else if type == Double.self {
        .double
      } else if type == Float.self {
        .float
      } else if type == Bool.self {
        .bool
      } else if let numbers = type as? any CodedNumbers.Type {
        .numbers(numbers)
      } else {
        .others
      }
  }
}
