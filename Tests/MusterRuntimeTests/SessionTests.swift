import MusterRuntime
import MusterScheduling
import Testing

private struct Number: Block {
  var value: Int
  var byteCount: Int { 8 }
  func encode(into encoder: inout BlockEncoder) { encoder.append(value) }
  static func decode(from decoder: inout BlockDecoder) throws -> Number { Number(value: try decoder.read(Int.self)) }
}

private func leaves(_ count: Int, _ run: @escaping @Sendable (Int) throws -> Int) -> Plan {
  var plan = Plan()
  let layer = plan.add(
    Layer(name: "leaf", count: count, yielding: Number.self, inputs: { _, _ in }) { Number(value: try run($0.index)) })
  plan.results = (0..<count).map { TaskID(layer: layer, index: $0) }
  return plan
}

struct LocalSessionTests {
  private static let quiet = SessionConfiguration(threads: 3, progress: SessionConfiguration.Progress.none)

  @Test func resultsComeInOrder() async throws {
    let values = try await Session.run(Self.quiet) { session in
      try await session.compute(leaves(1000) { $0 * 3 }).map { ($0 as! Number).value }
    }
    #expect(values == (0..<1000).map { $0 * 3 })
  }

  @Test func anEmptyPlanIsDoneAtOnce() async throws {
    let blocks = try await Session.run(Self.quiet) { try await $0.compute(Plan()) }
    #expect(blocks.isEmpty)
  }

  @Test func onlyWhatTheResultsNeedRuns() async throws {
    var plan = leaves(100) { index in
      if index != 42 { throw MusterError(.internal, "task \(index) wasn't asked for") }
      return index
    }
    plan.results = [TaskID(layer: 0, index: 42), TaskID(layer: 0, index: 42)]
    let result = plan
    let values = try await Session.run(Self.quiet) { try await $0.compute(result).map { ($0 as! Number).value } }
    #expect(values == [42, 42])
  }

  @Test func aPlanThatPointsForwardIsRefused() async throws {
    var plan = Plan()
    _ = plan.add(
      Layer(
        name: "loop", count: 1, yielding: Number.self,
        inputs: { _, inputs in inputs.append(TaskID(layer: 0, index: 0)) }, run: { _ in Number(value: 0) }))
    plan.results = [TaskID(layer: 0, index: 0)]
    let broken = plan
    let error = await #expect(throws: MusterError.self) {
      try await Session.run(Self.quiet) { try await $0.compute(broken) }
    }
    #expect(error?.code == .invalidArgument)
  }

  @Test func twoCollectivesAtOnceAreRefused() async throws {
    try await Session.run(Self.quiet) { session in
      let slow = leaves(1) { _ in
        while !Task.isCancelled { break }
        for _ in 0..<50 { _ = (0..<100_000).reduce(0, ^) }
        return 1
      }
      let codes = await withTaskGroup(of: MusterError.Code?.self) { group in
        for _ in 0..<8 {
          group.addTask {
            do {
              _ = try await session.compute(slow, operation: "slow")
              return nil
            } catch { return (error as? MusterError)?.code }
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
      // Which of them come at the same time is chance, but a second one is never let in.
      #expect(codes.allSatisfy { $0 == nil || $0 == .session } && codes.contains(nil))
    }
  }

  @Test func aSessionIsOverAfterItsEnd() async throws {
    let kept = try await Session.run(Self.quiet) { $0 }
    let error = await #expect(throws: MusterError.self) { try await kept.compute(Plan(), operation: "late") }
    #expect(error?.code == .session && error?.message.contains("late") == true)
  }

  @Test func tasksNeverOutliveAFailedCollective() async throws {
    // After the error no closure of the failed plan runs any more.
    let counter = Counter()
    try await Session.run(Self.quiet) { session in
      await #expect(throws: MusterError.self) {
        try await session.compute(
          leaves(64) { index in
            counter.enter()
            defer { counter.leave() }
            if index == 0 { throw MusterError(.invalidArgument, "first") }
            for _ in 0..<20 { _ = (0..<50_000).reduce(0, ^) }
            return index
          })
      }
      #expect(counter.inside == 0)
    }
  }

  @Test func synchronousRunsInOrderOnTheCallersThread() async throws {
    let configuration = SessionConfiguration(backend: .synchronous, progress: SessionConfiguration.Progress.none)
    let recorder = Recorder()
    _ = try await Session.run(configuration) { session in
      try await session.compute(leaves(50) { recorder.append($0) })
    }
    #expect(recorder.values == Array(0..<50))
  }

  @Test func rootValuesAndEffects() async throws {
    try await Session.run(Self.quiet) { session in
      let recorder = Recorder()
      try session.onRoot("an effect") { _ = recorder.append(1) }
      try session.onRoot("several effects") {
        for number in 2...3 { _ = recorder.append(number) }
      }
      let value: Int = try session.onRoot("a value") { 4 }
      let inferred = try session.onRoot("a value") { [1.5, .infinity] }
      try session.onRoot("a value that nobody wants") { recorder.values.count }
      #expect(recorder.values == [1, 2, 3] && value == 4 && inferred == [1.5, .infinity])

      struct Unhappy: Error, Codable, Equatable { var reason = "rain" }
      let error = #expect(throws: MusterError.self) {
        try session.onRoot("an effect that fails", callSite: CallSite(file: "M/F.swift", line: 7)) { throw Unhappy() }
      }
      #expect(error?.code == .taskFailed && error?.message.contains("an effect that fails") == true)
      #expect(error?.callSite == CallSite(file: "M/F.swift", line: 7))
      #expect(error?.cause(as: Unhappy.self) == Unhappy())
      // A collective that failed is over.
      try session.onRoot("after the failure") {}
    }
  }

  @Test func settingsComeFromTheEnvironmentBehindTheProgram() throws {
    let environment = ["MUSTER_THREADS": "7", "MUSTER_BACKEND": "threads", "MUSTER_PROGRESS_DEADLINE": "1.5"]
    let resolved = try SessionConfiguration(threads: 2).resolved(with: environment)
    #expect(resolved.threads == 2)
    #expect(resolved.backend == .threads)
    #expect(resolved.progressDeadline == .milliseconds(1500))
    #expect(throws: MusterError.self) { try SessionConfiguration(threads: -1).resolved(with: [:]) }
  }

  @Test func hashingIsDeterministicWhereSwiftSaysSo() {
    for (value, isSet) in [("1", true), ("true", true), ("0", false), ("", false), ("on", false), ("no", false)] {
      #expect(Session.hasDeterministicHashing(["SWIFT_DETERMINISTIC_HASHING": value]) == isSet, "\(value)")
    }
    #expect(!Session.hasDeterministicHashing([:]))
  }

  @Test func aMistypedVariableIsReported() {
    #expect(SessionConfiguration.warning(of: ["MUSTER_THREADS": "7", "MUSTER_DATA": "x", "PATH": "y"]) == nil)
    let warning = SessionConfiguration.warning(of: ["MUSTER_THREAD": "7", "MUSTER_THREADS": "7"]) ?? ""
    #expect(warning.hasPrefix("muster: warning: MUSTER_THREAD: not a setting of Muster"), "\(warning)")
    #expect(warning.contains(", MUSTER_THREADS, ") && warning.hasSuffix("\n"), "\(warning)")
  }
}
