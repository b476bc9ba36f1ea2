import MusterScheduling
import Testing

@Suite struct SchedulerTests {
  @Test func aGraphWithoutResultsCompletesAtOnce() throws {
    var scheduler = Scheduler()
    var actions: [Action] = []
    try scheduler.add(graph([[[]]], results: []), as: GraphID(0), at: .zero, into: &actions)
    #expect(actions == [.complete(GraphID(0))])
    scheduler.handle(.workerJoined(WorkerID(0), slots: 1, memoryLimit: 0), at: .zero, into: &actions)
    #expect(actions == [.complete(GraphID(0))])
    #expect(scheduler.isComplete(GraphID(0)))
  }

  @Test func resultsAreKeptAndTheRestReleased() throws {
    var harness = try Harness(graph([[[]], [[id(0, 0)]], [[id(1, 0)]]], results: [id(2, 0), id(0, 0)]))
    try harness.join(0)
    try harness.finish(id(0, 0))
    try harness.finish(id(1, 0))
    #expect(harness.released.isEmpty)
    try harness.finish(id(2, 0))
    #expect(harness.actions == [.complete(GraphID(0)), .release(WorkerID(0), id(1, 0))])
    #expect(harness.scheduler.holders(of: id(0, 0)) == [WorkerID(0)])
    #expect(harness.scheduler.holders(of: id(1, 0)) == [])
    #expect(harness.scheduler.holders(of: id(2, 0)) == [WorkerID(0)])
  }

  @Test func progressCounts() throws {
    var harness = try Harness(treeGraph(roots: 4, fanIn: 2))
    try harness.join(0, slots: 2)
    try harness.finish(id(0, 0))
    try harness.finish(id(0, 1))
    let progress = harness.scheduler.progress()
    #expect(progress.map(\.layer) == [0, 1, 2])
    #expect(progress.map(\.total) == [4, 2, 1])
    #expect(progress.map(\.finished) == [2, 0, 0])
    #expect(progress.map(\.running) == [2, 1, 0])
    #expect(harness.scheduler.finishedCount == 2)
  }

  @Test func consumersGoBeforeRoots() throws {
    var harness = try Harness(treeGraph(roots: 64, fanIn: 2)) { $0.initialPrefill = 0 }
    try harness.join(0)
    try harness.finish(id(0, 0))
    let before = harness.scheduler.assigned(to: WorkerID(0))
    #expect(before.contains(id(0, 1)))
    try harness.finish(id(0, 1))
    #expect(harness.assigned.first?.task == id(1, 0))
    // The worker runs it before the roots that it has queued.
    #expect(harness.scheduler.assigned(to: WorkerID(0)).first == id(1, 0))
  }

  @Test func failureLeavesTheRestToItsOwner() throws {
    var harness = try Harness(rootsGraph(2))
    try harness.join(0, slots: 2)
    try harness.handle(.failed(WorkerID(0), id(0, 1), 1))
    #expect(harness.actions == [.fail(GraphID(0), .taskFailed(id(0, 1), 1, WorkerID(0)))])
    // What else the graph wants goes on until it is let go of.
    try harness.handle(.released(GraphID(0)))
    #expect(harness.retracted == [id(0, 0)])
    try harness.finish(id(0, 0))
    #expect(harness.actions == [.release(WorkerID(0), id(0, 0)), .forget(GraphID(0), layers: 0..<1)])
    #expect(!harness.isComplete)
    #expect(harness.scheduler.taskCount == 0)
  }

  @Test func outdatedReportsAreIgnored() throws {
    var harness = try Harness(graph([[[]], [[id(0, 0)]]], results: [id(1, 0)]))
    try harness.join(0)
    let finished = Event.finished(WorkerID(0), id(0, 0), 1, bytes: 1, nanoseconds: 1)
    // Wrong attempt, wrong worker, a task that isn't there.
    for event in [
      .finished(WorkerID(0), id(0, 0), 2, bytes: 1, nanoseconds: 1),
      .finished(WorkerID(0), id(0, 0), 0, bytes: 1, nanoseconds: 1), .failed(WorkerID(0), id(0, 0), 7),
      .finished(WorkerID(3), id(0, 0), 1, bytes: 1, nanoseconds: 1),
    ] as [Event] {
      try harness.handle(event)
      #expect(harness.actions.isEmpty, "\(event)")
    }
    for unknown in [id(0, 9), id(9, 0)] {
      try harness.handle(.finished(WorkerID(0), unknown, 1, bytes: 1, nanoseconds: 1))
      // Nobody needs the block.
      #expect(harness.actions == [.release(WorkerID(0), unknown)])
    }
    try harness.join(1)
    try harness.lose(0)
    #expect(harness.assigned == [Assignment(task: id(0, 0), attempt: 2, priority: 0, sources: [])])
    // The report of a lost worker, of the old attempt.
    try harness.handle(finished)
    #expect(harness.actions.isEmpty)
    try harness.finish(id(0, 0))
    #expect(harness.assigned.map(\.task) == [id(1, 0)])
    // Once more the same.
    try harness.handle(.finished(WorkerID(1), id(0, 0), 2, bytes: 1, nanoseconds: 1))
    #expect(harness.actions.isEmpty)
    try harness.finish(id(1, 0))
    #expect(harness.isComplete)
  }

  @Test func sourcesAreRuns() throws {
    let count = 12
    var harness = try Harness(
      graph([Array(repeating: [], count: count), [(0..<count).map { id(0, $0) }]], results: [id(1, 0)]))
    try harness.join(0, slots: 3)
    try harness.join(1, slots: 3)
    for index in 0..<count { try harness.finish(id(0, index)) }
    let assignment = try #require(harness.assigned.first)
    let worker = try #require(harness.worker(of: id(1, 0)))
    var expected: [InputSource] = []
    for index in 0..<count where harness.worker(of: id(0, index)) != worker {
      if let last = expected.last, Int(last.first.index) + last.count == index {
        expected[expected.count - 1].count += 1
      } else {
        expected.append(InputSource(first: id(0, index), count: 1, holder: WorkerID(1 - worker)))
      }
    }
    #expect(assignment.sources == expected)
    #expect(expected.contains { $0.count > 1 })
  }
}
