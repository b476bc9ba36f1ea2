import MusterScheduling
import Testing

/// Tasks that are assigned before their inputs are there.
@Suite struct AheadTests {
  private static let brief = 10_000

  /// The first task tells how long all of them take.
  private func ofOneKind(_ graph: TaskGraph) -> TaskGraph {
    var graph = graph
    for number in graph.layers.indices { graph.layers[number].kind = 0 }
    return graph
  }

  private func harness(_ graph: TaskGraph) throws -> Harness {
    try Harness(ofOneKind(graph)) {
      $0.recoversLostBlocks = false
      $0.assignsAhead = true
    }
  }

  private func chain(_ length: Int) -> TaskGraph {
    graph((0..<length).map { [$0 == 0 ? [] : [id($0 - 1, 0)]] }, results: [id(length - 1, 0)])
  }

  @Test func aChainOfBriefTasksIsAssignedAtOnce() throws {
    var harness = try harness(chain(8))
    try harness.join(0)
    #expect(harness.assigned.map(\.task) == [id(0, 0)])
    try harness.finish(id(0, 0), nanoseconds: Self.brief)
    #expect(harness.assigned.map(\.task).prefix(3) == [id(1, 0), id(2, 0), id(3, 0)])
    #expect(harness.assigned.allSatisfy { $0.sources.isEmpty && $0.isBrief })
    // What is further ahead runs later.
    #expect(harness.assigned.map(\.priority) == harness.assigned.map(\.priority).sorted())
    for step in 1..<8 { try harness.finish(id(step, 0), nanoseconds: Self.brief) }
    #expect(harness.isComplete)
  }

  @Test func longTasksWaitForTheirInputs() throws {
    var harness = try harness(chain(8))
    try harness.join(0)
    try harness.finish(id(0, 0))
    #expect(harness.assigned.map(\.task) == [id(1, 0)])
  }

  @Test func whereABlockMayBeLostNothingGoesAhead() throws {
    var harness = try Harness(ofOneKind(chain(8))) { $0.assignsAhead = true }
    try harness.join(0)
    try harness.finish(id(0, 0), nanoseconds: Self.brief)
    #expect(harness.assigned.map(\.task) == [id(1, 0)])
  }

  /// Two tasks, each on a worker of its own, and one that takes both, before either is done.
  private func waitingForTwo(retries: Int = 0) throws -> Harness {
    var harness = try harness(rootsGraph(1))
    try harness.handle(
      .workersJoined((0..<2).map { WorkerOffer(worker: WorkerID($0), slots: 1, memoryLimit: 0) }))
    try harness.finish(id(0, 0), nanoseconds: Self.brief)
    // Of the same kind: known to be brief.
    var second = TaskGraph(
      layers: [
        TaskLayer(name: "two", count: 2) { _, _ in },
        TaskLayer(name: "both", count: 1) { _, into in into += [id(1, 0), id(1, 1)] },
      ], results: [id(2, 0)], firstLayer: 1)
    second.layers[0].retries = retries
    try harness.add(ofOneKind(second), as: 1)
    return harness
  }

  @Test func whatOtherWorkersAreToComputeIsAskedOfThem() throws {
    var harness = try waitingForTwo()
    let (first, second) = (harness.worker(of: id(1, 0)), harness.worker(of: id(1, 1)))
    #expect(first != nil && second != nil && first != second)
    let (worker, assignment) = try #require(harness.assignments[id(2, 0)])
    let other = worker == first ? 1 : 0
    #expect(
      assignment.sources == [
        InputSource(
          first: id(1, other), count: 1, holder: WorkerID(worker == first ? second! : first!), isComing: true)
      ])
    // It may be done before its inputs are known to be.
    try harness.finish(id(2, 0), nanoseconds: Self.brief)
    #expect(harness.actions.contains(.complete(GraphID(1))))
    for index in 0..<2 { try harness.finish(id(1, index), nanoseconds: Self.brief) }
    #expect(harness.scheduler.outstandingCount == 0)
  }

  @Test func whatWaitsForATaskThatFailsComesBackAndFails() throws {
    var harness = try waitingForTwo()
    let (worker, assignment) = try #require(harness.assignments[id(1, 1)])
    try harness.handle(.failed(WorkerID(worker), id(1, 1), assignment.attempt))
    #expect(harness.retracted.contains(id(2, 0)))
    #expect(
      harness.actions.contains {
        if case .fail(_, .taskFailed(id(1, 1), _, _)) = $0 { true } else { false }
      })
    try harness.answerRetract(of: id(2, 0), givenBack: true)
    if harness.scheduler.isAssigned(id(1, 0)) { try harness.finish(id(1, 0), nanoseconds: Self.brief) }
    #expect(harness.scheduler.outstandingCount == 0)
  }

  @Test func whatWaitsForATaskThatIsTriedAgainIsAssignedAnew() throws {
    var harness = try waitingForTwo(retries: 1)
    let (worker, assignment) = try #require(harness.assignments[id(1, 1)])
    try harness.handle(.failed(WorkerID(worker), id(1, 1), assignment.attempt))
    #expect(harness.retracted.contains(id(2, 0)))
    try harness.answerRetract(of: id(2, 0), givenBack: true)
    for index in 0..<2 { try harness.finish(id(1, index), nanoseconds: Self.brief) }
    try harness.finish(id(2, 0), nanoseconds: Self.brief)
    #expect(harness.actions.contains(.complete(GraphID(1))))
  }

  @Test func noWorkerIsAssignedMoreThanItsShareAhead() throws {
    // One task on one worker, and layers of eight below it, each task of which takes the one above it.
    let layers = (0..<6).map { step in
      step == 0 ? [[]] : (0..<8).map { [id(step - 1, step == 1 ? 0 : $0)] }
    }
    var harness = try harness(graph(layers, results: (0..<8).map { id(5, $0) }))
    try harness.handle(
      .workersJoined((0..<2).map { WorkerOffer(worker: WorkerID($0), slots: 1, memoryLimit: 0) }))
    try harness.finish(id(0, 0), nanoseconds: Self.brief)
    var open = Set(harness.assignments.keys).subtracting([id(0, 0)])
    while let next = open.min(by: { ($0.layer, $0.index) < ($1.layer, $1.index) }) {
      try harness.finish(next, nanoseconds: Self.brief)
      open.remove(next)
      open.formUnion(harness.assigned.map(\.task))
    }
    #expect(harness.isComplete)
    for step in 2..<6 {
      let here = (0..<8).count { harness.worker(of: id(step, $0)) == 0 }
      #expect((3...5).contains(here), "\(here) of 8 in step \(step)")
    }
  }

  /// A task of which two others go ahead, on the only worker there is.
  private func followedByTwo() throws -> Harness {
    var harness = try harness(rootsGraph(1))
    try harness.join(0)
    try harness.finish(id(0, 0), nanoseconds: Self.brief)
    let chain = TaskGraph(
      layers: (1..<4).map { layer in
        TaskLayer(name: "step", count: 1) { _, into in if layer > 1 { into.append(id(layer - 1, 0)) } }
      }, results: [id(3, 0)], firstLayer: 1)
    try harness.add(ofOneKind(chain), as: 1)
    #expect(harness.assigned.map(\.task) == [id(1, 0), id(2, 0), id(3, 0)])
    return harness
  }

  private let another = TaskGraph(
    layers: [TaskLayer(name: "another", count: 1) { _, _ in }], results: [id(4, 0)], firstLayer: 4)

  @Test func whatGoesAheadLeavesRoomForWhatItsInputWaitsFor() throws {
    var harness = try followedByTwo()
    #expect(harness.scheduler.startableCount(on: WorkerID(0)) == 1)
    // The first one waits for another task, and lends its place.
    try harness.handle(.slots(WorkerID(0), 2, waiting: 1))
    try harness.add(another, as: 2)
    #expect(harness.assigned.map(\.task) == [id(4, 0)])
  }

  @Test func whatGoesAheadDoesNotMakeAWorkerBusyForEver() throws {
    var harness = try followedByTwo()
    let roots = TaskGraph(
      layers: [TaskLayer(name: "roots", count: 8) { _, _ in }], results: (0..<8).map { id(4, $0) }, firstLayer: 4)
    try harness.add(roots, as: 2)
    let before = harness.scheduler.startableCount(on: WorkerID(0))
    #expect(before > 2)
    // Another worker is there, and nothing ends on the first.
    try harness.join(1)
    for _ in 0..<8 {
      harness.now += .milliseconds(2)
      try harness.handle(.timePassed)
      for task in harness.retracted { try harness.answerRetract(of: task, givenBack: true) }
    }
    #expect(harness.scheduler.startableCount(on: WorkerID(1)) > 0)
    #expect(harness.scheduler.startableCount(on: WorkerID(0)) < 8)
  }
}
