/// Items with keys.
struct DecodedFields<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoder: ValueDecoder
  let fields: FieldPlaces
  var codingPath: [any CodingKey] { decoder.codingPath }
  var allKeys: [Key] { fields.names().compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { fields.place(of: key.stringValue) != nil }

  private func item(_ key: Key) throws -> ValueDecoder {
    guard let place = fields.place(of: key.stringValue) else {
      throw DecodingError.keyNotFound(
        key, DecodingError.Context(codingPath: codingPath, debugDescription: "nothing was written for that key"))
    }
    return ValueDecoder(decoder.bytes, at: place, in: decoder, step: .key(key))
  }

  func decodeNil(forKey key: Key) throws -> Bool { try item(key).isNull() }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try item(key).read(type) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try item(key).read(type) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try item(key).readFloating(type) }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try item(key).readFloating(type) }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try item(key).readInteger(type) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try item(key).readInteger(type) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try item(key).readInteger(type) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try item(key).readInteger(type) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try item(key).readInteger(type) }
  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try item(key).readInteger(type) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try item(key).readInteger(type) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try item(key).readInteger(type) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try item(key).readInteger(type) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try item(key).readInteger(type) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try item(key).readInteger(type) }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try item(key).readInteger(type) }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try item(key).readValue(type) }

  func nestedContainer<Other: CodingKey>(
    keyedBy type: Other.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Other> { try item(key).container(keyedBy: type) }
  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try item(key).unkeyedContainer()
  }
  func superDecoder() throws -> any Decoder {
    guard let place = fields.place(of: CodingStep.parentName) else {
      throw DecodingError.keyNotFound(
        CodingStep.parent.key!,
        DecodingError.Context(codingPath: codingPath, debugDescription: "nothing was written for the parent"))
    }
    return ValueDecoder(decoder.bytes, at: place, in: decoder, step: .parent)
  }
  func superDecoder(forKey key: Key) throws -> any Decoder { try item(key) }
}

/// Items one after the other, or numbers that are in memory so.
struct DecodedList: UnkeyedDecodingContainer {
  private enum Place {
    /// Where the next item is.
    case items(Int)
    case numbers(CodedBytes.Numbers)
    case records(CodedBytes.Records)
  }

  private let decoder: ValueDecoder
  private var place: Place
  private let total: Int
  private(set) var currentIndex = 0

  init(decoder: ValueDecoder) throws {
    self.decoder = decoder
    var cursor = decoder.bytes.cursor(at: decoder.offset)
    let item = try cursor.item()
    switch item {
    case .list:
      let length = try cursor.length()
      total = try cursor.bits(Int.self)
      // Each item takes a byte at least.
      guard total >= 0, total <= length else { throw CodedBytes.damaged }
      place = .items(cursor.offset)
    default:
      if let numbers = try cursor.numbers(item) {
        (total, place) = (numbers.count, .numbers(numbers))
        try decoder.bytes.expect(numbers.place, byteCount: numbers.byteCount)
      } else if let records = try cursor.records(item) {
        (total, place) = (records.count, .records(records))
        try decoder.bytes.expect(records.place, byteCount: records.byteCount)
      } else {
        throw decoder.mismatch([Any].self, item)
      }
    }
  }

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { total }
  var isAtEnd: Bool { currentIndex >= total }

  private func next<T>(as type: T.Type) throws -> ValueDecoder {
    let step = CodingStep.index(currentIndex)
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(
        type,
        DecodingError.Context(
          codingPath: codingPath + [step.key].compactMap { $0 }, debugDescription: "only \(total) were written"))
    }
    switch place {
    case .items(let offset): return ValueDecoder(decoder.bytes, at: offset, in: decoder, step: step)
    case .numbers(let numbers):
      return ValueDecoder(try decoder.bytes.element(currentIndex, of: numbers), in: decoder, step: step)
    case .records(let records):
      return ValueDecoder(try decoder.bytes.element(currentIndex, of: records), in: decoder, step: step)
    }
  }

  /// Goes on only where the item could be read.
  private mutating func take<T>(_ type: T.Type, _ read: (ValueDecoder) throws -> T) throws -> T {
    let value = try read(next(as: type))
    if case .items(let offset) = place {
      var cursor = decoder.bytes.cursor(at: offset)
      try cursor.skip()
      place = .items(cursor.offset)
    }
    currentIndex += 1
    return value
  }

  mutating func decodeNil() throws -> Bool {
    guard try next(as: Never?.self).isNull() else { return false }
    return try take(Bool.self) { _ in true }
  }
  mutating func decode(_ type: Bool.Type) throws -> Bool { try take(type) { try $0.read(type) } }
  mutating func decode(_ type: String.Type) throws -> String { try take(type) { try $0.read(type) } }
  mutating func decode(_ type: Double.Type) throws -> Double { try take(type) { try $0.readFloating(type) } }
  mutating func decode(_ type: Float.Type) throws -> Float { try take(type) { try $0.readFloating(type) } }
  mutating func decode(_ type: Int.Type) throws -> Int { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: Int8.Type) throws -> Int8 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: Int16.Type) throws -> Int16 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: Int32.Type) throws -> Int32 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: Int64.Type) throws -> Int64 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: Int128.Type) throws -> Int128 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: UInt.Type) throws -> UInt { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try take(type) { try $0.readInteger(type) } }
  mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try take(type) { try $0.readInteger(type) } }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T { try take(type) { try $0.readValue(type) } }

  mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    try take(KeyedDecodingContainer<Key>.self) { try $0.container(keyedBy: type) }
  }
  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try take((any UnkeyedDecodingContainer).self) { try $0.unkeyedContainer() }
  }
  mutating func superDecoder() throws -> any Decoder { try take((any Decoder).self) { $0 } }
}

/// An item that is one value.
struct DecodedValue: SingleValueDecodingContainer {
  let decoder: ValueDecoder
  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { (try? decoder.isNull()) ?? false }
  func decode(_ type: Bool.Type) throws -> Bool { try decoder.read(type) }
  func decode(_ type: String.Type) throws -> String { try decoder.read(type) }
  func decode(_ type: Double.Type) throws -> Double { try decoder.readFloating(type) }
  func decode(_ type: Float.Type) throws -> Float { try decoder.readFloating(type) }
  func decode(_ type: Int.Type) throws -> Int { try decoder.readInteger(type) }
  func decode(_ type: Int8.Type) throws -> Int8 { try decoder.readInteger(type) }
  func decode(_ type: Int16.Type) throws -> Int16 { try decoder.readInteger(type) }
  func decode(_ type: Int32.Type) throws -> Int32 { try decoder.readInteger(type) }
  func decode(_ type: Int64.Type) throws -> Int64 { try decoder.readInteger(type) }
  func decode(_ type: Int128.Type) throws -> Int128 { try decoder.readInteger(type) }
  func decode(_ type: UInt.Type) throws -> UInt { try decoder.readInteger(type) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try decoder.readInteger(type) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try decoder.readInteger(type) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try decoder.readInteger(type) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try decoder.readInteger(type) }
  func decode(_ type: UInt128.Type) throws -> UInt128 { try decoder.readInteger(type) }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.readValue(type) }
}
