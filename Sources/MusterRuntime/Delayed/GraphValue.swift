/// A value that is to be computed: an array, a delayed value, or a list of such. Delayed functions take them as inputs,
/// and a collective computes them.
public protocol GraphValue<Value>: Sendable {
  /// What it is once it is computed.
  associatedtype Value where Value == Reader.Value
  /// How the blocks of its tasks become the value.
  associatedtype Reader: GraphReader

  /// Appends what it is made of, in the order in which the reader that it returns takes the blocks. For use by functions
  /// that take such values.
  func reader(adding sources: inout GraphSources) -> Reader
}

/// Makes a value of the blocks of its tasks. Holds none of the graph: a node holds those below it as sources only, and
/// lets go of them link by link.
public protocol GraphReader<Value>: Sendable {
  /// What it makes.
  associatedtype Value: Sendable

  /// Takes the value's blocks, which are next.
  ///
  /// - Throws: `MusterError` where they don't fit each other.
  func read(_ blocks: inout BlockReader) throws -> Value
}

/// A list of values: its value is the list of theirs. Whatever is computed for several of them is computed once.
extension Array: GraphValue where Element: GraphValue {
  /// Reads the values of all elements.
  @inlinable
  public func reader(adding sources: inout GraphSources) -> ListReader<Element.Reader> {
    sources.expect(count)
    // Most have nothing to hold: one stands for all.
    if MemoryLayout<Element.Reader>.size == 0 {
      var reader: Element.Reader?
      for element in self { reader = element.reader(adding: &sources) }
      return ListReader(count: count, same: reader, each: [])
    }
    var readers: [Element.Reader] = []
    readers.reserveCapacity(count)
    for element in self { readers.append(element.reader(adding: &sources)) }
    return ListReader(count: count, same: nil, each: readers)
  }
}

/// Reads a list of values.
public struct ListReader<Element: GraphReader>: GraphReader {
  @usableFromInline let count: Int
  /// What reads every element.
  @usableFromInline let same: Element?
  /// What reads one element each, where there isn't one for all.
  @usableFromInline let each: [Element]

  @inlinable
  init(count: Int, same: Element?, each: [Element]) {
    self.count = count
    self.same = same
    self.each = each
  }

  /// The values of the elements, in their order.
  @inlinable
  public func read(_ blocks: inout BlockReader) throws -> [Element.Value] {
    var values: [Element.Value] = []
    values.reserveCapacity(count)
    if let same {
      for _ in 0..<count { values.append(try same.read(&blocks)) }
    } else {
      for reader in each { values.append(try reader.read(&blocks)) }
    }
    return values
  }
}
