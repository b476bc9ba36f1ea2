import MusterScheduling
import MusterSimulation
import Testing

/// Tasks that last long, of which nothing is known before the first has finished, on workers with many slots.
@Suite struct LongTaskTests {
  /// The first worker has seven more tasks than slots; the second, which came later, has as many slots free.
  private func uneven() throws -> Harness {
    var harness = try Harness(rootsGraph(40))
    try harness.join(0, slots: 20)
    try harness.join(1, slots: 20)
    let shares = (0..<2).map { harness.scheduler.assigned(to: WorkerID($0)).count }
    try #require(shares[0] > 20 && shares[0] + shares[1] == 40, "\(shares)")
    return harness
  }

  @Test func theQueuedAreMovedBeforeAnyHasFinished() throws {
    var harness = try uneven()
    // They might be short; but as time passes they turn out not to be.
    #expect(harness.retracted.isEmpty)
    #expect(harness.scheduler.isUneven)
    harness.now = .milliseconds(5)
    try harness.handle(.timePassed)
    let moved = harness.retracted
    #expect(moved.count == harness.scheduler.assigned(to: WorkerID(0)).count - 20)
    for task in moved { try harness.answerRetract(of: task, givenBack: true) }
    for worker in 0..<2 { #expect(harness.scheduler.assigned(to: WorkerID(worker)).count == 20) }
    #expect(!harness.scheduler.isUneven)
  }

  @Test func whoJoinsTogetherSharesEvenly() throws {
    var harness = try Harness(rootsGraph(40))
    try harness.handle(
      .workersJoined((0..<2).map { WorkerOffer(worker: WorkerID($0), slots: 20, memoryLimit: 0) }))
    for worker in 0..<2 { #expect(harness.scheduler.assigned(to: WorkerID(worker)).count == 20) }
  }

  /// One task more than slots is seen beside workers with just as many tasks as slots, whoever was last to get one.
  @Test func oneTaskTooManyIsFound() throws {
    var harness = try Harness(rootsGraph(60))
    var asked: [TaskID] = []
    for worker in 0..<3 {
      try harness.join(worker, slots: 20)
      asked += harness.retracted
    }
    for _ in 0..<20 {
      while let task = asked.popLast() {
        try harness.answerRetract(of: task, givenBack: true)
        asked += harness.retracted
      }
      harness.now += .milliseconds(5)
      try harness.handle(.timePassed)
      asked += harness.retracted
    }
    for worker in 0..<3 { #expect(harness.scheduler.assigned(to: WorkerID(worker)).count == 20) }
  }

  /// Nothing is due where nobody is idle, nor where there is nothing to move.
  @Test func timeIsDueOnlyWhereItMayHelp() throws {
    var harness = try Harness(rootsGraph(6))
    #expect(!harness.scheduler.isUneven)
    try harness.handle(
      .workersJoined((0..<2).map { WorkerOffer(worker: WorkerID($0), slots: 4, memoryLimit: 0) }))
    #expect(!harness.scheduler.isUneven)
    for index in 0..<6 {
      try harness.finish(id(0, index))
      #expect(!harness.scheduler.isUneven)
    }
    #expect(harness.isComplete)
  }

  @Test(arguments: [0, 1_000_000, 100_000_000])
  func allRunAtOnce(delay: Int) throws {
    var options = SimulationOptions(workers: [.init(slots: 20), .init(slots: 20, joins: delay)])
    options.duration = { _ in 300_000_000 }
    let report = try Simulation.run(rootsGraph(40), options)
    #expect(report.runs == 40)
    #expect(report.makespan < 310_000_000 + delay)
  }
}
