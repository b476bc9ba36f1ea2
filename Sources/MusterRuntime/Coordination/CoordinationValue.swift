/// Values of queues and variables as the bytes in which they are kept on rank 0. They cross as those of delayed functions
/// do.
enum CoordinationValue {
  /// - Throws: `MusterError` with code `invalidArgument` where values of the type can't cross.
  static func encode<Value>(_ value: Value, for object: CoordinationObject) throws(MusterError) -> [UInt8] {
    var encoder = BlockEncoder()
    try way(Value.self, object).encode(value, into: &encoder)
    let buffer = WireBuffer()
    buffer.put(bytes: encoder.header)
    buffer.put(encoder.segments.count)
    for segment in encoder.segments {
      buffer.put(
        bytes: UnsafeRawBufferPointer(start: segment.storage.bytes + segment.offset, count: segment.byteCount))
    }
    return buffer.contents
  }

  /// - Throws: `MusterError` with code `taskFailed` where the value's own encoding or decoding threw, `outOfMemory`
  ///   where there isn't the memory for it, `internal` where the bytes are damaged.
  static func decode<Value>(_ type: Value.Type, from bytes: [UInt8], of object: CoordinationObject) throws -> Value {
    var decoder = try bytes.withUnsafeBytes { raw in
      var reader = WireReader(raw)
      let header = Array(reader.getBytes())
      let storages = try (0..<reader.get(Int.self)).map { _ in
        let part = reader.getBytes()
        let storage = try BlockStorage(allocating: part.count, for: "a value of \(object.text)")
        if let start = part.baseAddress { storage.bytes.copyMemory(from: start, byteCount: part.count) }
        return storage
      }
      return BlockDecoder(header: header, storages: storages)
    }
    guard let value = try way(Value.self, object).decode(Value.self, from: &decoder) as? Value else {
      throw MusterError(.internal, "\(object.text) gave a value that isn't a \(Value.self)")
    }
    return value
  }

  private static func way<Value>(_ type: Value.Type, _ object: CoordinationObject) throws(MusterError) -> ValueWay {
    if let fix = ValueWay.refusal(of: type) {
      throw MusterError(
        .invalidArgument, "\(object.text): a value of type \(Value.self) can't cross to another rank", fix: fix)
    }
    return ValueWay(type) ?? .unable
  }
}
