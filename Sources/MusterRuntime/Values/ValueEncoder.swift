/// Writes one item of a value in its `Codable` form, see `CodedItem`.
///
/// Where the items in it are whole values they go to the same bytes one after the other, so that it takes little more memory
/// than what is written. Containers that a type asks for in one that it goes on writing have bytes of their own, which are
/// put in at the end.
///
/// A class, since a type may ask for the same container again, as classes and their parents do. Not `Sendable`: used on one
/// thread.
final class ValueEncoder: Encoder {
  /// What all items of a value share.
  final class Whole {
    fileprivate var numbers: [String: Int] = [:]
    fileprivate(set) var keys: [String] = []
    var types = CodedType.Cache()
  }

  private enum Form {
    case nothing
    case single
    case list
    case fields
    /// Its bytes are complete, and others behind them.
    case done
  }

  let whole: Whole
  let bytes: ByteBuffer
  private let container: ValueEncoder?
  private let step: CodingStep
  private let depth: Int
  private var form = Form.nothing
  private var start = 0
  /// Of a list: the items so far.
  private(set) var count = 0
  /// Of the keys so far: the first 64, others that have a number, and those that have none.
  private var firstKeys: UInt64 = 0
  private var otherKeys: Set<Int> = []
  private var keyHashes: Set<Int> = []
  private var hasRepeatedKeys = false
  /// Containers that are written in turns with this, and where they belong.
  private var nested: [(offset: Int, encoder: ValueEncoder)] = []

  /// - Parameter bytes: Where to write.
  init(bytes: ByteBuffer) {
    (whole, self.bytes, container, step, depth) = (Whole(), bytes, nil, .root, 0)
  }

  private init(in container: ValueEncoder, at step: CodingStep, bytes: ByteBuffer) {
    (whole, self.bytes, self.container, self.step) = (container.whole, bytes, container, step)
    depth = container.depth + 1
  }

  var userInfo: [CodingUserInfoKey: Any] { [:] }

  var codingPath: [any CodingKey] {
    var path: [any CodingKey] = []
    var next: ValueEncoder? = self
    while let encoder = next {
      if let key = encoder.step.key { path.append(key) }
      next = encoder.container
    }
    return path.reversed()
  }

  // MARK: Containers

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    begin(.fields)
    return KeyedEncodingContainer(EncodedFields(encoder: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    begin(.list)
    return EncodedList(encoder: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { EncodedValue(encoder: self) }

  private func begin(_ new: Form) {
    precondition(
      form == .nothing || form == new && new != .single,
      "a value encodes itself in two ways, at \(codingPath.map(\.stringValue).joined(separator: "."))")
    guard form == .nothing else { return }
    form = new
    start = bytes.count
    switch new {
    case .fields:
      bytes.append(CodedItem.fields.rawValue)
      bytes.append(bits: 0)
    case .list:
      bytes.append(CodedItem.list.rawValue)
      bytes.append(bits: 0)
      bytes.append(bits: 0)
    case .single, .nothing, .done: break
    }
  }

  /// Before the item of a single value.
  func beginSingle() { begin(.single) }

  /// Before an item of a list.
  func beginElement() -> CodingStep {
    expectToGoOn()
    defer { count += 1 }
    return .index(count)
  }

  private func expectToGoOn() {
    precondition(
      form != .done,
      "a container is written to after its value, at \(codingPath.map(\.stringValue).joined(separator: "."))")
  }

  /// Before an item with a key.
  func begin(_ key: some CodingKey) -> CodingStep {
    write(key: key.stringValue)
    return .key(key)
  }

  func write(key name: String) {
    expectToGoOn()
    let number: Int
    if let known = whole.numbers[name] {
      number = known
    } else if whole.keys.count < CodedItem.mostKeys {
      number = whole.keys.count
      whole.numbers[name] = number
      whole.keys.append(name)
    } else {
      bytes.append(short: 0)
      bytes.append(text: name)
      // By their hashes alone, which take less memory than the keys: two that share one are looked up in another way.
      if !keyHashes.insert(name.hashValue).inserted { hasRepeatedKeys = true }
      return
    }
    bytes.append(short: number + 1)
    if number < 64 {
      if firstKeys & 1 << number != 0 { hasRepeatedKeys = true }
      firstKeys |= 1 << number
    } else if !otherKeys.insert(number).inserted {
      hasRepeatedKeys = true
    }
  }

  /// Forgets an item that turned out not to be encodable: its type may go on without it.
  func takeBack(to offset: Int) {
    bytes.cut(to: offset)
    if form == .list { count -= 1 }
    if form == .single { form = .nothing }
  }

  /// A container of its own for the next item, to be written in turns with this one.
  func nest(at step: CodingStep) -> ValueEncoder {
    let encoder = ValueEncoder(in: self, at: step, bytes: ByteBuffer(capacity: 64))
    nested.append((bytes.count, encoder))
    return encoder
  }

  /// The item is complete.
  private func finish() {
    if !nested.isEmpty {
      for part in nested { part.encoder.finish() }
      bytes.insert(nested.map { ($0.offset, $0.encoder.bytes) })
      nested = []
    }
    // A type that writes nothing.
    if form == .nothing { begin(.fields) }
    switch form {
    case .fields:
      bytes.overwrite(bytes.count - start - CodedItem.fieldsHead, at: start + 1)
      if hasRepeatedKeys { bytes.overwrite(CodedItem.repeatedFields.rawValue, at: start) }
    case .list:
      bytes.overwrite(bytes.count - start - 1 - 8, at: start + 1)
      bytes.overwrite(count, at: start + 1 + 8)
    case .single, .nothing, .done: break
    }
    form = .done
  }

  // MARK: Items

  func writeNull() { bytes.append(CodedItem.null.rawValue) }

  func write(_ value: Bool) { bytes.append((value ? CodedItem.yes : CodedItem.no).rawValue) }

  func write(_ value: Double) {
    bytes.append(CodedItem.double.rawValue)
    bytes.append(bits: value.bitPattern)
  }

  func write(_ value: Float) {
    bytes.append(CodedItem.single.rawValue)
    bytes.append(bits: value.bitPattern)
  }

  func write(_ value: String) {
    bytes.append(CodedItem.text.rawValue)
    bytes.append(text: value)
  }

  func write<T: FixedWidthInteger>(_ value: T) {
    switch (T.isSigned, T.bitWidth > 64) {
    case (true, false):
      bytes.append(CodedItem.signed.rawValue)
      bytes.append(bits: Int64(value))
    case (false, false):
      bytes.append(CodedItem.unsigned.rawValue)
      bytes.append(bits: UInt64(value))
    case (true, true):
      bytes.append(CodedItem.signed128.rawValue)
      bytes.append(bits: Int128(value))
    case (false, true):
      bytes.append(CodedItem.unsigned128.rawValue)
      bytes.append(bits: UInt128(value))
    }
  }

  /// - Throws: What the value throws, and `EncodingError` where it lies too deep in others.
  func write<T: Encodable>(_ value: T, at step: CodingStep) throws {
    // Safe: that the types are the same is what was asked for.
    switch whole.types(T.self) {
    case .text: write(unsafeBitCast(value, to: String.self))
    case .int: write(unsafeBitCast(value, to: Int.self))
    case .double: write(unsafeBitCast(value, to: Double.self))
    case .float: write(unsafeBitCast(value, to: Float.self))
    case .bool: write(unsafeBitCast(value, to: Bool.self))
    case .numbers(let type):
      let numbers = value as! any NumbersInBytes
      bytes.append(CodedItem.numbers.rawValue)
      bytes.append(type.number.rawValue)
      bytes.append(bits: numbers.count)
      numbers.withNumbers { bytes.append($0) }
    case .others:
      let encoder = ValueEncoder(in: self, at: step, bytes: bytes)
      guard encoder.depth <= CodedItem.mostDepth else {
        throw EncodingError.invalidValue(
          value,
          EncodingError.Context(
            codingPath: [],
            debugDescription: "it lies in more than \(CodedItem.mostDepth) others, each in the next: write it as a list"
          ))
      }
      try value.encode(to: encoder)
      encoder.finish()
    }
  }

  /// Writes a whole value, with the table of its keys and where that is.
  ///
  /// - Throws: What the value throws, and `EncodingError`.
  static func write(_ value: some Encodable, to bytes: ByteBuffer) throws {
    let encoder = ValueEncoder(bytes: bytes)
    try encoder.write(value, at: .root)
    let table = bytes.count
    bytes.append(short: encoder.whole.keys.count)
    for key in encoder.whole.keys { bytes.append(text: key) }
    bytes.append(bits: table)
  }
}
