import MusterRuntime
import Testing

/// What values of the program's own types are counted for.
@Suite struct ValueSizeTests {
  private final class Link: Sendable, Codable {
    let name: String
    let next: Link?
    init(_ name: String, _ next: Link?) { (self.name, self.next) = (name, next) }
    init(from decoder: any Decoder) throws { fatalError("nothing crosses") }
    func encode(to encoder: any Encoder) throws {
      var all = encoder.unkeyedContainer()
      var link: Link? = self
      while let one = link {
        try all.encode(one.name)
        link = one.next
      }
    }
  }

  private struct Tree: Sendable {
    var name: String
    var children: [Tree]
  }

  private static let long = String(repeating: "long ", count: 20)

  private func chain(_ count: Int) -> Link {
    let list = (0..<count).reduce(Link(Self.long, nil)) { link, _ in Link(Self.long, link) }
    // It stays: letting go of a long list takes a stack as deep.
    _ = Unmanaged.passRetained(list)
    return list
  }

  /// Each of the list's elements counts, and the stack isn't in the way.
  @Test func aLongListIsCounted() {
    for count in [10, 1000, 50_000] {
      let bytes = ValueSize.bytes(of: chain(count))
      #expect(bytes > 100 * count && bytes < 300 * (count + 1), "\(bytes) for \(count)")
    }
  }

  /// Beyond what is looked into the text tells.
  @Test func aVeryLongListCountsForItsText() {
    #expect(ValueSize.bytes(of: chain(300_000)) > 300_000 * 100)
  }

  @Test func aDeepTreeIsCounted() {
    var tree = Tree(name: Self.long, children: [])
    for _ in 0..<3000 { tree = Tree(name: Self.long, children: [tree, Tree(name: Self.long, children: [])]) }
    let bytes = ValueSize.bytes(of: tree)
    #expect(bytes > 6000 * 100 && bytes < 6001 * 250, "\(bytes)")
  }
}
