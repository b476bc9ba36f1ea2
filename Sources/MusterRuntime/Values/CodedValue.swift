/// Values in their `Codable` form as bytes, see `CodedItem`.
package enum CodedValue {
  /// Up to so many bytes go with the small things.
  private static let mostInHeader = 1024
  /// Values are taken for so large at the most, before they are written: how much they hold is an estimate.
  private static let largestGuess = 64 << 20

  /// An object of a class below the one that a function says it returns: only what that one has would arrive.
  private struct Sliced: Error, CustomStringConvertible {
    var description: String
    init(_ own: Any.Type, _ said: Any.Type) {
      description = "the object is a \(own), and would arrive as a \(said): return it as \(own), or an enum of both"
    }
  }

  private static func expectWhole<Value>(_ value: Value) throws {
    guard Value.self is AnyClass, type(of: value) != Value.self else { return }
    throw Sliced(type(of: value), Value.self)
  }

  /// - Parameter byteCount: What the value holds, where that is known: what is written is as long, mostly.
  package static func encode<Value>(_ value: Value, byteCount: Int, into encoder: inout BlockEncoder) {
    let codable = value as! any Codable
    // What isn't written to takes no memory.
    let bytes = ByteBuffer(capacity: min(max(0, byteCount), Self.largestGuess) / 2 * 3)
    do {
      try expectWhole(value)
      let bulk = try ValueEncoder.write(codable, to: bytes, setsApart: true)
      encoder.append(true)
      encoder.append(bytes.count > mostInHeader)
      if bytes.count > mostInHeader {
        encoder.append(bytes.storage, byteCount: bytes.count)
      } else {
        encoder.append(bytes: bytes.contents)
      }
      encoder.append(bulk.count)
      for storage in bulk { encoder.append(storage, byteCount: storage.byteCount) }
    } catch {
      // Only the receiver can throw.
      encoder.append(false)
      let reason = ErrorText.cut("\(error)")
      encoder.append(bytes: Array(reason.utf8))
      encoder.refusal = "a value of type \(Value.self): \(reason)"
    }
  }

  /// - Throws: `MusterError` with code `taskFailed` where the type can't be encoded or decoded.
  package static func decode<T: Codable>(_ type: T.Type, from decoder: inout BlockDecoder) throws -> T {
    let reason: String
    if try decoder.read(Bool.self) {
      do {
        let bytes =
          try decoder.read(Bool.self) ? try decoder.readStorage() : storage(of: try decoder.readBytes())
        var bulk: [CodedBulk] = []
        for _ in 0..<max(0, try decoder.read(Int.self)) { bulk.append(CodedBulk(try decoder.readBulk())) }
        return try read(type, from: CodedBytes(bytes, count: bytes.byteCount, bulk: bulk))
      } catch { reason = ErrorText.cut("\(error)") }
    } else {
      reason = String(decoding: try decoder.readBytes(), as: UTF8.self)
    }
    throw MusterError(
      .taskFailed, "a value of type \(T.self) can't be written and read back: \(reason)",
      fix: "It goes to another rank, and to disk and back, in its Codable form: look at its encode(to:) and init(from:)"
    )
  }

  /// How many bytes the value takes when it is written.
  ///
  /// - Throws: What the value throws.
  static func byteCount(of value: any Codable) throws -> Int {
    let bytes = ByteBuffer.counting()
    try ValueEncoder.write(value, to: bytes)
    return bytes.count
  }

  /// - Throws: What the value throws, and `EncodingError`.
  package static func bytes(of value: some Encodable) throws -> [UInt8] {
    try expectWhole(value)
    let bytes = ByteBuffer(capacity: 0)
    try ValueEncoder.write(value, to: bytes)
    return bytes.contents
  }

  /// - Throws: What the type throws, `DecodingError`, and `MusterError` with code `internal` where the bytes aren't a value's.
  package static func value<T: Decodable>(_ type: T.Type, from bytes: [UInt8]) throws -> T {
    try read(type, from: CodedBytes(storage(of: bytes), count: bytes.count))
  }

  private static func storage(of bytes: [UInt8]) -> BlockStorage {
    let storage = BlockStorage(byteCount: bytes.count)
    bytes.withUnsafeBytes {
      if let start = $0.baseAddress { storage.bytes.copyMemory(from: start, byteCount: $0.count) }
    }
    return storage
  }

  private static func read<T: Decodable>(_ type: T.Type, from bytes: CodedBytes) throws -> T {
    let value = try ValueDecoder(bytes).readValue(type)
    if let failure = bytes.failure { throw failure }
    return value
  }
}
