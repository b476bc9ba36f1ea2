/// A task's value as a block. It stays as it is in memory, and crosses to other ranks in the way of its type.
@usableFromInline
struct ValueBlock<Value: Sendable>: Block {
  @usableFromInline let value: Value
  /// Looked up once, where the value is made: it may take long, and calls what is the program's, so that no lock is to be
  /// held.
  @usableFromInline let held: HeldBytes

  @inlinable
  init(_ value: Value) {
    self.value = value
    // Most are nothing but their bytes: nobody has to look into them.
    held =
      _isPOD(Value.self) && !(Value.self is any Block.Type)
      ? HeldBytes(MemoryLayout<Value>.size) : Self.way.held(by: value)
  }

  @usableFromInline
  var byteCount: Int { held.byteCount }

  @usableFromInline
  var encodingByteCount: Int { (value as? any Block)?.encodingByteCount ?? held.copied }

  @usableFromInline
  func encode(into encoder: inout BlockEncoder) { Self.way.encode(value, byteCount: byteCount, into: &encoder) }

  @usableFromInline
  static func decode(from decoder: inout BlockDecoder) throws -> ValueBlock {
    guard let value = try way.decode(Value.self, from: &decoder) as? Value else {
      throw MusterError(.internal, "a value that isn't a \(Value.self) arrived in its place")
    }
    return ValueBlock(value)
  }

  @usableFromInline
  static var way: ValueWay { ValueWay(Value.self) ?? .unable }
}
