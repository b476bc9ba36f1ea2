/// Many structs of numbers, in memory one after the other, which their `Codable` form says nothing else than.
protocol CodedRecords {
  /// nil where the elements are something else.
  static var layout: RecordLayout? { get }
  var count: Int { get }
  var byteCount: Int { get }
  /// The first element in its `Codable` form; nil where that of some elements isn't what their memory says, such as a name
  /// for a number, or where there are too few for it to be worth while.
  func template(_ layout: RecordLayout) -> CodedBytes?
  func withRecords(_ body: (UnsafeRawBufferPointer) -> Void)
  /// Their memory, without a copy.
  var lentStorage: BlockStorage { get }
  /// - Parameters:
  ///   - byteCount: Of whole elements.
  ///   - fill: Writes them.
  init(bytes byteCount: Int, filledBy fill: (UnsafeMutableRawPointer) -> Void)
  /// Whether elements of this type, with a template and such memory, are written and read as what their memory says.
  static func areForm(_ layout: RecordLayout, of template: CodedBytes, _ bytes: UnsafeRawBufferPointer) throws -> Bool
}

extension CodedRecords {
  /// What is written by its memory; nil where it isn't.
  var form: (layout: RecordLayout, template: CodedBytes)? {
    guard let layout = Self.layout, let template = template(layout) else { return nil }
    return (layout, template)
  }
}

private enum Sample {
  /// Fewer are written one by one.
  static let leastElements = 1024
  /// So many are looked at, besides the first and the last one: a type that codes itself as something else than its fields
  /// does so for most values.
  private static let count = 62

  /// Which of so many elements are looked at.
  static func places(in elements: Int) -> [Int] {
    [0, elements - 1]
      + (1...UInt64(count)).map { number in
        // Multiples of the golden ratio: spread, and in no step with rows.
        Int((number &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: UInt64(elements)).high)
      }
  }
}

extension Array: CodedRecords where Element: Codable {
  static var layout: RecordLayout? {
    _isPOD(Element.self) ? RecordLayout(of: Element.self, stride: MemoryLayout<Element>.stride) : nil
  }

  var byteCount: Int { count * MemoryLayout<Element>.stride }

  func withRecords(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }

  func template(_ layout: RecordLayout) -> CodedBytes? {
    guard count >= Sample.leastElements, let first = try? CodedBytes(of: self[0]),
      (try? layout.isForm(of: first)) == true,
      Sample.places(in: count).allSatisfy({ Self.isCodedAsItIs(self[$0], layout, first) })
    else { return nil }
    return first
  }

  /// Whether an element is written as a template with its numbers, and read from that as what it was.
  private static func isCodedAsItIs(_ element: Element, _ layout: RecordLayout, _ template: CodedBytes) -> Bool {
    Swift.withUnsafeBytes(of: element) { record in
      guard let coded = try? CodedBytes(of: element), let expected = try? template.record(layout.leaves, record),
        coded.isSame(as: expected)
      else { return false }
      return read(expected, layout, as: record) != nil
    }
  }

  /// What is read of an element in its `Codable` form, where that is what its memory says.
  private static func read(_ coded: CodedBytes, _ layout: RecordLayout, as record: UnsafeRawBufferPointer) -> Element? {
    guard let element = try? ValueDecoder(coded).readValue(Element.self), coded.failure == nil,
      Swift.withUnsafeBytes(of: element, { layout.isSame(record, $0) })
    else { return nil }
    return element
  }

  static func areForm(_ layout: RecordLayout, of template: CodedBytes, _ bytes: UnsafeRawBufferPointer) throws -> Bool {
    guard try layout.isForm(of: template) else { return false }
    // Another type may have written them: what this one reads of many isn't what it would read of each, perhaps.
    return try Sample.places(in: bytes.count / layout.stride).allSatisfy { place in
      let record = UnsafeRawBufferPointer(rebasing: bytes[place * layout.stride..<(place + 1) * layout.stride])
      let coded = try template.record(layout.leaves, record)
      guard let element = read(coded, layout, as: record) else { return false }
      return try CodedBytes(of: element).isSame(as: coded)
    }
  }
}
