/// Arrays whose elements turn out to be nothing but bytes, or blocks, or such arrays.
protocol BulkArray {
  static var isBulk: Bool { get }
  /// Whether the elements are nothing but bytes in the end: an array of arrays of numbers.
  static var isFlat: Bool { get }
  /// What is in the innermost array.
  static var leafType: Any.Type { get }
  func encodeBulk(into encoder: inout BlockEncoder)
  static func decodeBulk(from decoder: inout BlockDecoder) throws -> Self

  /// Appends the count, and of arrays of arrays each element's, depth first. Returns how many bytes the innermost have.
  func appendCounts(to counts: inout [Int]) -> Int
  /// Copies the innermost arrays' bytes, one after the other, and goes on behind them.
  func copyLeaves(to target: inout UnsafeMutableRawPointer)
  static func take(from leaves: inout ArrayLeaves) throws -> Self
}

/// What arrays of arrays are made of again: their counts, depth first, and the innermost arrays' bytes.
struct ArrayLeaves {
  fileprivate var counts: ArraySlice<Int>
  fileprivate var bytes: UnsafeRawBufferPointer.SubSequence

  fileprivate mutating func takeCount() throws -> Int {
    guard let count = counts.popFirst(), count >= 0 else { throw Self.damaged }
    return count
  }

  fileprivate mutating func takeBytes(_ count: Int, of size: Int) throws -> UnsafeRawBufferPointer.SubSequence {
    let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: size)
    guard !isTooLarge, byteCount <= bytes.count else { throw Self.damaged }
    defer { bytes = bytes.dropFirst(byteCount) }
    return bytes.prefix(byteCount)
  }

  fileprivate static let damaged = MusterError(.internal, "an array of arrays arrived with other counts than its bytes")
}

extension Array: BulkArray {
  static var isBulk: Bool {
    isFlat || Element.self is any Block.Type || (Element.self as? any BulkArray.Type)?.isBulk == true
  }
  static var isFlat: Bool { _isPOD(Element.self) || (Element.self as? any BulkArray.Type)?.isFlat == true }
  static var leafType: Any.Type { (Element.self as? any BulkArray.Type)?.leafType ?? Element.self }

  func encodeBulk(into encoder: inout BlockEncoder) {
    guard Self.isFlat else {
      encoder.append(count)
      for element in self {
        if let array = element as? any BulkArray {
          array.encodeBulk(into: &encoder)
        } else {
          (element as! any Block).encode(into: &encoder)
        }
      }
      return
    }
    guard _isPOD(Element.self) else {
      var counts: [Int] = []
      let storage = BlockStorage(byteCount: appendCounts(to: &counts))
      var target = storage.bytes
      copyLeaves(to: &target)
      counts.encodeBulk(into: &encoder)
      encoder.append(storage, byteCount: storage.byteCount)
      return
    }
    encoder.append(count)
    withUnsafeBytes { bytes in
      let storage = BlockStorage(byteCount: bytes.count)
      if let start = bytes.baseAddress { storage.bytes.copyMemory(from: start, byteCount: bytes.count) }
      encoder.append(storage, byteCount: bytes.count)
    }
  }

  static func decodeBulk(from decoder: inout BlockDecoder) throws -> [Element] {
    guard isFlat else {
      let count = try decoder.read(Int.self)
      return try (0..<Swift.max(0, count)).map { _ in
        if let type = Element.self as? any BulkArray.Type { return try type.decodeBulk(from: &decoder) as! Element }
        return try (Element.self as! any Block.Type).decode(from: &decoder) as! Element
      }
    }
    guard _isPOD(Element.self) else {
      let counts = try [Int].decodeBulk(from: &decoder)
      let storage = try decoder.readStorage()
      return try withExtendedLifetime(storage) {
        // Safe: the storage lives as long as its bytes are read.
        var leaves = ArrayLeaves(
          counts: counts[...], bytes: UnsafeRawBufferPointer(start: storage.bytes, count: storage.byteCount)[...])
        let array = try take(from: &leaves)
        guard leaves.counts.isEmpty, leaves.bytes.isEmpty else { throw ArrayLeaves.damaged }
        return array
      }
    }
    let count = try decoder.read(Int.self)
    let storage = try decoder.readStorage()
    guard count >= 0, storage.byteCount == count * MemoryLayout<Element>.stride else {
      throw MusterError(.internal, "\(count) elements of type \(Element.self) arrived as \(storage.byteCount) bytes")
    }
    return withExtendedLifetime(storage) {
      // Safe: the bytes are those of `count` elements, and the storage lives as long as they are read.
      copy(UnsafeRawBufferPointer(start: storage.bytes, count: storage.byteCount)[...], count: count)
    }
  }

  /// Elements that are nothing but bytes, of as many as they take.
  static func copy(_ bytes: UnsafeRawBufferPointer.SubSequence, count: Int) -> [Element] {
    // The one empty array is every thread's: its count isn't to be written again.
    count == 0
      ? []
      : [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
        // Safe: the bytes are those of `count` elements, which have no references.
        if let start = buffer.baseAddress, let source = UnsafeRawBufferPointer(rebasing: bytes).baseAddress, count > 0 {
          UnsafeMutableRawPointer(start).copyMemory(from: source, byteCount: bytes.count)
        }
        initialized = count
      }
  }

  // MARK: Arrays of arrays

  func appendCounts(to counts: inout [Int]) -> Int {
    counts.append(count)
    guard !_isPOD(Element.self) else { return count * MemoryLayout<Element>.stride }
    var bytes = 0
    for element in self { bytes += (element as! any BulkArray).appendCounts(to: &counts) }
    return bytes
  }

  func copyLeaves(to target: inout UnsafeMutableRawPointer) {
    guard _isPOD(Element.self) else {
      for element in self { (element as! any BulkArray).copyLeaves(to: &target) }
      return
    }
    withUnsafeBytes { bytes in
      // Safe: `appendCounts` has counted these bytes.
      if let start = bytes.baseAddress { target.copyMemory(from: start, byteCount: bytes.count) }
      target += bytes.count
    }
  }

  static func take(from leaves: inout ArrayLeaves) throws -> [Element] {
    let count = try leaves.takeCount()
    guard !_isPOD(Element.self) else {
      return copy(try leaves.takeBytes(count, of: MemoryLayout<Element>.stride), count: count)
    }
    let type = Element.self as! any BulkArray.Type
    return try (0..<count).map { _ in try type.take(from: &leaves) as! Element }
  }
}
