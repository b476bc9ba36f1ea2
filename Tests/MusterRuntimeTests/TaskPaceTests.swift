import Glibc
import MusterRuntime
import Testing

struct TaskPaceTests {
  @Test func aLayerIsTakenOneByOneUntilItsTasksAreKnown() {
    var pace = TaskPace()
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 500) == 1)
    pace.ended(1, of: 1, layerCount: 1000, nanoseconds: 100)
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 500) == 128)
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 5) == 5)
    #expect(pace.batchSize(of: 2, layerCount: 1000, share: 500) == 1)
    for _ in 0..<100 { pace.ended(10, of: 1, layerCount: 1000, nanoseconds: 20_000) }
    #expect((9...11).contains(pace.batchSize(of: 1, layerCount: 1000, share: 500)))
    // What a program submits one by one is like what it has submitted before.
    #expect((8...11).contains(pace.batchSize(of: 2, layerCount: 1, share: 500)))
    pace.forget(0..<2)
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 500) == 1)
  }

  /// Of a small layer tasks are taken together, as short as those before them. When they turn out to be long, the thread
  /// that has taken them gives back the others.
  @Test func longTasksThatWereTakenForShortAreShared() async throws {
    let configuration = SessionConfiguration(
      backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)
    let threads = try await Session.run(configuration) { session in
      _ = try await session.layer(10_000) { $0 }.compute()
      return try await session.layer(8) { _ in
        usleep(100_000)
        return UInt(pthread_self())
      }.compute()
    }
    let shares = Set(threads).map { thread in threads.count { $0 == thread } }
    #expect(shares.count == 2 && shares.min()! >= 3, "\(shares)")
  }
}
