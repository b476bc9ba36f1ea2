/// A task's value as a block. It stays as it is in memory, and crosses to other ranks in the way of its type.
struct ValueBlock<Value: Sendable>: Block {
  let value: Value

  var byteCount: Int { (value as? any Block)?.byteCount ?? ValueSize.bytes(of: value) }

  func encode(into encoder: inout BlockEncoder) { Self.way.encode(value, into: &encoder) }

  static func decode(from decoder: inout BlockDecoder) throws -> ValueBlock {
    guard let value = try way.decode(Value.self, from: &decoder) as? Value else {
      throw MusterError(.internal, "a value that isn't a \(Value.self) arrived in its place")
    }
    return ValueBlock(value: value)
  }

  private static var way: ValueWay { ValueWay(Value.self) ?? .unable }
}

/// How values of a type cross to another rank.
enum ValueWay {
  /// As its bytes: there is nothing else to it.
  case bytes
  /// An array whose elements are nothing but bytes, or blocks.
  case array
  /// As the block that it is, such as an `NDArray`.
  case block
  /// As JSON of its `Codable` form.
  case text
  /// Not at all.
  case unable

  /// nil where a value of the type can't cross.
  init?(_ type: (some Any).Type) {
    // What `BitwiseCopyable` says of a type that is known when compiling, `_isPOD` says at run time.
    if _isPOD(type) {
      self = .bytes
    } else if type is any Block.Type {
      self = .block
    } else if let array = type as? any BulkArray.Type, array.isBulk {
      self = .array
    } else if type is any Codable.Type {
      self = .text
    } else {
      return nil
    }
  }

  func encode<Value>(_ value: Value, into encoder: inout BlockEncoder) {
    switch self {
    case .bytes: encoder.append(bytes: withUnsafeBytes(of: value) { Array($0) })
    case .block: (value as! any Block).encode(into: &encoder)
    case .array: (value as! any BulkArray).encodeBulk(into: &encoder)
    case .text:
      let codable = value as! any Codable
      encodeText(codable, into: &encoder)
    case .unable: preconditionFailure("a \(Value.self) can't cross to another rank")
    }
  }

  private func encodeText<T: Codable>(_ value: T, into encoder: inout BlockEncoder) {
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

  func decode<Value>(_ type: Value.Type, from decoder: inout BlockDecoder) throws -> Any {
    switch self {
    case .bytes:
      let bytes = try decoder.readBytes()
      guard bytes.count == MemoryLayout<Value>.size else {
        throw MusterError(.internal, "a \(Value.self) arrived as \(bytes.count) bytes")
      }
      // Safe: the bytes are those of a `Value`, which has no references.
      return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 0, as: Value.self) }
    case .block: return try (type as! any Block.Type).decode(from: &decoder)
    case .array: return try (type as! any BulkArray.Type).decodeBulk(from: &decoder)
    case .text:
      let codable = type as! any Codable.Type
      return try decodeText(codable, from: &decoder)
    case .unable: preconditionFailure("a \(Value.self) can't cross to another rank")
    }
  }

  private func decodeText<T: Codable>(_ type: T.Type, from decoder: inout BlockDecoder) throws -> T {
    let isEncoded = try decoder.read(Bool.self)
    let bytes = try decoder.readBytes()
    var reason = String(decoding: bytes, as: UTF8.self)
    if isEncoded {
      do { return try JSON.decode(type, from: bytes) } catch { reason = "\(error)" }
    }
    throw MusterError(
      .taskFailed, "a value of type \(T.self) can't cross to another rank: \(reason)",
      fix: "Look at its encode(to:) and init(from:)")
  }
}

/// Arrays whose elements turn out to be nothing but bytes, or blocks.
private protocol BulkArray {
  static var isBulk: Bool { get }
  func encodeBulk(into encoder: inout BlockEncoder)
  static func decodeBulk(from decoder: inout BlockDecoder) throws -> Self
}

extension Array: BulkArray {
  static var isBulk: Bool { _isPOD(Element.self) || Element.self is any Block.Type }

  func encodeBulk(into encoder: inout BlockEncoder) {
    encoder.append(count)
    guard _isPOD(Element.self) else {
      for element in self { (element as! any Block).encode(into: &encoder) }
      return
    }
    withUnsafeBytes { bytes in
      let storage = BlockStorage(byteCount: bytes.count)
      if let start = bytes.baseAddress { storage.bytes.copyMemory(from: start, byteCount: bytes.count) }
      encoder.append(storage, byteCount: bytes.count)
    }
  }

  static func decodeBulk(from decoder: inout BlockDecoder) throws -> [Element] {
    let count = try decoder.read(Int.self)
    if let type = Element.self as? any Block.Type {
      return try (0..<Swift.max(0, count)).map { _ in try type.decode(from: &decoder) as! Element }
    }
    let storage = try decoder.readStorage()
    guard count >= 0, storage.byteCount == count * MemoryLayout<Element>.stride else {
      throw MusterError(.internal, "\(count) elements of type \(Element.self) arrived as \(storage.byteCount) bytes")
    }
    return withExtendedLifetime(storage) {
      [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
        // Safe: the bytes are those of `count` elements, which have no references.
        if let start = buffer.baseAddress, count > 0 {
          UnsafeMutableRawPointer(start).copyMemory(from: storage.bytes, byteCount: storage.byteCount)
        }
        initialized = count
      }
    }
  }
}
