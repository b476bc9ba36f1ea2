/// Bytes of a record on their way into a journal. Numbers are little-endian, as on every machine that Muster runs on.
package struct RecordEncoder: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// With room for so many bytes.
  package init(reserving byteCount: Int) { bytes.reserveCapacity(byteCount) }

  // One for each type: the compiler makes no code for the types of other modules' calls.
  package mutating func put(_ value: UInt8) { bytes.append(value) }
  package mutating func put(_ value: UInt32) { append(value) }
  package mutating func put(_ value: UInt64) { append(value) }
  package mutating func put(_ value: Int) { append(value) }

  private mutating func append<T: BitwiseCopyable>(_ value: T) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }

  package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// The bytes, without a count.
  package mutating func put(raw source: UnsafeRawBufferPointer) { bytes.append(contentsOf: source) }

  /// Puts a value in the place of bytes that are there.
  mutating func replace<T: BitwiseCopyable>(at place: Int, with value: T) {
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: place, as: T.self) }
  }

  /// A count and the bytes.
  package mutating func put(bytes source: [UInt8]) {
    put(UInt64(source.count))
    bytes.append(contentsOf: source)
  }

  /// The bytes, without a count.
  package mutating func put(raw source: ArraySlice<UInt8>) { bytes.append(contentsOf: source) }
  package mutating func put(raw source: [UInt8]) { bytes.append(contentsOf: source) }

  package mutating func put(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      put(UInt32(utf8.count))
      bytes.append(contentsOf: utf8)
    }
  }
}

/// Reads what a `RecordEncoder` wrote. A journal is a file, and may hold anything.
package struct RecordDecoder {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  package init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// What is left.
  package var rest: ArraySlice<UInt8> { bytes[position...] }

  package mutating func get<T: BitwiseCopyable>(_ type: T.Type = T.self) throws(JournalFault) -> T {
    let size = MemoryLayout<T>.size
    guard size <= bytes.endIndex - position else { throw .damaged }
    defer { position += size }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position - bytes.startIndex, as: T.self) }
  }

  /// A count that isn't more than what is left can hold, at so many bytes for each.
  package mutating func getCount(_ bytesEach: Int = 1) throws(JournalFault) -> Int {
    let count = try get(UInt32.self)
    guard Int(count) <= (bytes.endIndex - position) / max(1, bytesEach) else { throw .damaged }
    return Int(count)
  }

  package mutating func getBytes() throws(JournalFault) -> [UInt8] {
    let count = try get(UInt64.self)
    guard count <= UInt64(bytes.endIndex - position) else { throw .damaged }
    defer { position += Int(count) }
    return Array(bytes[position..<position + Int(count)])
  }

  package mutating func getText() throws(JournalFault) -> String {
    let count = try getCount()
    defer { position += count }
    return String(decoding: bytes[position..<position + count], as: UTF8.self)
  }
}
