import Foundation
import MusterRuntime
import MusterScheduling
import Synchronization
import Testing

/// Ready tasks on their way to a worker's threads.
struct WorkQueueTests {
  private final class Runs: Sendable { let count = Atomic<Int>(0) }

  /// Those who would make as much don't begin while it isn't known whether there is room, though a thread is free.
  @Test func lightTasksWaitUntilALargeBlockIsStored() throws {
    let runs = Runs()
    let layer = RegisteredLayer(
      Layer(name: "make", count: 3, yielding: NumberedBlock.self, inputs: { _, _ in }) { _ in
        runs.count.add(1, ordering: .relaxed)
        return NumberedBlock(number: 0, byteCount: 2000)
      })
    let queue = WorkQueue(
      threads: 1, rank: 1, smallestBlock: 1000, doorbell: Doorbell(), events: nil, coordination: Coordination(),
      mayStandIn: false, standInWork: { true })
    defer { queue.shutDown() }
    var completions: [Completion] = []
    var changes: [WorkQueue.IdleChange] = []
    func take(_ count: Int) -> [Completion] {
      var taken: [Completion] = []
      for _ in 0..<2000 where taken.count < count {
        _ = queue.takeNews(&completions, &changes)
        taken += completions
        usleep(1000)
      }
      return taken
    }
    func task(_ index: Int, isLight: Bool) -> ReadyTask {
      ReadyTask(
        task: TaskID(layer: 0, index: index), attempt: 1, priority: Int64(index), isLight: isLight, layer: layer,
        inputs: [])
    }
    queue.push([task(1, isLight: true), task(2, isLight: true)])
    #expect(take(1).map(\.isUnexpected) == [true])
    usleep(50_000)
    #expect(runs.count.load(ordering: .relaxed) == 1)
    // Room has been made for this one.
    queue.push([task(0, isLight: false)])
    #expect(take(1).map(\.isUnexpected) == [false])
    usleep(50_000)
    #expect(runs.count.load(ordering: .relaxed) == 2)
    queue.stored(unexpected: 1)
    #expect(take(1).map(\.task.index) == [2])
    #expect(runs.count.load(ordering: .relaxed) == 3)
  }

  /// However many threads begin and end tasks while what they made is stored, all run in the end.
  @Test func manyThreadsGoOnWhenBlocksAreStored() {
    let layer = RegisteredLayer(
      Layer(name: "make", count: 400, yielding: NumberedBlock.self, inputs: { _, _ in }) {
        NumberedBlock(number: 0, byteCount: $0.index % 3 == 0 ? 2000 : 10)
      })
    let queue = WorkQueue(
      threads: 4, rank: 1, smallestBlock: 1000, doorbell: Doorbell(), events: nil, coordination: Coordination(),
      mayStandIn: false, standInWork: { true })
    defer { queue.shutDown() }
    queue.push(
      (0..<400).map {
        ReadyTask(
          task: TaskID(layer: 0, index: $0), attempt: 1, priority: Int64($0), isLight: $0 % 5 > 0, layer: layer,
          inputs: [])
      })
    var completions: [Completion] = []
    var changes: [WorkQueue.IdleChange] = []
    var (ended, unexpected) = (0, 0)
    let deadline = ContinuousClock.now + .seconds(20)
    while ended < 400, .now < deadline {
      _ = queue.takeNews(&completions, &changes)
      ended += completions.count
      let large = completions.count(where: \.isUnexpected)
      unexpected += large
      if large > 0 { queue.stored(unexpected: large) } else { usleep(100) }
    }
    #expect(ended == 400)
    #expect(unexpected == (0..<400).count { $0 % 3 == 0 && $0 % 5 > 0 })
  }
}
