/// Reads one item of a value in its `Codable` form, see `CodedItem`.
///
/// What was written as one type of integer is read as another where that holds it, and any number as one of floating point,
/// the nearest. One of floating point is no integer, whatever its value: a type that tries both finds what it wrote.
///
/// A class, since each item that is a container refers to the one around it. Not `Sendable`: used on one thread.
final class ValueDecoder: Decoder, CodingPlace {
  let bytes: CodedBytes
  /// Where the item begins.
  let offset: Int
  let container: ValueDecoder?
  let step: CodingStep
  private let depth: Int

  init(_ bytes: CodedBytes, at offset: Int = 0, in container: ValueDecoder? = nil, step: CodingStep = .root) {
    (self.bytes, self.offset, self.container, self.step) = (bytes, offset, container, step)
    depth = container.map { $0.depth + 1 } ?? 0
  }

  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(DecodedFields<Key>(decoder: self, fields: try FieldPlaces(of: self)))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try DecodedList(decoder: self) }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { DecodedValue(decoder: self) }

  func mismatch(_ wanted: Any.Type, _ found: CodedItem) -> DecodingError {
    let words = "a \(wanted) is asked for where \(found == .null ? "nothing was" : "a \(found) was") written"
    let context = DecodingError.Context(codingPath: codingPath, debugDescription: words)
    return found == .null ? .valueNotFound(wanted, context) : .typeMismatch(wanted, context)
  }

  // MARK: Items

  func isNull() throws -> Bool { try bytes.item(at: offset) == .null }

  func read(_ type: Bool.Type) throws -> Bool {
    switch try bytes.item(at: offset) {
    case .no: return false
    case .yes: return true
    case let other: throw mismatch(type, other)
    }
  }

  func read(_ type: String.Type) throws -> String {
    var cursor = bytes.cursor(at: offset)
    let item = try cursor.item()
    guard item == .text else { throw mismatch(type, item) }
    return try cursor.text()
  }

  func readFloating<T: BinaryFloatingPoint>(_ type: T.Type) throws -> T {
    var cursor = bytes.cursor(at: offset)
    let item = try cursor.item()
    let value: T
    switch item {
    case .double:
      let double = Double(bitPattern: try cursor.bits(UInt64.self))
      value = narrow(double)
      guard value.isFinite || !double.isFinite else { throw beyond(type) }
    case .single: value = narrow(Float(bitPattern: try cursor.bits(UInt32.self)))
    case .natural, .negative, .signed128: return T(try readInteger(Int128.self))
    case .unsigned128: return T(try readInteger(UInt128.self))
    default: throw mismatch(type, item)
    }
    return value
  }

  /// The number itself, its bits included, where it's of that type; else the nearest one.
  private func narrow<From: BinaryFloatingPoint, T: BinaryFloatingPoint>(_ number: From) -> T {
    number as? T ?? T(number)
  }

  func readInteger<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
    var cursor = bytes.cursor(at: offset)
    let item = try cursor.item()
    let value: T?
    switch item {
    case .natural: value = T(exactly: try cursor.natural())
    case .negative: value = T(exactly: ~Int64(bitPattern: try cursor.natural()))
    case .signed128: value = T(exactly: try cursor.bits(Int128.self))
    case .unsigned128: value = T(exactly: try cursor.bits(UInt128.self))
    default: throw mismatch(type, item)
    }
    guard let value else { throw beyond(type) }
    return value
  }

  private func beyond(_ type: Any.Type) -> DecodingError {
    .dataCorrupted(
      DecodingError.Context(codingPath: codingPath, debugDescription: "the number isn't one of type \(type)"))
  }

  /// - Throws: What the type throws, and `DecodingError`.
  func readValue<T: Decodable>(_ type: T.Type) throws -> T {
    guard depth <= CodedItem.mostDepth else { throw CodedBytes.damaged }
    // Safe: that the types are the same is what was asked for.
    switch bytes.types(type) {
    case .text: return unsafeBitCast(try read(String.self), to: type)
    case .int: return unsafeBitCast(try readInteger(Int.self), to: type)
    case .double: return unsafeBitCast(try readFloating(Double.self), to: type)
    case .float: return unsafeBitCast(try readFloating(Float.self), to: type)
    case .bool: return unsafeBitCast(try read(Bool.self), to: type)
    case .numbers(let array):
      var cursor = bytes.cursor(at: offset)
      // One that was written as another type is read number by number.
      guard let numbers = try cursor.numbers(cursor.item()), numbers.type == array.number else {
        return try T(from: self)
      }
      return try bytes.array(of: numbers, as: array) as! T
    case .records(let array, let layout):
      var cursor = bytes.cursor(at: offset)
      // The same.
      guard let records = try cursor.records(cursor.item()),
        let value = try bytes.array(of: records, as: array, layout)
      else { return try T(from: self) }
      return value as! T
    case .others: return try T(from: self)
    }
  }
}
