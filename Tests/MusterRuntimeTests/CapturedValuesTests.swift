import Foundation
import MusterRuntime
import Testing

/// What a function has captured goes when it will not be run any more, though its result stays.
@Suite struct CapturedValuesTests {
  /// Says when it is gone.
  private final class Token: Sendable {
    let gone: Counter
    init(_ gone: Counter) { self.gone = gone }
    deinit { gone.enter() }
  }

  private struct Broken: Error {}

  private func session(_ body: @escaping @Sendable (Session) async throws -> Void) async throws {
    for backend in [SessionConfiguration.Backend.threads, .synchronous] {
      let configuration = SessionConfiguration(
        backend: backend, threads: 2, progress: SessionConfiguration.Progress.none)
      try await Session.run(configuration) { try await body($0) }
    }
  }

  /// Waits until so many are gone. Returns how many are.
  private func settled(_ gone: Counter, _ count: Int) -> Int {
    for _ in 0..<5000 where gone.inside < count { usleep(1000) }
    return gone.inside
  }

  /// Submits a function that holds a token which nothing else holds.
  private func submit(_ session: Session, _ gone: Counter, _ number: Int) throws -> Future<Int> {
    let token = Token(gone)
    return try session.submit { withExtendedLifetime(token) { number } }
  }

  @Test func submittedFunctionsGoWhileTheirFuturesStay() async throws {
    try await session { session in
      let gone = Counter()
      let futures = try (0..<50).map { try submit(session, gone, $0) }
      #expect(try await session.gather(futures) == Array(0..<50))
      #expect(settled(gone, 50) == 50)
      #expect(try await futures[49].value() == 49)
    }
  }

  @Test func theInputsOfAMapGoWhileItsFuturesStay() async throws {
    try await session { session in
      let gone = Counter()
      let futures = try session.map((0..<50).map { _ in Token(gone) }) { token in withExtendedLifetime(token) { 1 } }
      #expect(try await session.gather(futures).reduce(0, +) == 50)
      #expect(settled(gone, 50) == 50)
      #expect(try await futures[49].value() == 1)
    }
  }

  @Test func keptFunctionsGoWhileTheirValuesStay() async throws {
    try await session { session in
      let gone = Counter()
      func keep() throws -> Delayed<Int> {
        let token = Token(gone)
        return try session.delayed { withExtendedLifetime(token) { 2 } }.persist()
      }
      let kept = try (0..<10).map { _ in try keep() }
      #expect(try await session.delayed(kept) { $0.reduce(0, +) }.compute() == 20)
      #expect(settled(gone, 10) == 10)
      #expect(try await kept[9].compute() == 2)
    }
  }

  /// The functions of other calls in the same graph may be still to run.
  @Test func theFirstStepOfAGraphGoesWhileTheSecondRuns() async throws {
    // Not on the calling thread, which runs it before the program has let go of the first step.
    let configuration = SessionConfiguration(
      backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)
    try await Session.run(configuration) { session in
      let (gone, later) = (Counter(), Counter())
      func make() -> Delayed<Int> {
        let token = Token(gone)
        return session.delayed(name: "make") { withExtendedLifetime(token) { 1 } }
      }
      func sum(_ parts: [Delayed<Int>]) throws -> Delayed<Int> {
        let token = Token(later)
        let sum = session.delayed(parts, name: "sum") { (parts: [Int]) -> Int in
          // In the task: the graph isn't over, and nothing but it holds the functions of the first step.
          withExtendedLifetime(token) { settled(gone, 20) == 20 && later.inside == 0 ? parts.reduce(0, +) : -1 }
        }
        // The program itself holds what it has put off no more.
        return try sum.persist()
      }
      let kept = try sum((0..<20).map { _ in make() })
      #expect(try await kept.compute() == 20)
      #expect(settled(later, 1) == 1)
    }
  }

  @Test func whatIsCancelledGoesThoughItsFutureStays() async throws {
    try await session { session in
      let gone = Counter()
      let futures = try (0..<20).map { try submit(session, gone, $0) }
      try session.cancel(futures)
      let statuses = try await session.statuses(of: futures)
      #expect(settled(gone, 20) == 20, "\(statuses)")
      withExtendedLifetime(futures) {}
    }
  }

  /// A function whose time is up goes when it returns.
  @Test func whatGoesOnPastItsTimeGoesWhenItReturns() async throws {
    let configuration = SessionConfiguration(
      backend: .threads, threads: 1, progress: SessionConfiguration.Progress.none)
    try await Session.run(configuration) { session in
      let (gone, open) = (Counter(), Counter())
      func late() throws -> Future<Int> {
        let token = Token(gone)
        return try session.submit(options: TaskOptions(timeout: .milliseconds(20))) {
          withExtendedLifetime(token) {
            for _ in 0..<1_000_000 where open.inside == 0 { usleep(1000) }
            return 1
          }
        }
      }
      let future = try late()
      let error = await #expect(throws: MusterError.self) { try await future.value() }
      #expect(error?.code == .timedOut)
      #expect(gone.inside == 0)
      open.enter()
      #expect(settled(gone, 1) == 1)
      withExtendedLifetime(future) {}
    }
  }

  /// As long as it may be run again it stays.
  @Test func aFunctionThatFailsGoesAfterItsLastAttempt() async throws {
    try await session { session in
      let (gone, attempts) = (Counter(), Counter())
      func fail() throws -> Future<Int> {
        let token = Token(gone)
        return try session.submit(options: TaskOptions(retries: 3)) { () throws -> Int in
          try withExtendedLifetime(token) {
            attempts.enter()
            if gone.inside == 0 { throw Broken() }
            return 0
          }
        }
      }
      let future = try fail()
      await #expect(throws: MusterError.self) { try await future.value() }
      #expect(attempts.inside == 4)
      #expect(settled(gone, 1) == 1)
      // Why it failed is known still, and who asks for it later hears so.
      await #expect(throws: MusterError.self) { try await session.submit(future) { $0 + 1 }.value() }
    }
  }
}
