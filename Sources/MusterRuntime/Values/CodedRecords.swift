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
  /// So many are looked at: a type that writes something else than its fields does so for nearly all values.
  static let count = 32
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
    for index in stride(from: 0, to: count, by: count / Sample.count) {
      guard let coded = try? CodedBytes(of: self[index]),
        let expected = try? Swift.withUnsafeBytes(of: self[index], { try first.record(layout.leaves, $0) }),
        coded.isSame(as: expected)
      else { return nil }
    }
    return first
  }

  static func isForm(_ layout: RecordLayout, of template: CodedBytes, first: UnsafeRawBufferPointer) throws -> Bool {
    guard try layout.isForm(of: template) else { return false }
    // Safe: the elements are nothing but numbers, and all of their bytes are there.
    return try CodedBytes(of: first.loadUnaligned(fromByteOffset: 0, as: Element.self)).isSame(as: template)
  }
}
