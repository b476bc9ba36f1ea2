/// A task's value as a block. It stays as it is in memory, and crosses to other ranks as bytes where it is nothing but
/// bytes, or an array of such values; else as JSON of its `Codable` form.
struct ValueBlock<Value: Codable & Sendable>: Block {
  let value: Value

  var byteCount: Int { ValueSize.bytes(of: value) }

  func encode(into encoder: inout BlockEncoder) {
    if BulkValue.append(value, to: &encoder) { return }
    if let array = value as? any BulkArray, array.appendBulk(to: &encoder) { return }
    do {
      let text = try JSON.encode(value)
      encoder.append(true)
      encoder.append(bytes: text)
    } catch {
      // Only the receiver can throw.
      encoder.append(false)
      encoder.append(bytes: Array("\(error)".utf8))
    }
  }

  static func decode(from decoder: inout BlockDecoder) throws -> ValueBlock {
    if let value = try BulkValue.read(Value.self, from: &decoder) { return ValueBlock(value: value) }
    if let type = Value.self as? any BulkArray.Type, let array = try type.readBulk(from: &decoder) as? Value {
      return ValueBlock(value: array)
    }
    let isEncoded = try decoder.read(Bool.self)
    let bytes = try decoder.readBytes()
    var reason = String(decoding: bytes, as: UTF8.self)
    if isEncoded {
      do { return ValueBlock(value: try JSON.decode(Value.self, from: bytes)) } catch { reason = "\(error)" }
    }
    throw MusterError(
      .taskFailed, "a value of type \(Value.self) can't cross to another rank: \(reason)",
      fix: "Look at its encode(to:) and init(from:)")
  }
}

/// A value that is nothing but bytes, and that isn't `Codable`, as a block.
struct BytesBlock<Value: BitwiseCopyable & Sendable>: Block {
  let value: Value

  var byteCount: Int { MemoryLayout<Value>.size }
  func encode(into encoder: inout BlockEncoder) { encoder.append(value) }
  static func decode(from decoder: inout BlockDecoder) throws -> BytesBlock {
    BytesBlock(value: try decoder.read(Value.self))
  }
}

/// Values whose type turns out to be nothing but bytes.
private enum BulkValue {
  /// - Returns: whether it is one. `_isPOD` says what `BitwiseCopyable` says, of a type that is known at run time only.
  static func append<Value>(_ value: Value, to encoder: inout BlockEncoder) -> Bool {
    guard _isPOD(Value.self) else { return false }
    encoder.append(bytes: withUnsafeBytes(of: value) { Array($0) })
    return true
  }

  static func read<Value>(_ type: Value.Type, from decoder: inout BlockDecoder) throws -> Value? {
    guard _isPOD(Value.self) else { return nil }
    let bytes = try decoder.readBytes()
    guard bytes.count == MemoryLayout<Value>.size else {
      throw MusterError(.internal, "a \(Value.self) arrived as \(bytes.count) bytes")
    }
    // Safe: the bytes are those of a `Value`, which has no references.
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 0, as: Value.self) }
  }
}

/// Arrays whose elements turn out to be nothing but bytes.
private protocol BulkArray {
  func appendBulk(to encoder: inout BlockEncoder) -> Bool
  static func readBulk(from decoder: inout BlockDecoder) throws -> Self?
}

extension Array: BulkArray {
  func appendBulk(to encoder: inout BlockEncoder) -> Bool {
    guard _isPOD(Element.self) else { return false }
    withUnsafeBytes { bytes in
      let storage = BlockStorage(byteCount: bytes.count)
      if let start = bytes.baseAddress { storage.bytes.copyMemory(from: start, byteCount: bytes.count) }
      encoder.append(count)
      encoder.append(storage, byteCount: bytes.count)
    }
    return true
  }

  static func readBulk(from decoder: inout BlockDecoder) throws -> [Element]? {
    guard _isPOD(Element.self) else { return nil }
    let count = try decoder.read(Int.self)
    let storage = try decoder.readStorage()
    guard count >= 0, storage.byteCount == count * MemoryLayout<Element>.stride else {
      throw MusterError(.internal, "\(count) elements of type \(Element.self) arrived as \(storage.byteCount) bytes")
    }
    return withExtendedLifetime(storage) {
      [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
        // Safe: the bytes are those of `count` elements, which have no references.
        if count > 0 {
          UnsafeMutableRawPointer(buffer.baseAddress!).copyMemory(from: storage.bytes, byteCount: storage.byteCount)
        }
        initialized = count
      }
    }
  }
}
