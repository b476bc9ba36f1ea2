import MusterScheduling
import Testing

@Suite struct ExpansionTests {
  @Test func onlyWhatResultsNeedIsExpanded() throws {
    // Layer 1 of ten tasks, of which one is wanted, which needs two of ten roots.
    let graph = TaskGraph(
      layers: [
        TaskLayer(name: "roots", count: 10) { _, _ in },
        TaskLayer(name: "pairs", count: 5) { index, into in into += [id(0, 2 * index), id(0, 2 * index + 1)] },
      ], results: [id(1, 3)])
    let scheduler = try Scheduler(graph: graph)
    #expect(scheduler.taskCount == 3)
    #expect(scheduler.progress().map(\.total) == [2, 1])
  }

  @Test func aHugeLayerOfWhichLittleIsNeeded() throws {
    // A layer of four thousand million tasks, of which three are needed, costs next to nothing.
    let graph = TaskGraph(
      layers: [
        TaskLayer(name: "huge", count: 4_000_000_000) { _, _ in },
        TaskLayer(name: "few", count: 1) { _, into in into += [id(0, 7), id(0, 3_999_999_999), id(0, 2_000_000_000)] },
      ], results: [id(1, 0)])
    #expect(try Scheduler(graph: graph).taskCount == 4)
  }

  @Test func orderIsDepthFirst() throws {
    var harness = try Harness(treeGraph(roots: 4, fanIn: 2))
    try harness.join(0, slots: 8)
    // Post-order: two roots, their sum, two roots, their sum, the sum of sums.
    #expect(harness.assigned.map(\.task) == [id(0, 0), id(0, 1), id(0, 2), id(0, 3)])
    #expect(harness.assigned.map(\.priority) == [0, 1, 3, 4])
  }

  @Test func chainsComeBeforeWhatTheyTakeUp() throws {
    // Each step names its root first and the step before it second.
    var layers = [TaskLayer(name: "read", count: 3) { _, _ in }]
    for step in 0..<3 {
      layers.append(
        TaskLayer(name: "add", count: 1) { _, into in
          into.append(id(0, step))
          if step > 0 { into.append(id(step, 0)) }
        })
    }
    var harness = try Harness(TaskGraph(layers: layers, results: [id(3, 0)]))
    try harness.join(0, slots: 8)
    #expect(harness.assigned.map(\.task) == [id(0, 0), id(0, 1), id(0, 2)])
    #expect(harness.assigned.map(\.priority) == [0, 2, 4])
  }

  @Test func deepGraphsDoNotRecurse() throws {
    let depth = 100_000
    let layers = (0..<depth).map { number in
      TaskLayer(name: "step", count: 1) { _, into in if number > 0 { into.append(id(number - 1, 0)) } }
    }
    #expect(try Scheduler(graph: TaskGraph(layers: layers, results: [id(depth - 1, 0)])).taskCount == depth)
  }

  @Test func repeatedInputsCountOnce() throws {
    let graph = graph([[[]], [[id(0, 0), id(0, 0), id(0, 0)]]], results: [id(1, 0), id(1, 0)])
    var harness = try Harness(graph)
    try harness.join(0)
    try harness.finish(id(0, 0))
    #expect(harness.assigned.map(\.task) == [id(1, 0)])
    try harness.finish(id(1, 0))
    #expect(harness.actions == [.complete(GraphID(0)), .release(WorkerID(0), id(0, 0))])
  }

  @Test func contradictionsAreNamed() {
    #expect(throws: SchedulingError.resultOutOfRange(id(0, 1))) {
      try Scheduler(graph: graph([[[]]], results: [id(0, 1)]))
    }
    #expect(throws: SchedulingError.resultOutOfRange(id(1, 0))) {
      try Scheduler(graph: graph([[[]]], results: [id(1, 0)]))
    }
    #expect(throws: SchedulingError.inputOutOfRange(task: id(1, 0), layerName: "layer 1", input: id(0, 5))) {
      try Scheduler(graph: graph([[[]], [[id(0, 5)]]], results: [id(1, 0)]))
    }
    #expect(throws: SchedulingError.inputNotEarlier(task: id(1, 0), layerName: "layer 1", input: id(1, 1))) {
      try Scheduler(graph: graph([[[]], [[id(1, 1)], []]], results: [id(1, 0)]))
    }
    #expect(throws: SchedulingError.layerCount(layer: 0, layerName: "bad", count: -1)) {
      try Scheduler(graph: TaskGraph(layers: [TaskLayer(name: "bad", count: -1) { _, _ in }], results: []))
    }
  }

  @Test func aTaskTakesLittleMemory() throws {
    let scheduler = try Scheduler(graph: treeGraph(roots: 100_000, fanIn: 2))
    #expect(scheduler.tableBytes / scheduler.taskCount <= 100)
  }

  @Test func whoIsNotNeededTakesNone() throws {
    let graph = TaskGraph(
      layers: [TaskLayer(name: "huge", count: 100_000_000) { _, _ in }], results: [id(0, 99_999_999)])
    #expect(try Scheduler(graph: graph).tableBytes < 1_000_000)
  }
}
