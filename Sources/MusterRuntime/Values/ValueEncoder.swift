/// Writes one item of a value in its `Codable` form, see `CodedItem`.
///
/// Where the items in it are whole values they go to the same bytes one after the other, so that it takes little more memory
/// than what is written. So do containers that a type asks for in one (as Swift itself does for enums), until it goes on
/// writing to the outer one: then the inner one gets bytes of its own, which are put in at the end.
///
/// A class, since a type may ask for the same container again, as classes and their parents do. Not `Sendable`: used on one
/// thread.
final class ValueEncoder: Encoder, CodingPlace {
  /// What all items of a value share.
  final class Whole {
    fileprivate var numbers: [CodedKey: Int] = [:]
    fileprivate(set) var keys: [String] = []
    var types = CodedType.Cache()
    /// The numbers that go apart; nil where all are to be in the bytes.
    fileprivate var bulk: [BlockStorage]?

    fileprivate init(setsApart: Bool) { bulk = setsApart ? [] : nil }
  }

  enum Form {
    case nothing
    case single
    case list
    case fields
    /// Its bytes are complete, and others may be behind them.
    case done
  }

  /// A container that a type writes to in turns with this.
  private struct Inner {
    var name: String?
    var encoder: ValueEncoder
    /// Where it belongs.
    var offset: Int
  }

  let whole: Whole
  private(set) var bytes: ByteBuffer
  let container: ValueEncoder?
  let step: CodingStep
  private let depth: Int
  private var form = Form.nothing
  /// Why nothing may be written.
  private var refusal: String?
  private var start = 0
  /// Of a list: the items so far.
  private(set) var count = 0
  /// Of the keys so far: the first 64, others that have a number, and the hashes of those that have none.
  private var firstKeys: UInt64 = 0
  private var otherKeys: Set<Int> = []
  private var keyHashes: Set<Int> = []
  private var hasRepeatedKeys = false
  /// Those with bytes of their own, and the last one, which is at the end of these bytes.
  private var inner: [Inner] = []
  private var last: Inner?

  private init(bytes: ByteBuffer, setsApart: Bool) {
    (whole, self.bytes, container, step, depth) = (Whole(setsApart: setsApart), bytes, nil, .root, 0)
  }

  private init(in container: ValueEncoder, at step: CodingStep, bytes: ByteBuffer) {
    (whole, self.bytes, self.container, self.step) = (container.whole, bytes, container, step)
    depth = container.depth + 1
  }

  var userInfo: [CodingUserInfoKey: Any] { [:] }

  // MARK: Containers

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(EncodedFields(encoder: begin(.fields)))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer { EncodedList(encoder: begin(.list)) }

  func singleValueContainer() -> any SingleValueEncodingContainer { EncodedValue(encoder: self) }

  /// Returns where to write: to what is an error to write to, where that can't be said now.
  @discardableResult
  private func begin(_ new: Form) -> ValueEncoder {
    guard form != .done else { return self }
    guard depth <= CodedItem.mostDepth else {
      return refusing("it lies in more than \(CodedItem.mostDepth) others, each in the next: write it as a list")
    }
    guard form == .nothing || form == new && new != .single else {
      return refusing("it encodes itself in two ways, as a \(form) and as a \(new)")
    }
    guard form == .nothing else { return self }
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
    return self
  }

  /// Before the next item.
  private func expectToGoOn() throws {
    guard form != .done else {
      // A long path says no more.
      let path = depth > CodedItem.mostDepth ? [] : codingPath
      throw EncodingError.invalidValue(
        ValueEncoder.self,
        EncodingError.Context(codingPath: path, debugDescription: refusal ?? "its container is complete already"))
    }
    setLastApart()
  }

  /// An encoder that only says what is wrong: containers are asked for where nothing can be thrown.
  private func refusing(_ reason: String) -> ValueEncoder {
    let encoder = detached(at: step)
    encoder.refusal = reason
    return encoder
  }

  /// Before the item of a single value.
  func beginSingle() throws {
    try expectToGoOn()
    try begin(.single).expectToGoOn()
  }

  /// Before an item of a list.
  func beginElement() throws -> CodingStep {
    try expectToGoOn()
    defer { count += 1 }
    return .index(count)
  }

  /// Before an item with a key.
  func begin(_ key: some CodingKey) throws -> CodingStep {
    try expectToGoOn()
    write(key: key.stringValue)
    return .key(key)
  }

  /// Returns whether the key has come before, or may have.
  @discardableResult
  private func write(key name: String) -> Bool {
    let isNew: Bool
    let known = whole.numbers[CodedKey(name)]
    if known != nil || whole.keys.count < CodedItem.mostKeys {
      let number = known ?? whole.keys.count
      if known == nil {
        whole.numbers[CodedKey(name)] = number
        whole.keys.append(name)
      }
      bytes.append(short: number + 1)
      if number < 64 {
        isNew = firstKeys & 1 << number == 0
        firstKeys |= 1 << number
      } else {
        isNew = otherKeys.insert(number).inserted
      }
    } else {
      bytes.append(short: 0)
      bytes.append(text: name)
      // Two that share a hash are looked up in another way, that's all.
      isNew = keyHashes.insert(name.hashValue).inserted
    }
    if !isNew { hasRepeatedKeys = true }
    return !isNew
  }

  // MARK: Containers that are written in turns

  /// A container for the next element, to be written in turns with this one.
  func nest() -> ValueEncoder {
    guard (try? expectToGoOn()) != nil else { return detached(at: .index(count)) }
    defer { count += 1 }
    return nest(at: .index(count), named: nil)
  }

  /// The container with a key: the one that was asked for before, where it has the form.
  func nest(for key: some CodingKey, as form: Form) -> ValueEncoder {
    nest(named: key.stringValue, at: .key(key), as: form)
  }

  /// The part of a class's parent.
  func nestParent() -> ValueEncoder { nest(named: CodingStep.parentName, at: .parent, as: .nothing) }

  private func nest(named name: String, at step: CodingStep, as form: Form) -> ValueEncoder {
    func fits(_ inner: Inner) -> Bool { inner.name == name && form != .nothing && inner.encoder.form == form }
    if let last, fits(last) { return last.encoder }
    guard (try? expectToGoOn()) != nil else { return detached(at: step) }
    let offset = bytes.count
    if write(key: name), let earlier = inner.last(where: fits) {
      bytes.cut(to: offset)
      return earlier.encoder
    }
    return nest(at: step, named: name)
  }

  private func nest(at step: CodingStep, named name: String?) -> ValueEncoder {
    let encoder = ValueEncoder(in: self, at: step, bytes: bytes)
    last = Inner(name: name, encoder: encoder, offset: bytes.count)
    return encoder
  }

  /// What is written to it is an error, as this is complete.
  private func detached(at step: CodingStep) -> ValueEncoder {
    let encoder = ValueEncoder(in: self, at: step, bytes: ByteBuffer(capacity: 0))
    encoder.form = .done
    return encoder
  }

  /// Gives the container at the end of these bytes its own, since others come behind it.
  private func setLastApart() {
    guard let inner = last else { return }
    inner.encoder.move(to: bytes.split(at: inner.offset), from: inner.offset)
    self.inner.append(inner)
    last = nil
  }

  /// What was written from an offset on is in other bytes now.
  private func move(to other: ByteBuffer, from offset: Int) {
    bytes = other
    start -= offset
    for place in inner.indices { inner[place].offset -= offset }
    last?.offset -= offset
    last?.encoder.move(to: other, from: offset)
  }

  /// The item is complete.
  private func finish() {
    last?.encoder.finish()
    last = nil
    if !inner.isEmpty {
      for part in inner { part.encoder.finish() }
      bytes.insert(inner.map { ($0.offset, $0.encoder.bytes) })
      inner = []
    }
    // A type that writes nothing.
    if form == .nothing { begin(.fields) }
    switch form {
    case .fields:
      bytes.overwrite(bytes.count - start - CodedItem.head, at: start + 1)
      if hasRepeatedKeys { bytes.overwrite(CodedItem.repeatedFields.rawValue, at: start) }
    case .list:
      bytes.overwrite(bytes.count - start - CodedItem.head, at: start + 1)
      bytes.overwrite(count, at: start + CodedItem.head)
    case .single, .nothing, .done: break
    }
    form = .done
  }

  // MARK: Items

  func writeNull() { bytes.append(CodedItem.null.rawValue) }
  func write(_ value: Bool) { bytes.append(item: value) }
  func write(_ value: Double) { bytes.append(item: value) }
  func write(_ value: Float) { bytes.append(item: value) }
  func write(_ value: String) { bytes.append(item: value) }
  func write<T: FixedWidthInteger>(_ value: T) { bytes.append(item: value) }

  /// Writes an item, or nothing where that throws: its type may go on without it.
  ///
  /// - Parameter begin: Writes what stands before the item.
  func write<T: Encodable>(_ value: T, after begin: () throws -> CodingStep) throws {
    try expectToGoOn()
    let (offset, before, apart) = (bytes.count, (form, count), whole.bulk?.count ?? 0)
    let step = try begin()
    do { try write(value, at: step) } catch {
      bytes.cut(to: offset)
      whole.bulk?.removeSubrange(apart...)
      (form, count) = before
      throw error
    }
  }

  /// - Throws: What the value throws, and `EncodingError`, where it lies too deep in others or encodes itself in two ways.
  private func write<T: Encodable>(_ value: T, at step: CodingStep) throws {
    // Safe: that the types are the same is what was asked for.
    switch whole.types(T.self) {
    case .text: write(unsafeBitCast(value, to: String.self))
    case .int: write(unsafeBitCast(value, to: Int.self))
    case .double: write(unsafeBitCast(value, to: Double.self))
    case .float: write(unsafeBitCast(value, to: Float.self))
    case .bool: write(unsafeBitCast(value, to: Bool.self))
    case .numbers(let type):
      let numbers = value as! any CodedNumbers
      let isApart = whole.bulk != nil && CodedItem.goesApart(numbers.count * type.number.stride)
      bytes.append((isApart ? CodedItem.numbersApart : .numbers).rawValue)
      bytes.append(type.number.rawValue)
      bytes.append(bits: numbers.count)
      if isApart {
        bytes.append(short: whole.bulk!.count)
        whole.bulk!.append(numbers.lentStorage)
      } else {
        numbers.withNumbers { bytes.append($0) }
      }
    case .records:
      guard let records = value as? any CodedRecords, let form = records.form else { fallthrough }
      let isApart = whole.bulk != nil && CodedItem.goesApart(records.byteCount)
      bytes.append(records: records.count, form, isApart: isApart)
      if isApart {
        bytes.append(short: whole.bulk!.count)
        whole.bulk!.append(records.lentStorage)
      } else {
        records.withRecords { bytes.append($0) }
      }
    case .others:
      let encoder = ValueEncoder(in: self, at: step, bytes: bytes)
      try value.encode(to: encoder)
      encoder.finish()
    }
  }

  /// Writes a whole value, with the table of its keys and where that is.
  ///
  /// - Parameter setsApart: Whether many numbers are to be left where they are.
  /// - Returns: Those.
  /// - Throws: What the value throws, and `EncodingError`.
  @discardableResult
  static func write(
    _ value: some Encodable, to bytes: ByteBuffer, setsApart: Bool = false
  ) throws -> [BlockStorage] {
    let encoder = ValueEncoder(bytes: bytes, setsApart: setsApart)
    try encoder.write(value, at: .root)
    let table = bytes.count
    bytes.append(short: encoder.whole.keys.count)
    for key in encoder.whole.keys { bytes.append(text: key) }
    bytes.append(bits: table)
    return encoder.whole.bulk ?? []
  }
}
