/// How values of a type cross to another rank.
@usableFromInline
enum ValueWay {
  /// As its bytes: there is nothing else to it.
  case bytes
  /// An array whose elements are nothing but bytes, or blocks, or such arrays.
  case array
  /// As the block that it is, such as an `NDArray`.
  case block
  /// In its `Codable` form.
  case coded
  /// Not at all.
  case unable

  /// Why a value of a type can't cross, as the fix of an error; nil where it can.
  static func refusal<Value>(of type: Value.Type) -> String? {
    guard let way = ValueWay(type) else {
      return "Make \(Value.self) Codable, or yield a struct that is instead of a tuple"
    }
    var holder: Any.Type = Value.self
    switch way {
    case .bytes: break
    case .array: holder = (type as! any BulkArray.Type).leafType
    case .block, .coded, .unable: return nil
    }
    guard AddressFields.are(in: holder) else { return nil }
    return
      "It holds an address (a pointer, a StaticString, a type), which means nothing in another process: use a String, or"
      + " an index, in its place"
  }

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
      self = .coded
    } else {
      return nil
    }
  }

  /// What a value holds, and whether it is copied to be encoded.
  @usableFromInline
  func held<Value>(by value: Value) -> HeldBytes {
    switch self {
    case .block: return HeldBytes((value as! any Block).byteCount)
    case .bytes, .unable: return HeldBytes(ValueSize.bytes(of: value))
    case .array:
      let bytes = ValueSize.bytes(of: value)
      return HeldBytes(bytes, copied: (type(of: value) as! any BulkArray.Type).isCopied ? bytes : 0)
    case .coded: return ValueSize.held(byCoded: value)
    }
  }

  /// - Parameter byteCount: What the value holds, where that is known.
  func encode<Value>(_ value: Value, byteCount: Int = 0, into encoder: inout BlockEncoder) {
    switch self {
    case .bytes: encoder.append(bytes: withUnsafeBytes(of: value) { Array($0) })
    case .block: (value as! any Block).encode(into: &encoder)
    case .array: (value as! any BulkArray).encodeBulk(into: &encoder)
    case .coded: CodedValue.encode(value, byteCount: byteCount, into: &encoder)
    case .unable: preconditionFailure("a \(Value.self) can't cross to another rank")
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
    case .coded:
      let codable = type as! any Codable.Type
      return try CodedValue.decode(codable, from: &decoder)
    case .unable: preconditionFailure("a \(Value.self) can't cross to another rank")
    }
  }
}
