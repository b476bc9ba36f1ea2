import Foundation
import MusterRuntime
import Synchronization
import Testing

/// Loops in which each step builds on the last: a session keeps what is still needed of them.
@Suite struct FutureChainTests {
  /// Says when it is gone.
  private final class Token: Sendable {
    let isGone: Counter
    init(_ isGone: Counter) { self.isGone = isGone }
    deinit { isGone.enter() }
  }

  private func quiet(threads: Int = 2) -> SessionConfiguration {
    SessionConfiguration(backend: .threads, threads: threads, progress: SessionConfiguration.Progress.none)
  }

  /// What a session keeps, once that is no more than it should be, or after some time.
  private func settled(_ session: Session, atMost count: Int) -> GraphCounts {
    for _ in 0..<5000 {
      let counts = session.graphCounts
      if max(counts.graphs, counts.tasks, counts.layers) <= count { return counts }
      usleep(1000)
    }
    return session.graphCounts
  }

  private func begin(_ session: Session, _ isGone: Counter) throws -> Future<Int> {
    let token = Token(isGone)
    return try session.submit { withExtendedLifetime(token) { 0 } }
  }

  @Test(arguments: [SessionConfiguration.Backend.threads, .synchronous])
  func aLongChainKeepsItsEnd(backend: SessionConfiguration.Backend) async throws {
    let configuration = SessionConfiguration(
      backend: backend, threads: 2, progress: SessionConfiguration.Progress.none)
    try await Session.run(configuration) { session in
      let isGone = Counter()
      // What every step takes stays.
      let table = try session.submit { [1] }
      var last = try begin(session, isGone)
      let steps = 20_000
      for step in 1...steps {
        last = try session.submit(last, table) { $0 + $1[0] }
        guard step % 1000 == 0 else { continue }
        #expect(try await last.value() == step)
        let counts = settled(session, atMost: 4)
        #expect(max(counts.graphs, counts.tasks, counts.layers, counts.settledFutures) <= 4, "\(step): \(counts)")
        #expect(counts.layerPlaces < 4096, "\(step): \(counts)")
        if step == 2000 {
          for _ in 0..<5000 where isGone.inside == 0 { usleep(1000) }
          #expect(isGone.inside == 1)
        }
      }
      #expect(try await last.value() == steps)
    }
  }

  @Test func aChainOfKeptValuesKeepsItsEnd() async throws {
    try await Session.run(quiet()) { session in
      var last = try session.delayed { 0 }.persist()
      for step in 1...500 {
        // Twice: one graph has no tasks of its own, and keeps what is another's.
        last = try session.delayed(last) { $0 + 1 }.persist().persist()
        if step % 100 == 0 { #expect(try await last.compute() == step) }
      }
      let counts = settled(session, atMost: 4)
      #expect(max(counts.graphs, counts.tasks, counts.layers) <= 4, "\(counts)")
      #expect(try await last.compute() == 500)
    }
  }

  /// The graph in which a failure began goes; the reason stays with those that failed because of it.
  @Test func aChainThatFailedKeepsTheReason() async throws {
    struct Broken: Error, Codable, Equatable { var part: String }
    try await Session.run(quiet()) { session in
      for isCancelled in [false, true] {
        var last = try session.submit(name: "first") { () -> Int in
          if isCancelled { usleep(100_000) }
          throw Broken(part: "mast")
        }
        if isCancelled { try last.cancel() }
        for step in 1...3000 {
          last = try session.submit(last, name: "next") { $0 + 1 }
          guard step % 1000 == 0 else { continue }
          await #expect {
            _ = try await last.value()
          } throws: { error in
            guard let error = error as? MusterError else { return false }
            return isCancelled
              ? error.code == .cancelled && error.message.contains("first[0]")
              : error.task?.operation == "first" && error.cause(as: Broken.self) == Broken(part: "mast")
          }
          let counts = settled(session, atMost: 4)
          #expect(max(counts.graphs, counts.tasks, counts.layers) <= 4, "\(step): \(counts)")
        }
      }
    }
  }
}
