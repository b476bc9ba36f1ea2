import MusterScheduling
import MusterSimulation
import Testing

@Suite struct PlacementTests {
  @Test func aTaskGoesWhereMostOfItsBytesAre() throws {
    let graph = graph([[[], []], [[id(0, 0), id(0, 1)]]], results: [id(1, 0)])
    for (small, large) in [(0, 1), (1, 0)] {
      var harness = try Harness(graph) { $0.initialPrefill = 0 }
      try harness.join(0)
      try harness.join(1)
      if let asked = harness.retracted.first { try harness.answerRetract(of: asked, givenBack: true) }
      #expect(harness.worker(of: id(0, 0)) != harness.worker(of: id(0, 1)))
      try harness.finish(id(0, small), bytes: 1000)
      try harness.finish(id(0, large), bytes: 1_000_000)
      #expect(harness.worker(of: id(1, 0)) == harness.worker(of: id(0, large)))
      #expect(harness.assigned.first?.sources.map(\.first) == [id(0, small)])
    }
  }

  @Test func chainsStayWhereTheyBegan() throws {
    // Four hundred chains of eight tasks with blocks of a megabyte, on four workers.
    let width = 400
    let layers = (0..<8).map { number in
      TaskLayer(name: "step", count: width) { index, into in if number > 0 { into.append(id(number - 1, index)) } }
    }
    var options = SimulationOptions(workers: Array(repeating: .init(slots: 2), count: 4))
    options.bytes = { _ in 1_000_000 }
    options.checksInvariants = false
    let report = try Simulation.run(
      TaskGraph(layers: layers, results: (0..<width).map { id(7, $0) }), options)
    #expect(report.runs == 8 * width)
    // But for the last ones, which are spread.
    #expect(report.transfers <= width / 50)
    #expect(report.makespan < 8 * width * 100_000 / 8 * 5 / 4)
  }

  @Test func aSecondPassFindsItsBlocks() throws {
    // x - mean(x): the second pass over the blocks runs where they are.
    let width = 400
    let graph = TaskGraph(
      layers: [
        TaskLayer(name: "read", count: width) { _, _ in },
        TaskLayer(name: "mean", count: 1) { _, into in for index in 0..<width { into.append(id(0, index)) } },
        TaskLayer(name: "subtract", count: width) { index, into in into += [id(0, index), id(1, 0)] },
      ], results: (0..<width).map { id(2, $0) })
    var options = SimulationOptions(workers: Array(repeating: .init(slots: 2), count: 4))
    options.bytes = { $0.layer == 1 ? 8 : 1_000_000 }
    options.duration = { $0.layer == 1 ? 1000 : 1_000_000 }
    options.checksInvariants = false
    let report = try Simulation.run(graph, options)
    // Three quarters of the blocks go to the mean, and the mean to three workers; little else.
    #expect(report.transfers <= width * 3 / 4 + 3 + width / 20)
  }

  @Test func siblingsAreReadTogether() throws {
    // Pairs of blocks: both are read where they are summed.
    let pairs = 500
    let graph = TaskGraph(
      layers: [
        TaskLayer(name: "read", count: 2 * pairs) { _, _ in },
        TaskLayer(name: "sum", count: pairs) { index, into in into += [id(0, 2 * index), id(0, 2 * index + 1)] },
      ], results: (0..<pairs).map { id(1, $0) })
    var options = SimulationOptions(workers: Array(repeating: .init(slots: 1), count: 4))
    options.checksInvariants = false
    let report = try Simulation.run(graph, options)
    #expect(report.transfers <= pairs / 20)
  }

  @Test func depthFirstOrderBoundsTheBlocksAlive() throws {
    var peaks: [Int] = []
    for roots in [1000, 10_000] {
      var options = SimulationOptions(workers: Array(repeating: .init(slots: 1), count: 2))
      options.checksInvariants = false
      let report = try Simulation.run(treeGraph(roots: roots, fanIn: 4), options)
      #expect(report.runs >= roots)
      peaks.append(report.peakBlocks)
    }
    #expect(peaks[1] <= peaks[0] + 24, "\(peaks)")
    #expect(peaks[1] <= 100, "\(peaks)")
  }
}
