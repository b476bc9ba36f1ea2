import Foundation
import MusterRuntime
import MusterScheduling
import Testing

/// A report as it was written.
struct ReadReport {
  var lines: [String]

  init(_ path: String) throws {
    lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  /// What stands behind an operation's name: tasks, failed, time, share, mean, longest, made.
  func operation(_ name: String) -> [String]? {
    guard let line = lines.first(where: { $0.hasPrefix(name + "  ") }) else { return nil }
    return line.dropFirst(name.count).split(separator: "  ").map { String($0.drop { $0 == " " }) }.filter {
      !$0.isEmpty
    }
  }
}

struct ReportSessionTests {
  private func configuration(
    _ path: String, backend: SessionConfiguration.Backend = .threads, trace: String? = nil
  ) -> SessionConfiguration {
    SessionConfiguration(
      backend: backend, threads: 3, progress: SessionConfiguration.Progress.none, trace: trace, traceEvents: 16,
      report: path)
  }

  /// Also beside a trace, whose rings have room for fewer.
  @Test(arguments: [SessionConfiguration.Backend.threads, .synchronous], [true, false])
  func everyTaskCounts(backend: SessionConfiguration.Backend, traces: Bool) async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    let trace = traces ? scratch.path("t.json") : nil
    try await Session.run(configuration(scratch.path("r.txt"), backend: backend, trace: trace)) { session in
      for _ in 0..<3 { _ = try await session.compute(oneLayer("leaf", count: 2345)) }
      _ = try await session.compute(oneLayer("other", count: 5))
    }
    #expect(scratch.files == (traces ? ["r.txt", "t.json"] : ["r.txt"]))
    let report = try ReadReport(scratch.path("r.txt"))
    #expect(report.operation("leaf")?.first == "7035")
    #expect(report.operation("other")?.first == "5")
    #expect(report.operation("all")?.first == "7040")
    // None has failed: then there is no column for that.
    #expect(report.operation("Operation")?.contains("failed") == false)
  }

  /// Each layer of as many as there is no place for has a name of its own.
  @Test func namesWithoutEndShareOne() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    var plan = Plan()
    for number in 0..<1500 {
      let layer = plan.add(
        Layer(name: "layer \(number)", count: 2, yielding: EmptyBlock.self, inputs: { _, _ in }) { _ in EmptyBlock() })
      plan.results += [TaskID(layer: layer, index: 0), TaskID(layer: layer, index: 1)]
    }
    try await Session.run(configuration(scratch.path("r.txt"))) { [plan] in _ = try await $0.compute(plan) }
    #expect(try ReadReport(scratch.path("r.txt")).operation("all")?.first == "3000")
  }

  /// Two threads of three have nothing to do.
  @Test func waitingIsMeasured() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    try await Session.run(configuration(scratch.path("r.txt"))) {
      _ = try await $0.compute(oneLayer("slow", count: 1) { _ in usleep(700_000) })
    }
    let report = try ReadReport(scratch.path("r.txt"))
    func percent(_ name: String) throws -> Int {
      let line = try #require(report.lines.first { $0.hasPrefix("  \(name)") })
      return Int(try #require(line.firstMatch(of: /(\d+) %/)).1)!
    }
    // Less of the time where other tests keep the session from its beginning or its end.
    #expect(try (1...34).contains(percent("in tasks")), "\(report.lines)")
    #expect(try percent("waiting for tasks") >= 60, "\(report.lines)")
    #expect(try percent("in tasks") + percent("waiting for tasks") <= 101, "\(report.lines)")
    #expect(report.lines.contains { $0.contains("Chunks are too large: 'slow' has 1 task for 3 threads") })
  }

  @Test func aSessionThatFailsLeavesItsReport() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    let plan = oneLayer("fragile", count: 5) { if $0 == 3 { throw MusterError(.internal, "no") } }
    await #expect(throws: MusterError.self) {
      try await Session.run(configuration(scratch.path("r.txt"))) { _ = try await $0.compute(plan) }
    }
    let report = try ReadReport(scratch.path("r.txt"))
    #expect(report.lines.contains { $0.contains("ended with an error") })
    #expect(report.operation("fragile")?[1] == "1")
  }

  @Test func theSecondSessionHasAReportOfItsOwn() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    for name in ["first", "second"] {
      try await Session.run(configuration(scratch.path("r.txt"))) { _ = try await $0.compute(oneLayer(name, count: 7)) }
    }
    #expect(scratch.files == ["r-2.txt", "r.txt"])
    #expect(try ReadReport(scratch.path("r.txt")).operation("first")?.first == "7")
    let second = try ReadReport(scratch.path("r-2.txt"))
    #expect(second.operation("second")?.first == "7" && second.operation("first") == nil)
  }

  @Test func aPathThatCannotBeWrittenIsAnErrorBeforeAnythingRuns() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    for (path, code) in [
      (scratch.path("no-folder/r.txt"), MusterError.Code.fileNotFound), (scratch.folder, .inputOutput),
      ("", .invalidArgument),
    ] {
      let error = await #expect(throws: MusterError.self) {
        try await Session.run(configuration(path)) { _ in Issue.record("the program ran") }
      }
      #expect(error?.code == code)
    }
    #expect(scratch.files.isEmpty)
  }

  /// Here the folder goes while the session runs.
  @Test func aReportThatCannotBeFinishedDoesNotCostTheResult() async throws {
    let scratch = try TraceScratch()
    let blocks = try await Session.run(configuration(scratch.path("r.txt"))) { session in
      scratch.remove()
      return try await session.compute(oneLayer("leaf", count: 5))
    }
    #expect(blocks.count == 5)
    #expect(!FileManager.default.fileExists(atPath: scratch.folder))
  }

  @Test func theEnvironmentSetsIt() throws {
    #expect(try SessionConfiguration().resolved(with: ["MUSTER_REPORT": "r.txt"]).report == "r.txt")
    #expect(try SessionConfiguration(report: "-").resolved(with: ["MUSTER_REPORT": "r.txt"]).report == "-")
    #expect(try SessionConfiguration().resolved(with: ["MUSTER_REPORT": ""]).report == nil)
    #expect(SessionConfiguration.warning(of: ["MUSTER_REPORT": "r.txt"]) == nil)
  }
}
