import Foundation
import MusterRuntime
import Testing

struct TraceSessionTests {
  private func configuration(_ path: String, backend: SessionConfiguration.Backend = .threads) -> SessionConfiguration {
    SessionConfiguration(
      backend: backend, threads: 3, progress: SessionConfiguration.Progress.none, trace: path, traceEvents: 4096)
  }

  @Test(arguments: [SessionConfiguration.Backend.threads, .synchronous])
  func everyTaskIsThereOnce(backend: SessionConfiguration.Backend) async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    try await Session.run(configuration(scratch.path("t.json"), backend: backend)) { session in
      for _ in 0..<2 { _ = try await session.compute(oneLayer("leaf", count: 300)) }
    }
    let trace = try ReadTrace(scratch.path("t.json"))
    let tasks = trace.events("X", category: "task")
    #expect(
      Set(tasks.map { "\($0.arguments.int("layer") ?? -1) \($0.arguments.int("index") ?? -1)" }).count == 600)
    #expect(tasks.count == 600 && tasks.allSatisfy { $0.text("name") == "leaf" })
    // What one thread runs doesn't overlap.
    for (_, tasks) in Dictionary(grouping: tasks, by: { $0.int("tid") }) {
      let times = tasks.map { ($0["ts"] as! Double, $0["dur"] as! Double) }.sorted { $0 < $1 }
      for (a, b) in zip(times, times.dropFirst()) { #expect(a.0 + a.1 <= b.0 + 0.0005) }
    }
  }

  /// It ran on when its time was up; what came of it in the end is nothing.
  @Test func aTaskBeyondItsTimeLimitHasFailed() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    try await Session.run(configuration(scratch.path("t.json"))) { session in
      let late = try session.submit(name: "late", options: TaskOptions(timeout: .milliseconds(50))) { usleep(200_000) }
      await #expect(throws: MusterError.self) { try await late.value() }
      usleep(300_000)
      try await session.submit(name: "in time", options: TaskOptions(timeout: .seconds(60))) {}.value()
    }
    let trace = try ReadTrace(scratch.path("t.json"))
    #expect(trace.events("X", category: "task,failed").map { $0.text("name") } == ["late"])
    #expect(trace.events("X", category: "task").map { $0.text("name") } == ["in time"])
  }

  @Test func aSessionThatFailsLeavesItsTrace() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    let plan = oneLayer("fragile", count: 5) { if $0 == 3 { throw MusterError(.internal, "no") } }
    await #expect(throws: MusterError.self) {
      try await Session.run(configuration(scratch.path("t.json"))) { _ = try await $0.compute(plan) }
    }
    let failed = try ReadTrace(scratch.path("t.json")).events("X", category: "task,failed")
    #expect(failed.map { $0.arguments.int("index") } == [3] && failed.first?.text("name") == "fragile")
  }

  @Test func aPathThatCannotBeWrittenIsAnErrorBeforeAnythingRuns() async throws {
    let scratch = try TraceScratch()
    defer { scratch.remove() }
    for (path, code) in [
      (scratch.path("no-folder/t.json"), MusterError.Code.fileNotFound), (scratch.folder, .inputOutput),
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
  @Test func aTraceThatCannotBeFinishedDoesNotCostTheResult() async throws {
    let scratch = try TraceScratch()
    let blocks = try await Session.run(configuration(scratch.path("t.json"))) { session in
      scratch.remove()
      return try await session.compute(oneLayer("leaf", count: 5))
    }
    #expect(blocks.count == 5)
    #expect(!FileManager.default.fileExists(atPath: scratch.folder))
  }

  @Test(arguments: ["0", "many", "16777217", "-1"])
  func badCapacitiesAreRefused(text: String) {
    let error = #expect(throws: MusterError.self) {
      try SessionConfiguration().resolved(with: ["MUSTER_TRACE": "t.json", "MUSTER_TRACE_EVENTS": text])
    }
    #expect(error?.code == .invalidArgument && error?.message.contains("MUSTER_TRACE_EVENTS") == true)
  }

  @Test func theEnvironmentSetsIt() throws {
    let set = try SessionConfiguration().resolved(with: ["MUSTER_TRACE": "t.json", "MUSTER_TRACE_EVENTS": "12"])
    #expect(set.trace == "t.json" && set.traceEvents == 12)
    #expect(try SessionConfiguration().resolved(with: ["MUSTER_TRACE": ""]).trace == nil)
    #expect(SessionConfiguration.warning(of: ["MUSTER_TRACE": "t.json", "MUSTER_TRACE_EVENTS": "1"]) == nil)
  }
}
