/// A key by its bytes: `String` takes different ones for equal, where they look alike.
struct CodedKey: Hashable {
  private let text: String

  init(_ text: String) { self.text = text }

  static func == (a: CodedKey, b: CodedKey) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
