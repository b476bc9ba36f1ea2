internal import FoundationEssentials

/// What values hold in memory, roughly: what worker budgets count of values that aren't arrays of Muster's.
package enum ValueSize {
  /// Of so many elements of a collection the size is looked up; the rest is taken to be like them.
  private static let sampleCount = 256

  /// Of fewer bytes of structs it isn't asked whether they go apart, which takes a tenth of a millisecond: they are taken to
  /// be copied.
  private static let leastRecordBytes = 1 << 20

  /// Of so many objects what they hold is looked up.
  private static let objectCount = 100_000

  /// So deep values are looked into on the thread's stack.
  private static let mostDepth = 64

  /// How far a value has been looked into.
  struct Walk {
    fileprivate var seen: Set<ObjectIdentifier> = []
    fileprivate var depth = 0
    /// For how many values each stands that is looked at.
    fileprivate var weight = 1.0
    /// What lies deeper than the stack is meant to go: a list has as many levels as elements.
    fileprivate var later: [(value: Any, weight: Double)] = []
    fileprivate var isCut = false
    /// What is in numbers that go apart when the value is written.
    fileprivate var apart = 0.0
    /// Whether that is to be known of structs of numbers, too: some are coded for that.
    fileprivate var asksForms = false

    fileprivate mutating func note(numbers byteCount: Int) {
      if CodedItem.goesApart(byteCount) { apart += weight * Double(byteCount) }
    }
  }

  /// The value itself, and what the strings, data, collections and objects in it hold, however deep. Objects count once,
  /// and what an object keeps in memory of its own making isn't seen. Of a value of more than a hundred thousand objects,
  /// which to look into takes a second, what it takes when it is written counts where it is `Codable` and that is more.
  package static func bytes<Value>(of value: Value) -> Int {
    var walk = Walk()
    return bytes(of: value, &walk)
  }

  /// The same of a value that is written in its `Codable` form. All but arrays of many numbers, and of structs of such, is
  /// copied for that.
  package static func held<Value>(byCoded value: Value) -> HeldBytes {
    var walk = Walk()
    walk.asksForms = true
    let bytes = bytes(of: value, &walk)
    return HeldBytes(bytes, copied: walk.apart < Double(bytes) ? bytes - Int(walk.apart) : 0)
  }

  private static func bytes<Value>(of value: Value, _ walk: inout Walk) -> Int {
    var sum = Double(MemoryLayout<Value>.size) + allHeapBytes(of: value, &walk)
    if walk.isCut, let codable = value as? any Codable, let written = try? CodedValue.byteCount(of: codable) {
      sum = max(sum, Double(written))
    }
    return sum < Double(Int.max) ? Int(sum) : .max
  }

  /// What a value holds besides itself, however deep.
  private static func allHeapBytes<Value>(of value: Value, _ walk: inout Walk) -> Double {
    var sum = Double(heapBytes(of: value, &walk))
    while let next = walk.later.popLast() {
      walk.weight = next.weight
      sum += next.weight * Double(heapBytes(of: next.value, &walk))
    }
    return sum
  }

  private static func heapBytes<Value>(of value: Value, _ walk: inout Walk) -> Int {
    if _isPOD(Value.self) { return 0 }
    guard walk.depth < mostDepth else {
      walk.later.append((value, walk.weight))
      return 0
    }
    walk.depth += 1
    defer { walk.depth -= 1 }
    switch value {
    case let text as String: return text.utf8.count > 15 ? pieceBytes(32 + text.utf8.count) : 0
    case let data as Data:
      walk.note(numbers: data.count)
      return data.count
    case let block as any Block: return block.byteCount
    case let elements as any SizedCollection:
      let bytes = elements.ownBytes
      guard CodedItem.goesApart(bytes) else { return bytes + elements.elementBytes(&walk) }
      if let numbers = elements as? any CodedNumbers {
        walk.note(numbers: numbers.count * type(of: numbers).number.stride)
      } else if walk.asksForms, let records = elements as? any CodedRecords, records.byteCount >= leastRecordBytes,
        records.form != nil
      {
        walk.note(numbers: records.byteCount)
      }
      return bytes + elements.elementBytes(&walk)
    case let elements as any Collection: return collectionBytes(of: elements, &walk)
    default: break
    }
    let mirror = Mirror(reflecting: value)
    var bytes = 0
    let isObject = mirror.displayStyle == .class
    if isObject {
      let object = value as AnyObject
      guard walk.seen.count < objectCount else {
        walk.isCut = true
        return 0
      }
      guard walk.seen.insert(ObjectIdentifier(object)).inserted else { return 0 }
      bytes = headerBytes
    }
    var next: Mirror? = mirror
    while let fields = next {
      for child in fields.children {
        bytes += heapBytes(of: child.value, &walk) + (isObject ? placeBytes(of: child.value) : 0)
      }
      next = fields.superclassMirror
    }
    return bytes
  }

  /// What `malloc` takes for so many bytes, of which it keeps some and rounds up.
  fileprivate static func pieceBytes(_ count: Int) -> Int { (count &+ 23) & ~15 }

  /// What an object has besides its fields.
  private static let headerBytes = 16
  /// What a field takes in its object.
  private static func placeBytes<Field>(of field: Field) -> Int { MemoryLayout<Field>.size }

  private static func collectionBytes<C: Collection>(of elements: C, _ walk: inout Walk) -> Int {
    elements.count * MemoryLayout<C.Element>.stride + heapBytes(in: elements, &walk)
  }

  /// What the elements hold besides their place in the collection.
  static func heapBytes<C: Collection>(in elements: C, _ walk: inout Walk) -> Int {
    if _isPOD(C.Element.self) { return 0 }
    let step = max(1, elements.count / sampleCount)
    let weight = walk.weight
    walk.weight *= Double(step)
    defer { walk.weight = weight }
    var (sum, sampled) = (0, 0)
    var index = elements.startIndex
    while index < elements.endIndex {
      sum += heapBytes(of: elements[index], &walk)
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
  func elementBytes(_ walk: inout ValueSize.Walk) -> Int
}

extension Array: SizedCollection {
  var ownBytes: Int { isEmpty ? 0 : ValueSize.pieceBytes(32 + count * MemoryLayout<Element>.stride) }
  func elementBytes(_ walk: inout ValueSize.Walk) -> Int { ValueSize.heapBytes(in: self, &walk) }
}

extension Set: SizedCollection {
  var ownBytes: Int { isEmpty ? 0 : ValueSize.pieceBytes(64 + capacity * MemoryLayout<Element>.stride) }
  func elementBytes(_ walk: inout ValueSize.Walk) -> Int { ValueSize.heapBytes(in: self, &walk) }
}

extension Dictionary: SizedCollection {
  var ownBytes: Int {
    isEmpty ? 0 : ValueSize.pieceBytes(64 + capacity * (MemoryLayout<Key>.stride + MemoryLayout<Value>.stride))
  }
  func elementBytes(_ walk: inout ValueSize.Walk) -> Int {
    ValueSize.heapBytes(in: keys, &walk) + ValueSize.heapBytes(in: values, &walk)
  }
}
