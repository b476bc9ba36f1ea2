/// Items with keys.
struct EncodedFields<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: ValueEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil(forKey key: Key) throws {
    _ = try encoder.begin(key)
    encoder.writeNull()
  }
  func encode(_ value: Bool, forKey key: Key) throws {
    _ = try encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: String, forKey key: Key) throws {
    _ = try encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: Double, forKey key: Key) throws {
    _ = try encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: Float, forKey key: Key) throws {
    _ = try encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: Int, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: Int8, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: Int16, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: Int32, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: Int64, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: Int128, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: UInt, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: UInt8, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: UInt16, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: UInt32, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: UInt64, forKey key: Key) throws { try write(value, key) }
  func encode(_ value: UInt128, forKey key: Key) throws { try write(value, key) }
  private func write(_ value: some FixedWidthInteger, _ key: Key) throws {
    _ = try encoder.begin(key)
    encoder.write(value)
  }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try encoder.write(value) { try encoder.begin(key) }
  }

  func nestedContainer<Other: CodingKey>(keyedBy type: Other.Type, forKey key: Key) -> KeyedEncodingContainer<Other> {
    encoder.nest(for: key, as: .fields).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder.nest(for: key, as: .list).unkeyedContainer()
  }
  func superEncoder() -> any Encoder {
    encoder.nestParent()
  }
  func superEncoder(forKey key: Key) -> any Encoder { encoder.nest(for: key, as: .nothing) }
}

/// What writes items without keys: all of them alike, but for what stands before.
protocol KeylessItems {
  var encoder: ValueEncoder { get }
  /// Before an item.
  func begin() throws -> CodingStep
}

extension KeylessItems {
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil() throws {
    _ = try begin()
    encoder.writeNull()
  }
  func encode(_ value: Bool) throws {
    _ = try begin()
    encoder.write(value)
  }
  func encode(_ value: String) throws {
    _ = try begin()
    encoder.write(value)
  }
  func encode(_ value: Double) throws {
    _ = try begin()
    encoder.write(value)
  }
  func encode(_ value: Float) throws {
    _ = try begin()
    encoder.write(value)
  }
  func encode(_ value: Int) throws { try write(value) }
  func encode(_ value: Int8) throws { try write(value) }
  func encode(_ value: Int16) throws { try write(value) }
  func encode(_ value: Int32) throws { try write(value) }
  func encode(_ value: Int64) throws { try write(value) }
  func encode(_ value: UInt) throws { try write(value) }
  func encode(_ value: UInt8) throws { try write(value) }
  func encode(_ value: UInt16) throws { try write(value) }
  func encode(_ value: UInt32) throws { try write(value) }
  func encode(_ value: UInt64) throws { try write(value) }
  func write(_ value: some FixedWidthInteger) throws {
    _ = try begin()
    encoder.write(value)
  }

  func encode<T: Encodable>(_ value: T) throws { try encoder.write(value, after: begin) }
}

/// Items one after the other.
struct EncodedList: UnkeyedEncodingContainer, KeylessItems {
  let encoder: ValueEncoder
  var count: Int { encoder.count }

  func begin() throws -> CodingStep { try encoder.beginElement() }

  // The standard library has these of its own, which throw.
  func encode(_ value: Int128) throws { try write(value) }
  func encode(_ value: UInt128) throws { try write(value) }

  func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    encoder.nest().container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.nest().unkeyedContainer() }
  func superEncoder() -> any Encoder { encoder.nest() }
}

/// An item that is one value.
struct EncodedValue: SingleValueEncodingContainer, KeylessItems {
  let encoder: ValueEncoder

  func begin() throws -> CodingStep {
    try encoder.beginSingle()
    return .root
  }

  func encode(_ value: Int128) throws { try write(value) }
  func encode(_ value: UInt128) throws { try write(value) }
}
