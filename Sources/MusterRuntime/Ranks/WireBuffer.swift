internal import Glibc

/// Bytes on their way to another rank: written at the end, at a fixed address while they are sent.
///
/// Not `Sendable`: it stays on the thread that makes the MPI calls.
final class WireBuffer {
  private(set) var bytes: UnsafeMutableRawPointer
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 4096) {
    self.capacity = capacity
    bytes = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { bytes.deallocate() }

  func removeAll() { count = 0 }

  /// Makes room for `added` more bytes and returns where they go.
  private func grow(by added: Int) -> UnsafeMutableRawPointer {
    if count + added > capacity {
      capacity = max(2 * capacity, count + added)
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      larger.copyMemory(from: bytes, byteCount: count)
      bytes.deallocate()
      bytes = larger
    }
    defer { count += added }
    return bytes + count
  }

  func put<T: BitwiseCopyable>(_ value: T) {
    grow(by: MemoryLayout<T>.size).storeBytes(of: value, as: T.self)
  }

  func put(_ range: Range<Int>) {
    put(range.lowerBound)
    put(range.upperBound)
  }

  /// The bytes, without a count.
  func append(raw source: UnsafeRawBufferPointer) {
    if let base = source.baseAddress { grow(by: source.count).copyMemory(from: base, byteCount: source.count) }
  }

  /// A count and the bytes.
  func put(bytes source: UnsafeRawBufferPointer) {
    put(source.count)
    append(raw: source)
  }

  func put(bytes source: [UInt8]) { source.withUnsafeBytes { put(bytes: $0) } }
}

/// Reads what a `WireBuffer` held. Both ends are the same program, so bytes that don't fit are a fault of Muster's.
struct WireReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position = 0

  /// The memory must outlive the reader.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func get<T: BitwiseCopyable>(_ type: T.Type = T.self) -> T {
    precondition(position + MemoryLayout<T>.size <= bytes.count, "a message between ranks is too short")
    defer { position += MemoryLayout<T>.size }
    return bytes.loadUnaligned(fromByteOffset: position, as: T.self)
  }

  mutating func getRange() -> Range<Int> {
    let first = get(Int.self)
    return first..<get(Int.self)
  }

  mutating func getBytes() -> UnsafeRawBufferPointer {
    let count = get(Int.self)
    precondition(count >= 0 && position + count <= bytes.count, "a message between ranks is too short")
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  mutating func copy(to destination: UnsafeMutableRawPointer, byteCount: Int) {
    precondition(byteCount >= 0 && position + byteCount <= bytes.count, "a message between ranks is too short")
    if let base = bytes.baseAddress { destination.copyMemory(from: base + position, byteCount: byteCount) }
    position += byteCount
  }
}
