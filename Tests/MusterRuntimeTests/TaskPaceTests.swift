import Glibc
import MusterRuntime
import Synchronization
import Testing

struct TaskPaceTests {
  @Test func aLayerIsTakenOneByOneUntilItsTasksAreKnown() {
    var pace = TaskPace()
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 500) == 1)
    pace.ended(1, of: 1, nanoseconds: 100)
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 500) == 32)
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 5) == 5)
    #expect(pace.batchSize(of: 2, layerCount: 1000, share: 500) == 1)
    for _ in 0..<100 { pace.ended(10, of: 1, nanoseconds: 20_000) }
    #expect((9...11).contains(pace.batchSize(of: 1, layerCount: 1000, share: 500)))
    // What a program submits one by one is like what it has submitted before.
    #expect((8...11).contains(pace.batchSize(of: 2, layerCount: 1, share: 500)))
    pace.forget(0..<2)
    #expect(pace.batchSize(of: 1, layerCount: 1000, share: 500) == 1)
  }

  @Test func threadsAreOfUseAsFarAsTheLockLets() {
    var pace = TaskPace()
    #expect(pace.usefulThreads == .max)
    for _ in 0..<100 {
      pace.held(nanoseconds: 32_000, for: 32)
      pace.ended(32, of: 1, nanoseconds: 3200)
    }
    #expect(pace.usefulThreads == 1)
    for _ in 0..<100 { pace.ended(32, of: 1, nanoseconds: 32_000) }
    #expect(pace.usefulThreads == 2)
    for _ in 0..<100 { pace.ended(1, of: 1, nanoseconds: 10_000) }
    #expect((10...12).contains(pace.usefulThreads))
  }

  /// Where tasks are so short that one thread does them all, another one steps in when that comes upon a long one.
  @Test func aLongTaskAmongShortOnesHoldsUpThoseTakenWithItOnly() async throws {
    let configuration = SessionConfiguration(
      backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)
    let (count, long) = (60_000, 30_000)
    let ended = Atomic<Int>(0)
    let values = try await Session.run(configuration) { session in
      try await session.layer(count) { index -> Bool in
        var isDone = true
        if index == long {
          let limit = ContinuousClock.now + .seconds(60)
          repeat {
            usleep(1000)
            isDone = ended.load(ordering: .relaxed) >= count - 64
          } while !isDone && ContinuousClock.now < limit
        }
        ended.add(1, ordering: .relaxed)
        return isDone
      }.compute()
    }
    #expect(values.count == count && !values.contains(false))
  }
}
