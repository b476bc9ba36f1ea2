import MusterScheduling
import Testing

/// Graphs that come and go while the scheduler runs.
@Suite struct GraphTests {
  /// A layer of `count` tasks with inputs written down.
  private func part(_ tasks: [[TaskID]], from layer: Int, results: [TaskID]) -> TaskGraph {
    TaskGraph(
      layers: [TaskLayer(name: "layer \(layer)", count: tasks.count) { index, into in into += tasks[index] }],
      results: results, firstLayer: layer)
  }

  @Test func aGraphTakesKeptResultsOfAnother() throws {
    var harness = try Harness(rootsGraph(2))
    try harness.join(0, slots: 2)
    try harness.finish(id(0, 0))
    // It waits for one input, and has the other.
    try harness.add(part([[id(0, 0), id(0, 1)]], from: 1, results: [id(1, 0)]), as: 1)
    #expect(harness.actions.isEmpty)
    try harness.finish(id(0, 1))
    #expect(harness.assigned.map(\.task) == [id(1, 0)])
    // The first graph's results are let go of, and kept for the second.
    try harness.handle(.released(GraphID(0)))
    #expect(harness.actions.isEmpty)
    try harness.finish(id(1, 0))
    #expect(harness.released == [id(0, 0), id(0, 1)])
    #expect(harness.actions.contains(.complete(GraphID(1))))
    try harness.handle(.released(GraphID(1)))
    #expect(
      harness.actions == [
        .release(WorkerID(0), id(1, 0)), .forget(GraphID(1), layers: 1..<2), .forget(GraphID(0), layers: 0..<1),
      ])
    #expect(harness.scheduler.taskCount == 0)
  }

  @Test func whatIsNotKeptCannotBeTaken() throws {
    var harness = try Harness(graph([[[]], [[id(0, 0)]]], results: [id(1, 0)]))
    try harness.join(0)
    try harness.finish(id(0, 0))
    try harness.finish(id(1, 0))
    let before = harness.scheduler.taskCount
    #expect(throws: SchedulingError.inputReleased(id(0, 0))) {
      try harness.add(part([[id(0, 0)]], from: 2, results: [id(2, 0)]), as: 1)
    }
    #expect(throws: SchedulingError.layerNumber(first: 1, next: 2)) {
      try harness.add(part([[]], from: 1, results: [id(1, 0)]), as: 1)
    }
    #expect(throws: SchedulingError.graphNumber(GraphID(0))) {
      try harness.add(part([[]], from: 2, results: [id(2, 0)]), as: 0)
    }
    // Nothing of them is left.
    #expect(harness.scheduler.taskCount == before)
    try harness.scheduler.checkInvariants()
    try harness.add(part([[id(1, 0)]], from: 2, results: [id(2, 0)]), as: 1)
    #expect(harness.assigned.map(\.task) == [id(2, 0)])
  }

  @Test func eachResultIsReportedWhereThatIsWanted() throws {
    var futures = rootsGraph(3)
    futures.reportsEachResult = true
    var harness = try Harness(futures)
    try harness.join(0, slots: 3)
    try harness.finish(id(0, 1))
    #expect(harness.actions == [.resultReady(GraphID(0), id(0, 1))])
    try harness.handle(.failed(WorkerID(0), id(0, 0), 1))
    let failure = SchedulingFailure.taskFailed(id(0, 0), 1, WorkerID(0))
    #expect(harness.actions == [.resultFailed(GraphID(0), id(0, 0), failure), .fail(GraphID(0), failure)])
    try harness.finish(id(0, 2))
    #expect(harness.actions == [.resultReady(GraphID(0), id(0, 2))])
    // Who comes later hears the same at once.
    try harness.add(part([[id(0, 0)]], from: 1, results: [id(1, 0)]), as: 1)
    #expect(harness.actions == [.fail(GraphID(1), failure)])
    try harness.add(TaskGraph(layers: [], results: [id(0, 1)], firstLayer: 2), as: 2)
    #expect(harness.actions == [.complete(GraphID(2))])
  }

  @Test func aFailureReachesWhatNeedsItAlone() throws {
    // Two chains in one graph.
    var harness = try Harness(
      graph([[[], []], [[id(0, 0)], [id(0, 1)]]], results: [id(1, 0), id(1, 1)]))
    try harness.join(0, slots: 2)
    try harness.handle(.failed(WorkerID(0), id(0, 0), 1))
    #expect(harness.actions == [.fail(GraphID(0), .taskFailed(id(0, 0), 1, WorkerID(0)))])
    try harness.finish(id(0, 1))
    #expect(harness.assigned.map(\.task) == [id(1, 1)])
    try harness.finish(id(1, 1))
    #expect(harness.scheduler.holders(of: id(1, 1)) == [WorkerID(0)])
  }

  @Test func aResultThatIsLetGoOfCountsOnce() throws {
    var harness = try Harness(rootsGraph(3))
    try harness.join(0, slots: 1)
    try harness.finish(id(0, 0))
    try harness.handle(.resultReleased(id(0, 0), of: GraphID(0)))
    #expect(harness.actions == [.release(WorkerID(0), id(0, 0))])
    // Of one that hasn't run nothing is left to be done.
    try harness.handle(.resultReleased(id(0, 2), of: GraphID(0)))
    #expect(!harness.actions.contains(.complete(GraphID(0))))
    try harness.finish(id(0, 1))
    #expect(harness.actions.contains(.complete(GraphID(0))))
    try harness.handle(.resultReleased(id(0, 1), of: GraphID(0)))
    try harness.answerRetract(of: id(0, 2), givenBack: true)
    #expect(harness.actions.contains(.forget(GraphID(0), layers: 0..<1)))
    #expect(harness.scheduler.taskCount == 0)
  }

  @Test func retriesComeFirst() throws {
    var retried = rootsGraph(1)
    retried.layers[0].retries = 2
    var harness = try Harness(retried)
    try harness.join(0)
    for attempt in 1...2 {
      try harness.handle(.failed(WorkerID(0), id(0, 0), Attempt(attempt)))
      #expect(harness.assigned.map(\.attempt) == [Attempt(attempt + 1)])
    }
    try harness.handle(.failed(WorkerID(0), id(0, 0), 3))
    #expect(harness.actions == [.fail(GraphID(0), .taskFailed(id(0, 0), 3, WorkerID(0)))])
  }

  @Test func cancelledTasksComeBack() throws {
    var harness = try Harness(graph([[[], []], [[id(0, 0)]]], results: [id(1, 0), id(0, 1)]))
    try harness.join(0, slots: 2)
    try harness.handle(.cancelled(id(0, 0)))
    // The worker is asked for it; what needs it has failed.
    #expect(harness.retracted == [id(0, 0)])
    #expect(harness.actions.contains(.fail(GraphID(0), .taskCancelled(id(0, 0)))))
    // It had begun: its block is of no use.
    try harness.answerRetract(of: id(0, 0), givenBack: false)
    try harness.finish(id(0, 0))
    #expect(harness.actions == [.release(WorkerID(0), id(0, 0))])
    try harness.finish(id(0, 1))
    #expect(harness.scheduler.holders(of: id(0, 1)) == [WorkerID(0)])
    // What is done isn't cancelled.
    try harness.handle(.cancelled(id(0, 1)))
    #expect(harness.actions.isEmpty)
  }

  @Test func urgentGraphsGoFirst() throws {
    var harness = try Harness(rootsGraph(8)) { $0.initialPrefill = 0 }
    try harness.join(0)
    for number in 1...2 {
      var later = part([[], []], from: number, results: [id(number, 0), id(number, 1)])
      later.urgency = number == 1 ? -3 : 7
      try harness.add(later, as: number)
    }
    var order: [Int] = []
    while let task = harness.scheduler.assigned(to: WorkerID(0)).first {
      order.append(Int(task.layer))
      try harness.finish(task)
    }
    // One may have begun before they came.
    let first = order.prefix { $0 == 0 }.count
    #expect(first <= 1)
    let expected: [Int] = [2, 2] + Array(repeating: 0, count: 8 - first) + [1, 1]
    #expect(Array(order.dropFirst(first)) == expected)
  }

  @Test func whatIsMoreUrgentIsHandedOutHoweverMuchAWorkerHas() throws {
    var harness = try Harness(rootsGraph(1))
    try harness.join(0)
    // It runs the first one, and tasks come that are more and more urgent; then some that aren't.
    for number in 1...12 {
      var graph = part([[]], from: number, results: [id(number, 0)])
      graph.urgency = Int16(number)
      try harness.add(graph, as: number)
      #expect(harness.assigned.map(\.task) == [id(number, 0)])
    }
    for number in 13...14 {
      try harness.add(part([[]], from: number, results: [id(number, 0)]), as: number)
      #expect(harness.assigned.isEmpty)
    }
  }

  /// Adds a task to the end of a chain, runs it, and lets go of the one before.
  private func extend(_ harness: inout Harness, to number: Int) throws {
    try harness.add(part([[id(number - 1, 0)]], from: number, results: [id(number, 0)]), as: number)
    try harness.handle(.released(GraphID(number - 1)))
  }

  @Test func aChainStaysForRecoveryAlone() throws {
    for recovers in [true, false] {
      var harness = try Harness(rootsGraph(1)) { $0.recoversLostBlocks = recovers }
      try harness.join(0)
      try harness.finish(id(0, 0))
      for number in 1...20 {
        try extend(&harness, to: number)
        // What it takes is needed until it has run.
        #expect(harness.scheduler.graphCount == (recovers ? number + 1 : 2))
        try harness.finish(id(number, 0))
        #expect(harness.actions.contains(.forget(GraphID(number - 1), layers: number - 1..<number)) == !recovers)
      }
      #expect(harness.scheduler.graphCount == (recovers ? 21 : 1))
      try harness.handle(.released(GraphID(20)))
      #expect(harness.scheduler.taskCount == 0)
    }
  }

  @Test func whatIsKeptOfOthersStays() throws {
    var harness = try Harness(rootsGraph(2)) { $0.recoversLostBlocks = false }
    try harness.join(0)
    // The second graph keeps a result of the first, and takes another.
    try harness.add(part([[id(0, 1)]], from: 1, results: [id(1, 0), id(0, 0)]), as: 1)
    try harness.handle(.released(GraphID(0)))
    for task in [id(0, 0), id(0, 1), id(1, 0)] { try harness.finish(task) }
    #expect(harness.scheduler.holders(of: id(0, 0)) == [WorkerID(0)])
    #expect(harness.scheduler.holders(of: id(0, 1)) == [])
    #expect(harness.scheduler.graphCount == 2)
    try harness.handle(.released(GraphID(1)))
    #expect(harness.scheduler.taskCount == 0)
  }

  @Test func aFailureOutlivesItsGraph() throws {
    var harness = try Harness(rootsGraph(1)) { $0.recoversLostBlocks = false }
    try harness.join(0)
    try harness.add(part([[id(0, 0)]], from: 1, results: [id(1, 0)]), as: 1)
    try harness.handle(.released(GraphID(0)))
    let failure = SchedulingFailure.taskFailed(id(0, 0), 1, WorkerID(0))
    try harness.handle(.failed(WorkerID(0), id(0, 0), 1))
    #expect(harness.actions.contains(.fail(GraphID(1), failure)))
    #expect(harness.actions.contains(.forget(GraphID(0), layers: 0..<1)))
    for number in 2...5000 {
      try harness.scheduler.add(
        part([[id(number - 1, 0)]], from: number, results: [id(number, 0)]), as: GraphID(number), at: .zero,
        into: &harness.actions)
      #expect(harness.actions.contains(.fail(GraphID(number), failure)))
      harness.actions = []
      harness.scheduler.handle(.released(GraphID(number - 1)), at: .zero, into: &harness.actions)
      #expect(harness.actions.contains(.forget(GraphID(number - 1), layers: number - 1..<number)))
      harness.actions = []
      if number % 500 == 0 { try harness.scheduler.checkInvariants() }
    }
    #expect(harness.scheduler.graphCount == 1)
  }

  @Test func whatOnlyCancelledTasksNeedIsAskedFor() throws {
    var harness = try Harness(graph([[[], []], [[id(0, 0), id(0, 1)]]], results: [id(1, 0)]))
    try harness.join(0, slots: 2)
    try harness.handle(.cancelled(id(1, 0)))
    #expect(Set(harness.retracted) == [id(0, 0), id(0, 1)])
    try harness.answerRetract(of: id(0, 0), givenBack: true)
    try harness.answerRetract(of: id(0, 1), givenBack: false)
    try harness.finish(id(0, 1))
    #expect(harness.released == [id(0, 1)])
    #expect(harness.scheduler.outstandingCount == 0)
  }

  @Test func tablesDoNotGrowWithTheSession() throws {
    var harness = try Harness(rootsGraph(1))
    try harness.join(0)
    try harness.finish(id(0, 0))
    // A window of ten graphs, each of which builds on the first; they go out of order.
    var largest = 0
    for number in 1...20_000 {
      var actions: [Action] = []
      try harness.scheduler.add(
        part([[id(0, 0)], [id(0, 0)]], from: number, results: [id(number, 0), id(number, 1)]), as: GraphID(number),
        at: .zero, into: &actions)
      while let task = harness.scheduler.assigned(to: WorkerID(0)).first {
        let attempt = Attempt(1)
        harness.scheduler.handle(
          .finished(WorkerID(0), task, attempt, bytes: 1, nanoseconds: 1000), at: .zero, into: &actions)
      }
      if number > 10 {
        harness.scheduler.handle(.released(GraphID(number - 10)), at: .zero, into: &actions)
        #expect(
          actions.contains(.forget(GraphID(number - 10), layers: number - 10..<number - 9)), "graph \(number - 10)")
      }
      largest = max(largest, harness.scheduler.tableBytes)
      if number % 1000 == 0 { try harness.scheduler.checkInvariants() }
    }
    #expect(harness.scheduler.taskCount == 21)
    #expect(largest < 2_000_000)
    #expect(harness.scheduler.holders(of: id(0, 0)) == [WorkerID(0)])
  }
}
