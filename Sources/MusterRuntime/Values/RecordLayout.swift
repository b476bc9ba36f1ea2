// The fields of a type are an interface of the standard library's own (its `Mirror` is made of it): no public one shows
// those of a type without a value.
@_spi(Reflection) internal import Swift

/// Where a struct that is made of numbers alone, also within structs, has them in memory.
struct RecordLayout {
  struct Leaf: Equatable {
    let number: CodedNumber
    /// Of its first byte.
    let offset: Int
  }

  private indirect enum Node {
    case number
    case fields([(name: String, node: Node)])
  }

  let stride: Int
  private(set) var leaves: [Leaf] = []
  private var root = Node.number

  /// nil for other types.
  init?(of type: Any.Type, stride: Int) {
    self.stride = stride
    guard let root = read(type, at: 0), !leaves.isEmpty else { return nil }
    self.root = root
  }

  private mutating func read(_ type: Any.Type, at offset: Int) -> Node? {
    if let number = (type as? any CodedElement.Type)?.number {
      leaves.append(Leaf(number: number, offset: offset))
      return .number
    }
    var fields: [(name: String, node: Node)] = []
    let isComplete = _forEachField(of: type) { name, place, field, kind in
      guard field is any CodedElement.Type || kind == .struct, let node = read(field, at: offset + place) else {
        return false
      }
      fields.append((String(cString: name), node))
      return true
    }
    return isComplete && !fields.isEmpty ? .fields(fields) : nil
  }

  /// Whether two have the same numbers. What is between those is of no interest.
  func isSame(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
    leaves.allSatisfy { leaf in
      let place = leaf.offset..<leaf.offset + leaf.number.stride
      return one[place].elementsEqual(other[place])
    }
  }

  /// Whether an element is coded as its fields by their names, in order, and nothing else. What is a struct of one field may
  /// be coded as that alone.
  func isForm(of coded: CodedBytes) throws -> Bool {
    var cursor = coded.cursor(at: 0)
    return try isForm(root, of: coded, at: &cursor)
  }

  private func isForm(_ node: Node, of coded: CodedBytes, at cursor: inout CodedBytes.Cursor) throws -> Bool {
    var next = cursor
    let item = try next.item()
    switch node {
    case .number:
      guard item.isNumber else { return false }
      try cursor.skip()
      return true
    case .fields(let fields):
      guard item == .fields else { return try fields.count == 1 && isForm(fields[0].node, of: coded, at: &cursor) }
      let length = try next.length()
      let end = next.offset + length
      for field in fields {
        guard next.offset < end, try coded.key(&next) == field.name, try isForm(field.node, of: coded, at: &next) else {
          return false
        }
      }
      cursor = next
      return next.offset == end
    }
  }
}
