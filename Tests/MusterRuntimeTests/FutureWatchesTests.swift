import MusterRuntime
import MusterScheduling
import Testing

/// What loops over futures in the order of their ends are told, and how much is looked at for it.
@Suite struct FutureWatchesTests {
  private func task(_ number: Int) -> TaskID { TaskID(layer: number, index: 0) }

  @Test func whatEndedIsToldOnceInItsOrder() {
    var watches = FutureWatches()
    // 3 came to an end before 1; 0 is named twice.
    watches.add(7, [0, 1, 2, 3, 0].map(task)) { [task(3): 4, task(1): 9][$0] }
    #expect(watches.hasNews(of: 7))
    #expect(watches.takeNews(of: 7) == [3, 1])
    #expect(watches.takeNews(of: 7) == nil && !watches.hasNews(of: 7))
    watches.settled(task(8))
    #expect(!watches.hasNews(of: 7))
    watches.settled(task(2))
    // Named again it's the same watch.
    watches.add(7, [task(2)]) { _ in 0 }
    watches.settled(task(0))
    #expect(watches.takeNews(of: 7) == [2, 0, 4])
    #expect(watches.isEmpty && watches.takeNews(of: 7) == nil)
  }

  /// A loop that a journal has told of some futures isn't told of them again.
  @Test func whatIsKnownIsNotTold() {
    var watches = FutureWatches()
    watches.add(0, [0, 1, 2, 3].map(task), told: [0, 2]) { [task(0): 1, task(3): 2][$0] }
    #expect(watches.takeNews(of: 0) == [3])
    watches.settled(task(2))
    #expect(watches.takeNews(of: 0) == nil)
    watches.settled(task(1))
    #expect(watches.takeNews(of: 0) == [1])
    #expect(watches.isEmpty)
    watches.add(1, [task(0)], told: [0]) { _ in nil }
    #expect(watches.isEmpty)
  }

  @Test func watchesDoNotTakeFromEachOther() {
    var watches = FutureWatches()
    watches.add(0, [task(0), task(1)]) { _ in nil }
    watches.add(1, [task(1), task(2)]) { _ in nil }
    for number in [2, 1, 0] { watches.settled(task(number)) }
    #expect(watches.takeNews(of: 0) == [1, 0])
    #expect(watches.takeNews(of: 1) == [1, 0])
    #expect(watches.isEmpty)
  }

  @Test func aLoopThatIsLeftLeavesNothing() {
    var watches = FutureWatches()
    watches.add(0, [task(0), task(1)]) { _ in nil }
    watches.add(1, [task(1), task(2)]) { _ in nil }
    watches.settled(task(0))
    watches.remove(0)
    watches.remove(0)
    #expect(watches.count == 1)
    watches.settled(task(1))
    #expect(watches.takeNews(of: 1) == [0] && watches.takeNews(of: 0) == nil)
    watches.remove(1)
    #expect(watches.isEmpty)
  }

  /// Each future is named to rank 0 once, however many steps a loop takes; before, each step named all that were left.
  @Test(arguments: [SessionConfiguration.Backend.threads, .synchronous])
  func aLoopNamesItsFuturesOnce(backend: SessionConfiguration.Backend) async throws {
    let configuration = SessionConfiguration(
      backend: backend, threads: 2, progress: SessionConfiguration.Progress.none)
    try await Session.run(configuration) { session in
      // Each comes to an end by itself: the last one is what the next one waits for.
      let futures = try session.map(Array(0..<2000)) { $0 }
      var seen = Set<Int>()
      for try await future in session.asCompleted(futures + futures[..<10]) { seen.insert(try await future.value()) }
      #expect(seen == Set(0..<2000))
      #expect(session.graphCounts.watchedFutures == 2010)
      #expect(session.graphCounts.watches == 0)
    }
  }

  @Test func aLoopMayBeLeft() async throws {
    try await Session.run(
      SessionConfiguration(backend: .threads, threads: 1, progress: SessionConfiguration.Progress.none)
    ) { session in
      let slow = try session.map(Array(0..<50)) { _ in Recorder().append(1) }
      for try await _ in session.asCompleted(slow) { break }
      // It's let go of a moment later.
      for _ in 0..<2000 where session.graphCounts.watches > 0 { try await Task.sleep(for: .milliseconds(2)) }
      #expect(session.graphCounts.watches == 0)
      #expect(try await session.gather(slow).count == 50)
    }
  }
}
