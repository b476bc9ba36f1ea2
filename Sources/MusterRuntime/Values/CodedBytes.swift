/// The bytes of a value in its `Codable` form, to be read: items, see `CodedItem`, and the table of keys.
///
/// They come from a disk or from another rank: nothing is taken for granted of them.
///
/// A class, since all items of a value share it. Not `Sendable`: used on one thread.
final class CodedBytes {
  /// Safe: `storage` keeps them, and nobody writes to it any more.
  let bytes: UnsafeRawBufferPointer
  /// How many of them are the item's; the table of keys is behind that.
  let itemByteCount: Int
  private let storage: BlockStorage
  private let bulk: [CodedBulk]
  let keys: [String]
  var types = CodedType.Cache()
  /// What was found to be damaged where nobody could be told.
  var failure: (any Error)?

  /// - Parameters:
  ///   - count: How many of the storage's bytes are the value's.
  ///   - bulk: The numbers that are apart.
  /// - Throws: `MusterError` with code `internal` where there is no table of keys.
  init(_ storage: BlockStorage, count: Int, bulk: [CodedBulk] = []) throws {
    (self.storage, self.bulk) = (storage, bulk)
    bytes = UnsafeRawBufferPointer(start: storage.bytes, count: count)
    var end = Cursor(bytes: bytes, offset: bytes.count - MemoryLayout<Int>.size)
    itemByteCount = try end.bits(Int.self)
    var cursor = Cursor(bytes: bytes, offset: itemByteCount)
    var keys: [String] = []
    for _ in 0..<(try cursor.short()) { keys.append(try cursor.text()) }
    self.keys = keys
  }

  /// An item by itself.
  init(item: ByteBuffer, keys: [String]) {
    storage = item.storage
    bytes = UnsafeRawBufferPointer(start: storage.bytes, count: item.count)
    (itemByteCount, self.keys, bulk) = (item.count, keys, [])
  }

  /// A number of those that are in memory one after the other, as an item.
  private convenience init(number: CodedNumber, in list: UnsafeRawBufferPointer, at offset: Int) {
    let item = ByteBuffer(capacity: 16)
    item.append(number, list, at: offset)
    self.init(item: item, keys: [])
  }

  /// Where bytes are that come from an array's memory.
  enum Place {
    case within(offset: Int)
    case apart(part: Int)
  }

  /// Numbers that are in memory one after the other.
  struct Numbers {
    let type: CodedNumber
    let count: Int
    let place: Place
    var byteCount: Int { count * type.stride }
  }

  /// A place in the bytes, which moves.
  struct Cursor {
    let bytes: UnsafeRawBufferPointer
    fileprivate(set) var offset: Int

    mutating func take(_ count: Int) throws -> Int {
      guard count >= 0, offset >= 0, count <= bytes.count - offset else { throw CodedBytes.damaged }
      defer { offset += count }
      return offset
    }

    mutating func bits<T: BitwiseCopyable>(_ type: T.Type) throws -> T {
      bytes.loadUnaligned(fromByteOffset: try take(MemoryLayout<T>.size), as: type)
    }

    mutating func item() throws -> CodedItem {
      guard let item = CodedItem(rawValue: try bits(UInt8.self)) else { throw CodedBytes.damaged }
      return item
    }

    /// Of something that is there.
    mutating func length() throws -> Int {
      let length = try bits(Int.self)
      guard length >= 0, length <= bytes.count - offset else { throw CodedBytes.damaged }
      return length
    }

    mutating func natural() throws -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: 0, to: 64, by: 7) {
        let byte = try bits(UInt8.self)
        value |= UInt64(byte & 0x7f) << UInt64(shift)
        if byte & 0x80 == 0 { return value }
      }
      throw CodedBytes.damaged
    }

    mutating func short() throws -> Int {
      guard let value = Int(exactly: try natural()) else { throw CodedBytes.damaged }
      return value
    }

    mutating func text() throws -> String {
      let length = try short()
      let start = try take(length)
      return String(decoding: bytes[start..<start + length], as: UTF8.self)
    }

    /// Behind an item of numbers: those; nil where the item is another.
    mutating func numbers(_ item: CodedItem) throws -> Numbers? {
      guard item == .numbers || item == .numbersApart else { return nil }
      guard let type = CodedNumber(rawValue: try bits(UInt8.self)) else { throw CodedBytes.damaged }
      let count = try bits(Int.self)
      let (size, isTooLarge) = count.multipliedReportingOverflow(by: type.stride)
      guard !isTooLarge, count >= 0 else { throw CodedBytes.damaged }
      let place: Place = item == .numbers ? .within(offset: try take(size)) : .apart(part: try short())
      return Numbers(type: type, count: count, place: place)
    }

    /// Passes over an item.
    mutating func skip() throws {
      let item = try item()
      switch item {
      case .null, .no, .yes: break
      case .single: _ = try take(4)
      case .natural, .negative: _ = try natural()
      case .double: _ = try take(8)
      case .signed128, .unsigned128: _ = try take(16)
      case .text: _ = try take(short())
      case .numbers, .numbersApart: _ = try numbers(item)
      case .records, .recordsApart: _ = try records(item)
      case .list, .fields, .repeatedFields: _ = try take(length())
      }
    }
  }

  func cursor(at offset: Int) -> Cursor { Cursor(bytes: bytes, offset: offset) }

  func item(at offset: Int) throws -> CodedItem {
    var cursor = cursor(at: offset)
    return try cursor.item()
  }

  func key(_ cursor: inout Cursor) throws -> String {
    let number = try cursor.short()
    guard number > 0 else { return try cursor.text() }
    guard number <= keys.count else { throw Self.damaged }
    return keys[number - 1]
  }

  func part(_ number: Int, byteCount: Int) throws -> CodedBulk {
    guard bulk.indices.contains(number), bulk[number].byteCount == byteCount, CodedItem.goesApart(byteCount) else {
      throw Self.damaged
    }
    return bulk[number]
  }

  /// Whether what is said to be apart is there.
  func expect(_ place: Place, byteCount: Int) throws {
    if case .apart(let number) = place { _ = try part(number, byteCount: byteCount) }
  }

  /// All of the numbers.
  ///
  /// - Precondition: They were written as what the array's are.
  func array<A: CodedNumbers>(of numbers: Numbers, as type: A.Type) throws -> A {
    precondition(A.number == numbers.type)
    switch numbers.place {
    case .apart(let number): return try part(number, byteCount: numbers.byteCount).numbers(as: type)
    case .within(let offset):
      return A(numbers: numbers.byteCount) {
        $0.copyMemory(from: bytes.baseAddress! + offset, byteCount: numbers.byteCount)
      }
    }
  }

  /// One of the numbers as an item by itself.
  func element(_ index: Int, of numbers: Numbers) throws -> CodedBytes {
    let offset = index * numbers.type.stride
    switch numbers.place {
    case .within(let start): return CodedBytes(number: numbers.type, in: bytes, at: start + offset)
    case .apart(let number):
      return try part(number, byteCount: numbers.byteCount).withBytes {
        CodedBytes(number: numbers.type, in: $0, at: offset)
      }
    }
  }

  static var damaged: MusterError { MusterError(.internal, "a value arrived with other bytes than were written") }
}
