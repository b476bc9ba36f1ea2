import MusterRuntime
import Testing

struct NamedGraphTests {
  private static let quiet = SessionConfiguration(
    backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)

  @Test func tasksTakeEachOthersValues() async throws {
    let graph: NamedGraph<Double> = [
      "sum": .task(all: ["a", "b", "c", "a"]) { values in values.reduce(0, +) },
      "c": .task("a", "b") { a, b in a * b },
      "b": .task("a") { a in a + 1 },
      "a": .value(2),
      "unneeded": .task { throw MusterError(.internal, "nobody needs it") },
    ]
    try await Session.run(Self.quiet) { session in
      let tasks = try session.delayed(graph)
      #expect(tasks.keys.sorted() == ["a", "b", "c", "sum", "unneeded"])
      let (sum, c) = try await session.compute(tasks["sum"]!, tasks["c"]!)
      #expect(sum == 13 && c == 6)
    }
  }

  @Test func aCycleIsNamedByItsPath() async throws {
    var graph: NamedGraph<Int> = [
      "a": .task("b") { $0 }, "b": .task("c") { $0 }, "c": .value(1), "d": .task("a") { $0 },
    ]
    try await Session.run(Self.quiet) { session in
      _ = try session.delayed(graph)
      graph["c"] = .task("b", "a", file: "M/F.swift", line: 5) { $0 + $1 }
      let error = #expect(throws: MusterError.self) { try session.delayed(graph) }
      #expect(error?.message == #"the graph has a cycle: "b" → "c" → "b""#)
      #expect(error?.code == .invalidArgument && error?.callSite == CallSite(file: "M/F.swift", line: 5))
      graph["c"] = .task("c") { $0 }
      let own = #expect(throws: MusterError.self) { try session.delayed(graph) }
      #expect(own?.message == #"the graph has a cycle: "c" → "c""#)
    }
  }

  @Test func aMissingTaskIsNamedByThePathToIt() async throws {
    let graph: NamedGraph<Int> = ["a": .task("b") { $0 }, "b": .task(all: ["x"], file: "M/F.swift", line: 3) { $0[0] }]
    try await Session.run(Self.quiet) { session in
      let error = #expect(throws: MusterError.self) { try session.delayed(graph) }
      #expect(error?.message == #"the graph has no task "x", which "a" → "b" takes"#)
      #expect(error?.fix == #"Add it, or name one of "a", "b""#)
      #expect(error?.callSite == CallSite(file: "M/F.swift", line: 3))
    }
  }

  @Test func aChainIsAsLongAsYouLike() async throws {
    var graph: NamedGraph<Int> = ["0": .value(0)]
    for number in 1...20_000 { graph["\(number)"] = .task("\(number - 1)") { $0 + 1 } }
    try await Session.run(Self.quiet) { [graph] session in
      let last = try await session.delayed(graph)["20000"]!.compute()
      #expect(last == 20_000)
    }
    graph["0"] = .task("20000") { $0 }
    try await Session.run(Self.quiet) { [graph] session in
      let error = #expect(throws: MusterError.self) { try session.delayed(graph) }
      #expect(error?.message.contains("… 19990 more …") == true, "\(String(describing: error))")
    }
  }
}
