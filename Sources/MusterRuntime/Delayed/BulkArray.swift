/// Arrays whose elements turn out to be nothing but bytes, or blocks.
protocol BulkArray {
  static var isBulk: Bool { get }
  static var elementType: Any.Type { get }
  func encodeBulk(into encoder: inout BlockEncoder)
  static func decodeBulk(from decoder: inout BlockDecoder) throws -> Self
}

extension Array: BulkArray {
  static var isBulk: Bool { _isPOD(Element.self) || Element.self is any Block.Type }
  static var elementType: Any.Type { Element.self }

  func encodeBulk(into encoder: inout BlockEncoder) {
    encoder.append(count)
    guard _isPOD(Element.self) else {
      for element in self { (element as! any Block).encode(into: &encoder) }
      return
    }
    withUnsafeBytes { bytes in
      let storage = BlockStorage(byteCount: bytes.count)
      if let start = bytes.baseAddress { storage.bytes.copyMemory(from: start, byteCount: bytes.count) }
      encoder.append(storage, byteCount: bytes.count)
    }
  }

  static func decodeBulk(from decoder: inout BlockDecoder) throws -> [Element] {
    let count = try decoder.read(Int.self)
    if let type = Element.self as? any Block.Type {
      return try (0..<Swift.max(0, count)).map { _ in try type.decode(from: &decoder) as! Element }
    }
    let storage = try decoder.readStorage()
    guard count >= 0, storage.byteCount == count * MemoryLayout<Element>.stride else {
      throw MusterError(.internal, "\(count) elements of type \(Element.self) arrived as \(storage.byteCount) bytes")
    }
    return withExtendedLifetime(storage) {
      [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
        // Safe: the bytes are those of `count` elements, which have no references.
        if let start = buffer.baseAddress, count > 0 {
          UnsafeMutableRawPointer(start).copyMemory(from: storage.bytes, byteCount: storage.byteCount)
        }
        initialized = count
      }
    }
  }
}
