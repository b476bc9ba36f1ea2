internal import FoundationEssentials

/// What values hold in memory, roughly: what worker budgets count of values that aren't arrays of Muster's.
enum ValueSize {
  /// Of so many elements of a collection the size is looked up; the rest is taken to be like them.
  private static let sampleCount = 256

  /// The value itself, and what the strings, data and collections in it hold, however deep; what class instances hold
  /// isn't seen.
  static func bytes<Value>(of value: Value) -> Int { MemoryLayout<Value>.size + heapBytes(of: value) }

  private static func heapBytes<Value>(of value: Value) -> Int {
    if _isPOD(Value.self) { return 0 }
    switch value {
    case let text as String: return text.utf8.count > 15 ? text.utf8.count : 0
    case let data as Data: return data.count
    case let block as any Block: return block.byteCount
    case let elements as any SizedCollection: return elements.ownBytes + elements.elementBytes
    default: break
    }
    let mirror = Mirror(reflecting: value)
    guard mirror.displayStyle != .class else { return 0 }
    return mirror.children.reduce(0) { $0 + heapBytes(of: $1.value) }
  }

  /// What the elements hold besides their place in the collection.
  static func heapBytes<C: Collection>(in elements: C) -> Int {
    if _isPOD(C.Element.self) { return 0 }
    let step = max(1, elements.count / sampleCount)
    var (sum, sampled) = (0, 0)
    var index = elements.startIndex
    while index < elements.endIndex {
      sum += heapBytes(of: elements[index])
      sampled += 1
      guard elements.formIndex(&index, offsetBy: step, limitedBy: elements.endIndex) else { break }
    }
    return sampled == 0 ? 0 : sum * elements.count / sampled
  }
}

/// Collections of the standard library, which keep their elements in memory of their own.
private protocol SizedCollection {
  /// What the collection takes for its elements' places.
  var ownBytes: Int { get }
  /// What its elements hold besides.
  var elementBytes: Int { get }
}

extension Array: SizedCollection {
  var ownBytes: Int { count * MemoryLayout<Element>.stride }
  var elementBytes: Int { ValueSize.heapBytes(in: self) }
}

extension Set: SizedCollection {
  var ownBytes: Int { capacity * MemoryLayout<Element>.stride }
  var elementBytes: Int { ValueSize.heapBytes(in: self) }
}

extension Dictionary: SizedCollection {
  var ownBytes: Int { capacity * (MemoryLayout<Key>.stride + MemoryLayout<Value>.stride) }
  var elementBytes: Int { ValueSize.heapBytes(in: keys) + ValueSize.heapBytes(in: values) }
}
