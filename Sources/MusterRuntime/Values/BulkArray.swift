/// Arrays whose elements turn out to be nothing but bytes, or blocks, or such arrays.
protocol BulkArray {
  static var isBulk: Bool { get }
  /// Whether the elements are nothing but bytes in the end: an array of arrays of numbers.
  static var isFlat: Bool { get }
  /// Whether what the innermost arrays hold is copied when it is encoded, to be one after the other.
  static var isCopied: Bool { get }
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
  fileprivate var bulk: ArrivedBulk

  fileprivate mutating func takeCount() throws -> Int {
    guard let count = counts.popFirst(), count >= 0 else { throw Self.damaged }
    return count
  }

  fileprivate mutating func take<Element>(_ count: Int, of type: Element.Type) throws -> [Element] {
    let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !isTooLarge, byteCount <= bulk.bytesLeft else { throw Self.damaged }
    return [Element](bytes: byteCount) { bulk.copy(byteCount, to: $0) }
  }

  fileprivate static let damaged = MusterError(.internal, "an array of arrays arrived with other counts than its bytes")
}

extension Array: BulkArray {
  static var isBulk: Bool {
    isFlat || Element.self is any Block.Type || (Element.self as? any BulkArray.Type)?.isBulk == true
  }
  static var isFlat: Bool { _isPOD(Element.self) || (Element.self as? any BulkArray.Type)?.isFlat == true }
  static var isCopied: Bool { isFlat ? !_isPOD(Element.self) : (Element.self as? any BulkArray.Type)?.isCopied == true }
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
    let storage = lentStorage
    encoder.append(storage, byteCount: storage.byteCount)
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
      var leaves = ArrayLeaves(counts: counts[...], bulk: try decoder.readBulk())
      let array = try take(from: &leaves)
      guard leaves.counts.isEmpty, leaves.bulk.bytesLeft == 0 else { throw ArrayLeaves.damaged }
      return array
    }
    let count = try decoder.read(Int.self)
    var bulk = try decoder.readBulk()
    guard count >= 0, bulk.byteCount == count * MemoryLayout<Element>.stride else {
      throw MusterError(.internal, "\(count) elements of type \(Element.self) arrived as \(bulk.byteCount) bytes")
    }
    return [Element](bytes: bulk.byteCount) { bulk.copy(bulk.byteCount, to: $0) }
  }

  /// An array of elements that are nothing but bytes.
  ///
  /// - Parameters:
  ///   - byteCount: Of whole elements.
  ///   - fill: Writes them.
  init(bytes byteCount: Int, filledBy fill: (UnsafeMutableRawPointer) -> Void) {
    // The one empty array is every thread's: its count isn't to be written again.
    guard byteCount > 0 else {
      self = []
      return
    }
    let count = byteCount / MemoryLayout<Element>.stride
    self.init(unsafeUninitializedCapacity: count) { buffer, initialized in
      // Safe: there is room for `count` elements, which have no references.
      if let start = buffer.baseAddress { fill(UnsafeMutableRawPointer(start)) }
      initialized = count
    }
  }

  /// The elements' memory, where these are nothing but bytes, without a copy.
  var lentStorage: BlockStorage {
    // Safe: an array keeps its elements in one place (nothing is bridged outside of Apple's systems) and as they are while
    // somebody else refers to them, which the storage does.
    withUnsafeBytes { LentStorage($0, of: self) }
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
    guard !_isPOD(Element.self) else { return try leaves.take(count, of: Element.self) }
    let type = Element.self as! any BulkArray.Type
    return try (0..<count).map { _ in try type.take(from: &leaves) as! Element }
  }
}
