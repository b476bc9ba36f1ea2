import Foundation
import Muster
import MusterScheduling
import Testing

/// Pictures of graphs.
struct VisualizeTests {
  private static let quiet = SessionConfiguration(
    backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)

  private func withFolder<R>(_ body: (String) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
  }

  @Test func everyTaskThatIsNeededIsABox() async throws {
    try await withFolder { folder in
      try await Session.run(Self.quiet) { session in
        let leaves = (0..<3).map { index in session.delayed(name: "leaf") { index } }
        let pair = session.delayed(leaves[0], leaves[2], name: #"a "pair""#) { $0 + $1 }
        try session.visualize(pair, to: "\(folder)/graph.dot")
        let text = try String(contentsOfFile: "\(folder)/graph.dot", encoding: .utf8)
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        #expect(
          lines.filter { $0.contains("label=") }.map { $0.prefix { $0 != "," } } == [
            #"t0_0 [label="leaf[0]""#, #"t0_1 [label="leaf[1]""#, #"t1_0 [label="a \"pair\"""#,
          ])
        #expect(lines.filter { $0.contains("->") } == ["t0_0 -> t1_0;", "t0_1 -> t1_0;"])
        #expect(lines.filter { $0.contains("penwidth") }.count == 1)
      }
    }
  }

  @Test func manyTasksAreDrawnAsLayers() async throws {
    try await withFolder { folder in
      try await Session.run(Self.quiet) { session in
        let array = session.arange(0.0, 2000.0, chunks: .exact([Array(repeating: 1, count: 2000)]))
        try session.visualize((array + 1).mapBlocks { $0 }.sum(), to: "\(folder)/graph.gv")
        let text = try String(contentsOfFile: "\(folder)/graph.gv", encoding: .utf8)
        #expect(text.contains(#"\n2000 tasks""#), "\(text)")
        #expect(text.components(separatedBy: "label=").count < 10, "\(text)")
      }
    }
  }

  @Test func dotDrawsIt() async throws {
    try await withFolder { folder in
      try await Session.run(Self.quiet) { session in
        let x = session.arange(0.0, 100.0, chunks: .exact([[50, 50]]))
        for ending in ["svg", "png", "pdf"] {
          try session.visualize(x.mean(), x.max(), to: "\(folder)/graph.\(ending)")
        }
        let svg = try String(contentsOfFile: "\(folder)/graph.svg", encoding: .utf8)
        #expect(svg.contains("</svg>") && svg.contains("VisualizeTests.swift"), "\(svg)")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(files == ["graph.pdf", "graph.png", "graph.svg"])
      }
    }
  }

  @Test func whatCannotBeWrittenIsAnError() async throws {
    try await withFolder { folder in
      try await Session.run(Self.quiet) { session in
        let x = session.delayed { 1 }
        let cases: [(String, MusterError.Code)] = [
          ("\(folder)/graph.bmp", .invalidArgument), ("\(folder)/graph", .invalidArgument),
          ("\(folder)/none/graph.dot", .fileNotFound), ("\(folder)/none/graph.svg", .fileNotFound),
        ]
        for (path, code) in cases {
          let error = #expect(throws: MusterError.self) { try session.visualize(x, to: path) }
          #expect(
            error?.code == code && error?.message.contains(path.dropLast(4)) == true, "\(String(describing: error))")
        }
      }
    }
  }
}
