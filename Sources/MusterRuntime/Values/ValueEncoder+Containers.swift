/// Items with keys.
struct EncodedFields<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: ValueEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil(forKey key: Key) {
    _ = encoder.begin(key)
    encoder.writeNull()
  }
  func encode(_ value: Bool, forKey key: Key) {
    _ = encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: String, forKey key: Key) {
    _ = encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: Double, forKey key: Key) {
    _ = encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: Float, forKey key: Key) {
    _ = encoder.begin(key)
    encoder.write(value)
  }
  func encode(_ value: Int, forKey key: Key) { write(value, key) }
  func encode(_ value: Int8, forKey key: Key) { write(value, key) }
  func encode(_ value: Int16, forKey key: Key) { write(value, key) }
  func encode(_ value: Int32, forKey key: Key) { write(value, key) }
  func encode(_ value: Int64, forKey key: Key) { write(value, key) }
  func encode(_ value: Int128, forKey key: Key) { write(value, key) }
  func encode(_ value: UInt, forKey key: Key) { write(value, key) }
  func encode(_ value: UInt8, forKey key: Key) { write(value, key) }
  func encode(_ value: UInt16, forKey key: Key) { write(value, key) }
  func encode(_ value: UInt32, forKey key: Key) { write(value, key) }
  func encode(_ value: UInt64, forKey key: Key) { write(value, key) }
  func encode(_ value: UInt128, forKey key: Key) { write(value, key) }
  private func write(_ value: some FixedWidthInteger, _ key: Key) {
    _ = encoder.begin(key)
    encoder.write(value)
  }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    let offset = encoder.bytes.count
    do { try encoder.write(value, at: encoder.begin(key)) } catch {
      encoder.takeBack(to: offset)
      throw error
    }
  }

  func nestedContainer<Other: CodingKey>(keyedBy type: Other.Type, forKey key: Key) -> KeyedEncodingContainer<Other> {
    encoder.nest(at: encoder.begin(key)).container(keyedBy: type)
  }
  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoder.nest(at: encoder.begin(key)).unkeyedContainer()
  }
  func superEncoder() -> any Encoder {
    encoder.write(key: CodingStep.parentName)
    return encoder.nest(at: .parent)
  }
  func superEncoder(forKey key: Key) -> any Encoder { encoder.nest(at: encoder.begin(key)) }
}

/// Items one after the other.
struct EncodedList: UnkeyedEncodingContainer {
  let encoder: ValueEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { encoder.count }

  func encodeNil() {
    _ = encoder.beginElement()
    encoder.writeNull()
  }
  func encode(_ value: Bool) {
    _ = encoder.beginElement()
    encoder.write(value)
  }
  func encode(_ value: String) {
    _ = encoder.beginElement()
    encoder.write(value)
  }
  func encode(_ value: Double) {
    _ = encoder.beginElement()
    encoder.write(value)
  }
  func encode(_ value: Float) {
    _ = encoder.beginElement()
    encoder.write(value)
  }
  func encode(_ value: Int) { write(value) }
  func encode(_ value: Int8) { write(value) }
  func encode(_ value: Int16) { write(value) }
  func encode(_ value: Int32) { write(value) }
  func encode(_ value: Int64) { write(value) }
  func encode(_ value: Int128) { write(value) }
  func encode(_ value: UInt) { write(value) }
  func encode(_ value: UInt8) { write(value) }
  func encode(_ value: UInt16) { write(value) }
  func encode(_ value: UInt32) { write(value) }
  func encode(_ value: UInt64) { write(value) }
  func encode(_ value: UInt128) { write(value) }
  private func write(_ value: some FixedWidthInteger) {
    _ = encoder.beginElement()
    encoder.write(value)
  }

  func encode<T: Encodable>(_ value: T) throws {
    let offset = encoder.bytes.count
    do { try encoder.write(value, at: encoder.beginElement()) } catch {
      encoder.takeBack(to: offset)
      throw error
    }
  }

  func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    encoder.nest(at: encoder.beginElement()).container(keyedBy: type)
  }
  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    encoder.nest(at: encoder.beginElement()).unkeyedContainer()
  }
  func superEncoder() -> any Encoder { encoder.nest(at: encoder.beginElement()) }
}

/// An item that is one value.
struct EncodedValue: SingleValueEncodingContainer {
  let encoder: ValueEncoder
  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil() {
    encoder.beginSingle()
    encoder.writeNull()
  }
  func encode(_ value: Bool) {
    encoder.beginSingle()
    encoder.write(value)
  }
  func encode(_ value: String) {
    encoder.beginSingle()
    encoder.write(value)
  }
  func encode(_ value: Double) {
    encoder.beginSingle()
    encoder.write(value)
  }
  func encode(_ value: Float) {
    encoder.beginSingle()
    encoder.write(value)
  }
  func encode(_ value: Int) { write(value) }
  func encode(_ value: Int8) { write(value) }
  func encode(_ value: Int16) { write(value) }
  func encode(_ value: Int32) { write(value) }
  func encode(_ value: Int64) { write(value) }
  func encode(_ value: Int128) { write(value) }
  func encode(_ value: UInt) { write(value) }
  func encode(_ value: UInt8) { write(value) }
  func encode(_ value: UInt16) { write(value) }
  func encode(_ value: UInt32) { write(value) }
  func encode(_ value: UInt64) { write(value) }
  func encode(_ value: UInt128) { write(value) }
  private func write(_ value: some FixedWidthInteger) {
    encoder.beginSingle()
    encoder.write(value)
  }

  func encode<T: Encodable>(_ value: T) throws {
    encoder.beginSingle()
    let offset = encoder.bytes.count
    do { try encoder.write(value, at: .root) } catch {
      encoder.takeBack(to: offset)
      throw error
    }
  }
}
