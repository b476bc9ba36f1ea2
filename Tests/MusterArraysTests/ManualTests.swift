import Foundation
import Testing

/// docs/arrays.md and what it lists.
struct ManualTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  /// What arrays do for other parts of Muster, not for a program.
  private static let inner: Set = [
    "encode", "decode", "hash", "read", "reader", "persisted", "elementTypeMismatch", "dataset", "exact", "sizes",
  ]

  @Test func everyFunctionIsListed() throws {
    let manual = try String(contentsOf: Self.root.appendingPathComponent("docs/arrays.md"), encoding: .utf8)
    let sources = Self.root.appendingPathComponent("Sources/MusterArrays")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var names: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      for match in text.matches(of: /\n\s*public (?:static )?func `?([a-z]\w*)/) { names.insert(String(match.1)) }
    }
    #expect(names.count > 60)
    let words = Set(manual.matches(of: /\w+/).map { String($0.0) })
    #expect(names.subtracting(Self.inner).subtracting(words).sorted() == [])
  }

  @Test func everyErrorIsListed() throws {
    let manual = try String(contentsOf: Self.root.appendingPathComponent("docs/arrays.md"), encoding: .utf8)
    let source = Self.root.appendingPathComponent("Sources/MusterRuntime/Errors/MusterError.swift")
    let codes = try String(contentsOf: source, encoding: .utf8).matches(of: /= Code\("(\w+)"\)/).map { String($0.1) }
    #expect(codes.count > 15)
    #expect(codes.filter { !manual.contains("`\($0)`") } == [])
  }
}
