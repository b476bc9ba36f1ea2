import MusterScheduling
import MusterSimulation
import Testing

@Suite struct LossTests {
  @Test func assignedTasksGoToOthers() throws {
    var harness = try Harness(rootsGraph(4))
    try harness.join(0, slots: 4)
    try harness.join(1, slots: 1)
    try harness.finish(id(0, 3))
    let had = harness.scheduler.assigned(to: WorkerID(0))
    #expect(had == [id(0, 0), id(0, 1), id(0, 2)])
    try harness.lose(0)
    // What it had stays known, for the message.
    #expect(harness.scheduler.assigned(to: WorkerID(0)) == had)
    // The results that it held are computed again too.
    #expect(harness.scheduler.finishedCount == 0)
    for index in 0..<4 { try harness.finish(id(0, index)) }
    #expect(harness.isComplete)
    #expect((0..<4).allSatisfy { harness.scheduler.holders(of: id(0, $0)) == [WorkerID(1)] })
  }

  @Test func withoutWorkersTheSchedulerWaits() throws {
    var harness = try Harness(rootsGraph(1))
    try harness.join(0)
    try harness.lose(0)
    #expect(harness.actions.isEmpty)
    try harness.handle(.timePassed)
    #expect(harness.actions.isEmpty)
    try harness.join(1)
    #expect(harness.assigned.map(\.attempt) == [2])
  }

  @Test func releasedInputsAreComputedAgain() throws {
    // A chain of four: the last but one is lost after all before it were released.
    let chain = graph([[[]], [[id(0, 0)]], [[id(1, 0)]], [[id(2, 0)]]], results: [id(3, 0)])
    var harness = try Harness(chain)
    try harness.join(0)
    for layer in 0..<3 { try harness.finish(id(layer, 0)) }
    #expect(harness.scheduler.finishedCount == 3)
    try harness.lose(0)
    #expect(harness.scheduler.finishedCount == 0)
    try harness.join(1)
    for layer in 0..<4 {
      #expect(harness.assigned.map(\.task) == [id(layer, 0)])
      try harness.finish(id(layer, 0))
    }
    #expect(harness.isComplete)
  }

  @Test func blocksThatOthersHoldAreNotComputedAgain() throws {
    // Two tasks need one block; the second worker fetches it for one of them.
    let graph = graph([[[]], [[id(0, 0)], [id(0, 0)]], [[id(1, 0), id(0, 0)]]], results: [id(1, 1), id(2, 0)])
    var harness = try Harness(graph)
    try harness.join(0)
    try harness.finish(id(0, 0))
    try harness.join(1)
    let moved = try #require([id(1, 0), id(1, 1)].first { harness.retracted.contains($0) })
    try harness.answerRetract(of: moved, givenBack: true)
    let assignment = try #require(harness.assigned.first)
    #expect(assignment.task == moved && assignment.attempt == 2)
    #expect(assignment.sources == [InputSource(first: id(0, 0), count: 1, holder: WorkerID(0))])
    try harness.finish(moved)
    #expect(harness.scheduler.holders(of: id(0, 0)) == [WorkerID(0), WorkerID(1)])
    try harness.lose(0)
    #expect(harness.scheduler.holders(of: id(0, 0)) == [WorkerID(1)])
    #expect(!harness.assigned.contains { $0.task == id(0, 0) })
    for task in [id(1, 0), id(1, 1), id(2, 0)] where harness.scheduler.holders(of: task).isEmpty {
      try harness.finish(task)
    }
    #expect(harness.isComplete)
  }

  @Test func tasksThatWaitForALostBlockAreAskedFor() throws {
    var harness = try recalled()
    // It hadn't begun: it waits for its input, which is computed again.
    try harness.answerRetract(of: id(1, 1), givenBack: true)
    try harness.finish(id(0, 0))
    #expect(harness.assigned.contains { $0.task == id(1, 1) && $0.attempt == 3 })
    try harness.finish(id(1, 1))
    try harness.finish(id(1, 0))
    #expect(harness.isComplete)
  }

  @Test func aTaskThatHasBegunSavesTheBlock() throws {
    var harness = try recalled()
    try harness.answerRetract(of: id(1, 1), givenBack: false)
    // It finishes, so its worker has a copy of the input; the root is assigned already, to the same worker.
    try harness.finish(id(1, 1))
    #expect(harness.scheduler.holders(of: id(1, 1)) == [WorkerID(1)])
    #expect(!harness.released.contains(id(0, 0)))
    try harness.finish(id(0, 0))
    try harness.finish(id(1, 0))
    #expect(harness.isComplete)
    #expect(harness.released.contains(id(0, 0)))
  }

  @Test func aCopyLeftBehindIsReleased() throws {
    var harness = try recalled()
    try harness.answerRetract(of: id(1, 1), givenBack: false)
    // The root is assigned to the same worker, which is asked to give it back for an idle one. Meanwhile the consumer
    // finishes: the worker has a copy of the root that nobody would know of.
    harness.now = .seconds(1)
    try harness.join(2)
    #expect(harness.retracted == [id(0, 0)])
    try harness.finish(id(1, 1))
    #expect(harness.released.isEmpty)
    try harness.answerRetract(of: id(0, 0), givenBack: true)
    #expect(harness.actions.first == .release(WorkerID(1), id(0, 0)))
  }

  /// Worker 0 held the root and is lost; worker 1 was to fetch it for the second of its two consumers.
  private func recalled() throws -> Harness {
    var harness = try Harness(graph([[[]], [[id(0, 0)], [id(0, 0)]]], results: [id(1, 0), id(1, 1)]))
    try harness.join(0)
    try harness.finish(id(0, 0))
    try harness.join(1)
    #expect(harness.retracted == [id(1, 1)])
    try harness.answerRetract(of: id(1, 1), givenBack: true)
    #expect(harness.worker(of: id(1, 1)) == 1)
    try harness.lose(0)
    #expect(harness.retracted == [id(1, 1)])
    #expect(harness.assigned.map(\.task) == [id(0, 0)])
    return harness
  }

  @Test func aTaskThatKillsItsWorkersFails() throws {
    var harness = try Harness(rootsGraph(1))
    for worker in 0..<2 {
      try harness.join(worker)
      try harness.lose(worker)
      #expect(harness.actions.isEmpty)
    }
    try harness.join(2)
    try harness.lose(2)
    #expect(harness.actions == [.fail(GraphID(0), .taskLostWorkers(id(0, 0), losses: 3))])
  }

  @Test func aKeptResultThatIsLostIsComputedAgain() throws {
    var harness = try Harness(rootsGraph(1))
    try harness.join(0)
    try harness.finish(id(0, 0))
    #expect(harness.isComplete)
    try harness.lose(0)
    #expect(harness.actions.isEmpty)
    #expect(harness.scheduler.holders(of: id(0, 0)).isEmpty)
    try harness.join(1)
    try harness.finish(id(0, 0))
    #expect(harness.actions == [.complete(GraphID(0))])
  }

  @Test func whatThrowsWhileNothingNeedsItIsTriedAgainWhenItIsNeeded() throws {
    // Two tasks take one block, and one of them moves to another worker, that's fetching it.
    let (shared, results) = (id(0, 0), [id(1, 0), id(1, 1)])
    var graph = graph([[[]], [[shared], [shared]]], results: results)
    graph.layers[0].retries = 1
    var harness = try Harness(graph)
    try harness.join(0)
    try harness.finish(shared)
    try harness.join(1)
    let moved = try #require(results.first { harness.retracted.contains($0) })
    try harness.answerRetract(of: moved, givenBack: true)
    #expect(harness.worker(of: moved) == 1)
    // The block is to be computed again for the other one, until that isn't wanted any more.
    try harness.lose(0)
    try harness.answerRetract(of: moved, givenBack: false)
    try harness.join(2)
    try harness.handle(.resultReleased(results.first { $0 != moved }!, of: GraphID(0)))
    try harness.finish(moved)
    let (worker, assignment) = try #require(harness.assignments[shared])
    #expect(assignment.attempt == 2 && harness.scheduler.isAssigned(shared))
    try harness.handle(.failed(WorkerID(worker), shared, assignment.attempt))
    #expect(!harness.scheduler.isAssigned(shared))
    // Now it's needed again, and has a retry left.
    try harness.lose(1)
    #expect(!harness.actions.contains { if case .fail = $0 { true } else { false } })
    #expect(harness.scheduler.isAssigned(shared))
    try harness.finish(shared)
    try harness.finish(moved)
    #expect(harness.isComplete)
  }

  @Test func aCopyOfWhatThrewIsReleased() throws {
    // A worker has fetched a block that it's to compute anew itself, and that can't be computed then.
    let (shared, results) = (id(0, 0), [id(1, 0), id(1, 1)])
    var harness = try Harness(graph([[[]], [[shared], [shared]]], results: results))
    try harness.join(0)
    try harness.finish(shared)
    try harness.join(1)
    let moved = try #require(results.first { harness.retracted.contains($0) })
    try harness.answerRetract(of: moved, givenBack: true)
    try harness.lose(0)
    try harness.answerRetract(of: moved, givenBack: false)
    try harness.finish(moved)
    let (worker, assignment) = try #require(harness.assignments[shared])
    #expect(worker == 1 && harness.scheduler.isAssigned(shared) && !harness.released.contains(shared))
    try harness.handle(.failed(WorkerID(1), shared, assignment.attempt))
    #expect(harness.released.contains(shared))
  }
}
