/// A hash of a value's contents for the record of calls, where they can be seen: so that ranks that pass different values
/// to the same call are found.
package enum ValueDigest {
  /// Bytes up to this number count all; of more, the first and the last pages and some between.
  private static let wholeBytes = 1 << 16
  private static let pageBytes = 1 << 10

  /// Numbers, truth values, strings, arrays of Muster's, and lists of such. nil for others: structs may have bytes between
  /// their fields that mean nothing, and differ.
  package static func text(of value: some Any) -> String? {
    var hash = Fingerprint()
    return fold(value, into: &hash) ? String(hash.low, radix: 16) : nil
  }

  /// Of bytes. O(1) for many.
  package static func text(of bytes: UnsafeRawBufferPointer) -> String {
    var hash = Fingerprint()
    fold(bytes: bytes, into: &hash)
    return String(hash.low, radix: 16)
  }

  private static func fold(_ value: some Any, into hash: inout Fingerprint) -> Bool {
    switch value {
    case let text as String: hash.fold(text)
    case let truth as Bool: hash.fold(truth ? 1 : 0)
    case let number as any BinaryInteger: hash.fold("\(number)")
    // The shortest digits that name the number: different numbers have different ones.
    case let number as any BinaryFloatingPoint: hash.fold("\(number)")
    case let contents as any DigestibleContents: contents.withContents { fold(bytes: $0, into: &hash) }
    case let list as any DigestibleList: return list.fold(into: &hash)
    default: return false
    }
    return true
  }

  fileprivate static func fold<Element>(elements: [Element], into hash: inout Fingerprint) -> Bool {
    hash.fold(elements.count)
    // A Float80 has bytes that mean nothing.
    if Element.self is any FixedWidthInteger.Type || Element.self == Double.self || Element.self == Float.self {
      elements.withUnsafeBytes { fold(bytes: $0, into: &hash) }
      return true
    }
    return elements.allSatisfy { fold($0, into: &hash) }
  }

  private static func fold(bytes: UnsafeRawBufferPointer, into hash: inout Fingerprint) {
    hash.fold(bytes.count)
    guard bytes.count > wholeBytes else { return foldAll(bytes[...], into: &hash) }
    let pages = wholeBytes / pageBytes
    for page in 0..<pages {
      let start = (bytes.count - pageBytes) / (pages - 1) * page
      foldAll(bytes[start..<start + pageBytes], into: &hash)
    }
    foldAll(bytes.suffix(pageBytes), into: &hash)
  }

  private static func foldAll(_ bytes: Slice<UnsafeRawBufferPointer>, into hash: inout Fingerprint) {
    let bytes = UnsafeRawBufferPointer(rebasing: bytes)
    let words = bytes.count / 8
    for word in 0..<words { hash.fold(bytes.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)) }
    for byte in bytes.dropFirst(8 * words) { hash.fold(UInt64(byte)) }
  }
}

/// Values that are their bytes, all of them.
package protocol DigestibleContents {
  func withContents<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

private protocol DigestibleList {
  func fold(into hash: inout Fingerprint) -> Bool
}

extension Array: DigestibleList {
  fileprivate func fold(into hash: inout Fingerprint) -> Bool { ValueDigest.fold(elements: self, into: &hash) }
}
