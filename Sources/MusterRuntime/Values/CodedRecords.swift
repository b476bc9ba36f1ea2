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
  /// Whether the elements are what a template was made of, the first of which has these bytes.
  static func isForm(_ layout: RecordLayout, of template: CodedBytes, first: UnsafeRawBufferPointer) throws -> Bool
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
  static let count = 62
}

extension Array: CodedRecords where Element: Codable {
  static var layout: RecordLayout? {
    _isPOD(Element.self) ? RecordLayout(of: Element.self, stride: MemoryLayout<Element>.stride) : nil
  }

  var byteCount: Int { count * MemoryLayout<Element>.stride }

  func withRecords(_ body: (UnsafeRawBufferPointer) -> Void) { withUnsafeBytes(body) }

  func template(_ layout: RecordLayout) -> CodedBytes? {
    guard count >= Sample.leastElements, let first = try? CodedBytes(of: self[0]),
      (try? layout.isForm(of: first)) == true
    else { return nil }
    guard Self.isCodedAsItIs(self[0], layout, first), Self.isCodedAsItIs(self[count - 1], layout, first) else {
      return nil
    }
    for number in 1...UInt64(Sample.count) {
      // Multiples of the golden ratio: spread, and in no step with rows.
      let fraction = number &* 0x9E37_79B9_7F4A_7C15
      let index = Int(fraction.multipliedFullWidth(by: UInt64(count)).high)
      guard Self.isCodedAsItIs(self[index], layout, first) else { return nil }
    }
    return first
  }

  /// Whether an element is written as a template with its numbers, and read from that as what it was.
  private static func isCodedAsItIs(_ element: Element, _ layout: RecordLayout, _ template: CodedBytes) -> Bool {
    guard let coded = try? CodedBytes(of: element),
      let expected = try? Swift.withUnsafeBytes(of: element, { try template.record(layout.leaves, $0) }),
      coded.isSame(as: expected), let again = try? ValueDecoder(coded).readValue(Element.self), coded.failure == nil
    else { return false }
    return Swift.withUnsafeBytes(of: element) { bytes in
      Swift.withUnsafeBytes(of: again) { layout.isSame(bytes, $0) }
    }
  }

  static func isForm(_ layout: RecordLayout, of template: CodedBytes, first: UnsafeRawBufferPointer) throws -> Bool {
    guard try layout.isForm(of: template), let element = try? ValueDecoder(template).readValue(Element.self),
      template.failure == nil, try CodedBytes(of: element).isSame(as: template)
    else { return false }
    return Swift.withUnsafeBytes(of: element) { layout.isSame($0, first) }
  }
}
