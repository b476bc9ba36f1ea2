/// Bytes that become more, in block memory: what is written can go to disk or to another rank without a copy.
///
/// A class, since several containers of one value write to it in turns. Not `Sendable`: used on one thread.
final class ByteBuffer {
  private(set) var storage: BlockStorage
  private(set) var count = 0
  /// Nothing is kept: only the count is of interest.
  private let isCounting: Bool

  /// - Parameter capacity: So many bytes fit before it grows.
  init(capacity: Int) {
    storage = BlockStorage(byteCount: max(64, capacity))
    isCounting = false
  }

  private init(counting: Void) {
    storage = BlockStorage(byteCount: 0)
    isCounting = true
  }

  /// One that only counts.
  static func counting() -> ByteBuffer { ByteBuffer(counting: ()) }

  /// What was appended. Empty where that is only counted.
  var contents: [UInt8] {
    withExtendedLifetime(storage) {
      Array(UnsafeRawBufferPointer(start: storage.bytes, count: isCounting ? 0 : count))
    }
  }

  /// Makes room for more bytes. Returns where they go; nil where they are only counted.
  private func grow(by more: Int) -> UnsafeMutableRawPointer? {
    defer { count += more }
    guard !isCounting else { return nil }
    if count + more > storage.byteCount {
      let larger = BlockStorage(byteCount: max(count + more, 2 * storage.byteCount))
      larger.bytes.copyMemory(from: storage.bytes, byteCount: count)
      storage = larger
    }
    // Safe: there is room for `more`, and the storage stays.
    return storage.bytes + count
  }

  func append(_ byte: UInt8) { grow(by: 1)?.storeBytes(of: byte, as: UInt8.self) }

  func append<T: BitwiseCopyable>(bits value: T) { grow(by: MemoryLayout<T>.size)?.storeBytes(of: value, as: T.self) }

  func append(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    grow(by: bytes.count)?.copyMemory(from: start, byteCount: bytes.count)
  }

  /// A number that is small mostly: seven bits to a byte, the lowest first (LEB128).
  func append(short value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }

  func append(short value: Int) { append(short: UInt64(value)) }

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
    if !isCounting { storage.bytes.storeBytes(of: value, toByteOffset: offset, as: T.self) }
  }

  /// Forgets what was appended behind an offset.
  func cut(to offset: Int) {
    precondition(offset >= 0 && offset <= count)
    count = offset
  }

  /// Cuts what was appended behind an offset, which is in the other buffer then.
  func split(at offset: Int) -> ByteBuffer {
    let behind = isCounting ? ByteBuffer.counting() : ByteBuffer(capacity: count - offset)
    append(from: offset, count - offset, to: behind)
    cut(to: offset)
    return behind
  }

  /// Puts other buffers' bytes in, each at an offset. The offsets are of the bytes as they are, and ascend.
  func insert(_ parts: [(offset: Int, bytes: ByteBuffer)]) {
    guard let first = parts.first?.offset else { return }
    let behind = split(at: first)
    var next = 0
    for part in parts {
      behind.append(from: next, part.offset - first - next, to: self)
      part.bytes.append(from: 0, part.bytes.count, to: self)
      next = part.offset - first
    }
    behind.append(from: next, behind.count - next, to: self)
  }

  private func append(from offset: Int, _ length: Int, to other: ByteBuffer) {
    guard !isCounting else {
      other.count += length
      return
    }
    withExtendedLifetime(storage) {
      other.append(UnsafeRawBufferPointer(start: storage.bytes + offset, count: length))
    }
  }
}
