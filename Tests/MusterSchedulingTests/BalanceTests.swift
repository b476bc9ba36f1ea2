import MusterScheduling
import MusterSimulation
import Testing

@Suite struct BalanceTests {
  @Test func anIdleWorkerGetsWhatAnotherHasQueued() throws {
    var harness = try unbalanced()
    #expect(harness.retracted == [id(0, 1)])
    try harness.answerRetract(of: id(0, 1), givenBack: true)
    #expect(harness.assigned == [Assignment(task: id(0, 1), attempt: 2, priority: 1, isShared: true, sources: [])])
    #expect(harness.worker(of: id(0, 1)) == 1)
    try harness.finish(id(0, 1))
    // One task is left, and it runs: it isn't asked for.
    #expect(harness.actions.isEmpty)
    try harness.finish(id(0, 0))
    #expect(harness.actions == [.complete(GraphID(0))])
  }

  @Test func aRefusalIsTaken() throws {
    var harness = try unbalanced()
    try harness.answerRetract(of: id(0, 1), givenBack: false)
    try harness.handle(.timePassed)
    #expect(harness.actions.isEmpty)
    // It runs the second, so it doesn't run the first; but it's asked only after a while.
    harness.now = .seconds(1)
    try harness.handle(.timePassed)
    #expect(harness.actions == [.retract(WorkerID(0), id(0, 0), 1)])
  }

  @Test func anAnswerAfterTheEndIsTaken() throws {
    var harness = try unbalanced()
    try harness.finish(id(0, 0))
    try harness.finish(id(0, 1))
    #expect(harness.actions == [.complete(GraphID(0))])
    try harness.handle(.released(GraphID(0)))
    #expect(harness.scheduler.taskCount == 0)
    try harness.answerRetract(of: id(0, 1), givenBack: false)
    #expect(harness.actions.isEmpty)
  }

  @Test func aLostWorkerOwesNoAnswer() throws {
    var harness = try unbalanced()
    try harness.lose(0)
    for index in 0..<3 { try harness.finish(id(0, index)) }
    #expect(harness.isComplete)
  }

  @Test func aWorkerWithMoreSlotsGetsMoreTasks() throws {
    var harness = try Harness(rootsGraph(12))
    try harness.join(0)
    let before = harness.scheduler.assigned(to: WorkerID(0)).count
    // Its tasks wait, all that it has been given.
    try harness.handle(.slots(WorkerID(0), before + 3))
    #expect(harness.scheduler.assigned(to: WorkerID(0)).count >= before + 3)
    try harness.handle(.slots(WorkerID(0), 12))
    #expect(harness.scheduler.assigned(to: WorkerID(0)).count == 12)
    #expect(harness.scheduler.startableCount(on: WorkerID(0)) == 12)
    // They go on: an idle worker gets what that one can't run any more.
    try harness.handle(.slots(WorkerID(0), 1))
    #expect(harness.actions.isEmpty)
    try harness.join(1, slots: 2)
    #expect(!harness.retracted.isEmpty)
    // Of what is said of a worker that isn't there nothing is heeded.
    try harness.handle(.slots(WorkerID(7), 5))
    #expect(harness.actions.isEmpty)
  }

  /// Worker 0 runs the first of three roots and has the second queued; worker 1 has finished the third.
  private func unbalanced() throws -> Harness {
    var harness = try Harness(rootsGraph(3))
    try harness.join(0)
    #expect(harness.scheduler.assigned(to: WorkerID(0)) == [id(0, 0), id(0, 1)])
    try harness.join(1)
    #expect(harness.scheduler.assigned(to: WorkerID(1)) == [id(0, 2)])
    try harness.finish(id(0, 2))
    return harness
  }

  @Test func longTasksAreSharedEvenly() throws {
    // 64 tasks of 10 ms on four workers, of which three join late.
    var options = SimulationOptions(
      workers: [.init(slots: 2)] + Array(repeating: .init(slots: 2, joins: 5_000_000), count: 3))
    options.duration = { _ in 10_000_000 }
    let report = try Simulation.run(rootsGraph(64), options)
    #expect(report.runs == 64)
    // 8 slots, 8 rounds, and what the late joining and the messages cost.
    #expect(report.makespan < 100_000_000)
    #expect(report.runsByWorker.allSatisfy { $0 >= 14 })
  }

  @Test func unevenTasksAreMoved() throws {
    // The first eighth of the tasks takes a hundred times as long.
    var options = SimulationOptions(workers: Array(repeating: .init(slots: 1), count: 4))
    options.duration = { $0.index < 64 ? 10_000_000 : 100_000 }
    let report = try Simulation.run(rootsGraph(512), options)
    let ideal = (64 * 10_000_000 + 448 * 100_000) / 4
    #expect(report.makespan < ideal * 5 / 4)
  }

  @Test func aSlowWorkerGetsLess() throws {
    // One worker has four slots, one has one.
    var options = SimulationOptions(workers: [.init(slots: 4), .init(slots: 1)])
    options.duration = { _ in 1_000_000 }
    let report = try Simulation.run(rootsGraph(500), options)
    #expect(report.makespan < 110_000_000)
    #expect(report.runsByWorker[0] > 3 * report.runsByWorker[1])
  }

  @Test func shortTasksAreQueuedInNumbers() throws {
    var harness = try Harness(rootsGraph(100_000))
    try harness.join(0)
    #expect(harness.scheduler.assigned(to: WorkerID(0)).count == 3)
    for index in 0..<2000 {
      try handleWithoutChecks(&harness, .finished(WorkerID(0), id(0, index), 1, bytes: 8, nanoseconds: 500))
    }
    #expect(harness.scheduler.assigned(to: WorkerID(0)).count == 513)
    // They turn out to be long: no more are queued.
    for index in 2000..<2600 {
      try handleWithoutChecks(&harness, .finished(WorkerID(0), id(0, index), 1, bytes: 8, nanoseconds: 5_000_000))
    }
    #expect(harness.scheduler.assigned(to: WorkerID(0)).count == 2)
  }

  private func handleWithoutChecks(_ harness: inout Harness, _ event: Event) throws {
    harness.actions = []
    harness.scheduler.handle(event, at: .zero, into: &harness.actions)
  }

  @Test func aTaskGivenBackGoesToWhomItWasAskedFor() throws {
    // Five tasks take a block of a worker with two slots; another one with four comes.
    let root = id(0, 0)
    let tasks = (0..<5).map { id(1, $0) }
    var harness = try Harness(graph([[[]], Array(repeating: [root], count: 5)], results: tasks))
    try harness.join(0, slots: 2)
    try harness.finish(root)
    try harness.join(1, slots: 4)
    // Both have two tasks in the end, and the one that's asked for then isn't sent back to where its input is.
    var asked = harness.retracted
    var answers = 0
    while let task = asked.popLast(), answers < 20 {
      answers += 1
      try harness.answerRetract(of: task, givenBack: true)
      asked += harness.retracted
    }
    #expect(answers == 3)
    #expect(tasks.filter { harness.worker(of: $0) == 1 }.count == 3)
  }
}
