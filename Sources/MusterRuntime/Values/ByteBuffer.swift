/// Bytes that become more, in block memory: what is written can go to disk or to another rank without a copy.
///
/// A class, since several containers of one value write to it in turns. Not `Sendable`: used on one thread.
final class ByteBuffer {
  private(set) var storage: BlockStorage
  private(set) var count = 0

  /// - Parameter capacity: So many bytes fit before it grows.
  init(capacity: Int) { storage = BlockStorage(byteCount: max(64, capacity)) }

  /// Makes room for more bytes.
  private func reserve(_ more: Int) {
    guard count + more > storage.byteCount else { return }
    let larger = BlockStorage(byteCount: max(count + more, 2 * storage.byteCount))
    larger.bytes.copyMemory(from: storage.bytes, byteCount: count)
    storage = larger
  }

  // Safe, here and below: `reserve` has made room, and nobody reads behind `count`.

  func append(_ byte: UInt8) {
    reserve(1)
    storage.bytes.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count += 1
  }

  func append<T: BitwiseCopyable>(bits value: T) {
    reserve(MemoryLayout<T>.size)
    storage.bytes.storeBytes(of: value, toByteOffset: count, as: T.self)
    count += MemoryLayout<T>.size
  }

  func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    reserve(bytes.count)
    (storage.bytes + count).copyMemory(from: start, byteCount: bytes.count)
    count += bytes.count
  }

  /// A number that is small mostly: seven bits to a byte, the lowest first (LEB128).
  func append(short value: Int) {
    var rest = UInt(value)
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  /// The length of the text's UTF-8, and that.
  func append(text: String) {
    var text = text
    text.withUTF8 { bytes in
      append(short: bytes.count)
      append(UnsafeRawBufferPointer(bytes))
    }
  }

  /// Writes over what is there.
  ///
  /// - Precondition: The value's bytes lie within those that were appended.
  func overwrite<T: BitwiseCopyable>(_ value: T, at offset: Int) {
    precondition(offset >= 0 && offset + MemoryLayout<T>.size <= count)
    storage.bytes.storeBytes(of: value, toByteOffset: offset, as: T.self)
  }

  /// Forgets what was appended behind an offset.
  func cut(to offset: Int) {
    precondition(offset >= 0 && offset <= count)
    count = offset
  }

  /// Puts other buffers' bytes in, each at an offset. The offsets are of the bytes as they are, and ascend.
  func insert(_ parts: [(offset: Int, bytes: ByteBuffer)]) {
    guard let first = parts.first?.offset else { return }
    let behind = ByteBuffer(capacity: count - first)
    behind.append(UnsafeRawBufferPointer(start: storage.bytes + first, count: count - first))
    count = first
    var next = first
    for part in parts {
      append(behind.slice(next - first, part.offset - next))
      append(part.bytes.slice(0, part.bytes.count))
      next = part.offset
    }
    append(behind.slice(next - first, behind.count - (next - first)))
  }

  private func slice(_ offset: Int, _ length: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: storage.bytes + offset, count: length)
  }
}
