import MusterScheduling
import MusterSimulation
import Testing

@Suite struct MemoryTests {
  @Test func aFullWorkerGetsNoRoots() throws {
    var harness = try Harness(rootsGraph(20, expectedBytes: 100))
    try harness.join(0, slots: 16, memoryLimit: 1000)
    // Eight blocks are 80 % of the limit.
    #expect(harness.assigned.count == 8)
    try harness.handle(.memory(WorkerID(0), bytes: 500))
    #expect(harness.assigned.isEmpty)
    try harness.handle(.memory(WorkerID(0), bytes: 0))
    #expect(harness.assigned.isEmpty)
    // What it holds is elsewhere now, on disk: there is room again.
    try harness.finish(id(0, 0), bytes: 100)
    try harness.handle(.memory(WorkerID(0), bytes: 0))
    #expect(harness.assigned.count == 1)
  }

  @Test func anotherWorkerTakesThem() throws {
    var harness = try Harness(rootsGraph(20, expectedBytes: 100))
    try harness.join(0, slots: 2, memoryLimit: 250)
    #expect(harness.assigned.count == 2)
    try harness.join(1, slots: 4, memoryLimit: 10_000)
    #expect(harness.assigned.count >= 4)
  }

  @Test func oneRootRunsWhateverTheMemory() throws {
    var harness = try Harness(rootsGraph(3, expectedBytes: 5000))
    try harness.join(0, slots: 4, memoryLimit: 1000)
    for index in 0..<3 {
      #expect(harness.assigned.map(\.task) == [id(0, index)])
      try harness.finish(id(0, index), bytes: 5000)
    }
    #expect(harness.isComplete)
  }

  /// What those hold that wait comes back only when others have run: one root at a time is handed out beside them.
  @Test func besideTasksThatWaitOneRootRunsWhateverTheMemory() throws {
    var harness = try Harness(rootsGraph(5, expectedBytes: 5000))
    try harness.join(0, slots: 1, memoryLimit: 1000)
    try harness.join(1, slots: 1, memoryLimit: 1000)
    #expect(harness.scheduler.startableCount(on: WorkerID(0)) + harness.scheduler.startableCount(on: WorkerID(1)) == 1)
    let first = try #require(harness.worker(of: id(0, 0)))
    // It gets a further slot for the task that waits, and the other worker has one.
    for (count, waiting) in [(1, 1), (0, 1), (0, 1)] {
      try harness.handle(.slots(WorkerID(first), 1 + waiting, waiting: waiting))
      #expect(harness.assigned.count == count)
    }
    let second = try #require(harness.worker(of: id(0, 1)))
    // Nobody has room for another one but a worker whose tasks wait: that is where it goes.
    try harness.handle(.slots(WorkerID(second), second == first ? 3 : 2, waiting: second == first ? 2 : 1))
    #expect(harness.assigned.map(\.task) == [id(0, 2)])
    // The waits are over: what runs now is to end first.
    try harness.handle(.slots(WorkerID(first), 1))
    try harness.handle(.slots(WorkerID(second), 1))
    try harness.finish(id(0, 2), bytes: 5000)
    #expect(harness.assigned.isEmpty)
    try harness.finish(id(0, 1), bytes: 5000)
    try harness.finish(id(0, 0), bytes: 5000)
    #expect(harness.assigned.map(\.task) == [id(0, 3)])
    // A worker that is lost takes its waits with it.
    let third = try #require(harness.worker(of: id(0, 3)))
    try harness.handle(.slots(WorkerID(third), 2, waiting: 1))
    #expect(harness.assigned.map(\.task) == [id(0, 4)])
    try harness.lose(third)
    try harness.scheduler.checkInvariants()
  }

  @Test func consumersRunOnAFullWorker() throws {
    var harness = try Harness(
      graph([[[], []], [[id(0, 0)], [id(0, 1)]]], results: [id(1, 0), id(1, 1)], expectedBytes: 100))
    try harness.join(0, slots: 1, memoryLimit: 125)
    #expect(harness.assigned.map(\.task) == [id(0, 0)])
    try harness.finish(id(0, 0), bytes: 100)
    #expect(harness.assigned.map(\.task) == [id(1, 0)])
  }

  @Test func rootsDoNotRunAheadOfTheMemory() throws {
    // A thousand roots of 1 MB, so short that hundreds of them run before the scheduler knows of the first.
    func peak(memoryLimit: Int) throws -> Int {
      var options = SimulationOptions(workers: Array(repeating: .init(slots: 4, memoryLimit: memoryLimit), count: 2))
      options.bytes = { _ in 1_000_000 }
      options.duration = { _ in 1000 }
      options.messageDelay = 1_000_000...1_000_000
      options.checksInvariants = false
      var graph = treeGraph(roots: 1000, fanIn: 4)
      for layer in graph.layers.indices { graph.layers[layer].expectedBytes = 1_000_000 }
      return try Simulation.run(graph, options).peakBytes
    }
    // The mark is 32 MB. What consumers leave and what is fetched for them comes on top.
    #expect(try peak(memoryLimit: 40_000_000) <= 50_000_000)
    #expect(try peak(memoryLimit: 0) > 80_000_000)
  }

  @Test func aSumThatIsSlowerThanItsInputsStaysWithinTheLimit() throws {
    // Each step adds a block to the sum so far, on one worker at a time; four could read.
    let steps = 500
    var layers = [TaskLayer(name: "read", count: steps, expectedBytes: 1_000_000) { _, _ in }]
    for step in 0..<steps {
      layers.append(
        TaskLayer(name: "add", count: 1, expectedBytes: 1_000_000) { _, into in
          into.append(id(0, step))
          if step > 0 { into.append(id(step, 0)) }
        })
    }
    var options = SimulationOptions(workers: Array(repeating: .init(slots: 1, memoryLimit: 20_000_000), count: 4))
    options.bytes = { _ in 1_000_000 }
    options.checksInvariants = false
    let report = try Simulation.run(TaskGraph(layers: layers, results: [id(steps, 0)]), options)
    #expect(report.peakBytes <= 20_000_000)
    // It isn't slower for it than the sum itself and the blocks' way to it.
    #expect(report.makespan < steps * 1_400_000)
  }
}
