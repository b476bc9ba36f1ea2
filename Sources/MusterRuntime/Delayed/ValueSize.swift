/// What values hold in memory, roughly: what worker budgets count of values that aren't arrays of Muster's.
enum ValueSize {
  /// The value itself, and what the standard library's collections in it hold; what a class instance holds isn't seen.
  static func bytes<Value>(of value: Value) -> Int {
    MemoryLayout<Value>.size + ((value as? any HeapSized)?.heapBytes ?? 0)
  }
}

/// Types with memory beyond their own.
private protocol HeapSized {
  var heapBytes: Int { get }
}

extension String: HeapSized {
  var heapBytes: Int { utf8.count > 15 ? utf8.count : 0 }
}

extension Array: HeapSized {
  var heapBytes: Int {
    count * MemoryLayout<Element>.stride + (Element.self is any HeapSized.Type ? MusterRuntime.heapBytes(in: self) : 0)
  }
}

extension Set: HeapSized {
  var heapBytes: Int {
    capacity * MemoryLayout<Element>.stride
      + (Element.self is any HeapSized.Type ? MusterRuntime.heapBytes(in: self) : 0)
  }
}

extension Dictionary: HeapSized {
  var heapBytes: Int {
    let own = capacity * (MemoryLayout<Key>.stride + MemoryLayout<Value>.stride)
    let keys = Key.self is any HeapSized.Type ? MusterRuntime.heapBytes(in: self.keys) : 0
    return own + keys + (Value.self is any HeapSized.Type ? MusterRuntime.heapBytes(in: self.values) : 0)
  }
}

extension Optional: HeapSized {
  var heapBytes: Int { (flatMap { $0 as? any HeapSized })?.heapBytes ?? 0 }
}

private func heapBytes(in elements: some Sequence) -> Int {
  elements.reduce(0) { $0 + (($1 as? any HeapSized)?.heapBytes ?? 0) }
}
