import MusterRuntime
import MusterScheduling

/// A graph whose results are futures.
struct FutureGraph {
  /// The results that the program hasn't let go of.
  var kept: Set<TaskID>
  /// Those that are computed, and those that can't be.
  var ready: Set<TaskID> = []
  var failures: [TaskID: SchedulingFailure] = [:]
  /// Those of them whose value a disk has lost: the scheduler knows nothing of that.
  var unreadable: Set<TaskID> = []
  var firstFailure: SchedulingFailure?
  /// Whether the scheduler has said that the graph fails.
  var hasFailed = false

  init(results: [TaskID]) { kept = Set(results) }
}

/// Graphs whose results are reported one by one, and let go of one by one in any order, while others still run.
extension Simulation {
  /// Whether the program waits for a future and has its value come. It lets go of others whatever became of them.
  func gathers(_ task: TaskID, of number: Int) -> Bool {
    if options.awaitedGraphs.contains(number) { return true }
    return SplitMix64.mix(options.programSeed ^ UInt64(task.layer) << 32 ^ UInt64(task.index)) & 3 != 0
  }

  /// A future has come to an end.
  mutating func settle(_ task: TaskID, of number: Int, _ failure: SchedulingFailure?) throws {
    guard let graph = futures[number] else { throw fault("\(task) of graph \(number) is reported, which nobody asked") }
    guard graph.kept.contains(task) else { throw fault("\(task) is reported, which the program has let go of") }
    // Computed again, after its holder was lost: the program has given it up.
    if graph.unreadable.contains(task) && report.losses > 0 { return }
    guard graph.failures[task] == nil else { throw fault("\(task) is reported after it has failed") }
    guard !graph.ready.contains(task) || report.losses > 0 else { throw fault("\(task) is reported twice") }
    if !graph.ready.contains(task) { report.settledFutures += 1 }
    report.makespan = max(report.makespan, now)
    if let failure {
      try examine(failure)
      futures[number]!.ready.remove(task)
      futures[number]!.failures[task] = failure
      if graph.firstFailure == nil { futures[number]!.firstFailure = failure }
      queue.add(.letGo(task, of: number), at: now + Int.random(in: 0...options.keepTime, using: &random))
      endWaitIfSettled(number)
      return
    }
    guard !scheduler.holders(of: task).isEmpty else { throw fault("\(task) is reported, and nobody holds it") }
    futures[number]!.ready.insert(task)
    guard gathers(task, of: number) else { return }
    if results[task] == nil { try ask(for: task) } else { gathered(task) }
  }

  /// The value of a future has come.
  mutating func gathered(_ task: TaskID) {
    for (number, graph) in futures.sorted(by: { $0.key < $1.key }) where graph.kept.contains(task) {
      queue.add(.letGo(task, of: number), at: now + Int.random(in: 0...options.keepTime, using: &random))
      endWaitIfSettled(number)
    }
  }

  private mutating func endWaitIfSettled(_ number: Int) {
    guard let graph = futures[number] else { return }
    if parts[number].results.allSatisfy({ graph.failures[$0] != nil || results[$0] != nil }) { endWait(for: number) }
  }

  /// The value of a future can't be read.
  mutating func giveUp(_ task: TaskID, of number: Int) {
    futures[number]!.failures[task] = .taskFailed(task, 1, WorkerID(0))
    futures[number]!.unreadable.insert(task)
    queue.add(.letGo(task, of: number), at: now)
    endWaitIfSettled(number)
  }

  /// The program lets go of a future, when all that take it have been added.
  mutating func letGo(of task: TaskID, of number: Int) throws {
    guard let graph = futures[number], graph.kept.contains(task) else { return }
    let isSettled = graph.failures[task] != nil || results[task] != nil
    // It's let go of when it has come.
    if gathers(task, of: number) && !isSettled { return }
    guard !isTakenLater(task) else {
      deferred.append(.letGo(task, of: number))
      return
    }
    if !graph.ready.contains(task) && graph.failures[task] == nil { report.unsettledReleases += 1 }
    futures[number]!.kept.remove(task)
    if futures[number]!.kept.isEmpty {
      released.insert(number)
      end(number, graph.firstFailure.map { .failed($0) } ?? .complete)
    }
    try inform(.resultReleased(task, of: GraphID(number)))
    if random.chance(options.repeats) { try inform(.resultReleased(task, of: GraphID(number))) }
  }

  /// All that the program keeps of a graph is said to be there.
  func checkSettled(_ number: Int) throws {
    guard let graph = futures[number] else { return }
    guard graph.kept.subtracting(graph.ready).isEmpty else {
      throw fault("graph \(number) is complete without \(graph.kept.subtracting(graph.ready).sorted())")
    }
  }

  mutating func noteFailure(of number: Int) throws {
    guard let graph = futures[number], !graph.hasFailed, !graph.failures.isEmpty else {
      throw fault("graph \(number) fails twice, or without a result that does")
    }
    futures[number]!.hasFailed = true
  }

  // MARK: Cancelling

  /// A task that isn't done fails at once.
  mutating func cancel(_ task: TaskID) throws {
    report.cancellations += 1
    cancelled.insert(task)
    let isThere = !scheduler.holders(of: task).isEmpty
    for _ in 0...(random.chance(options.repeats) ? 1 : 0) { try inform(.cancelled(task)) }
    guard !isThere else { return }
    for number in 0..<added where parts[number].results.contains(task) && outcomes[number] == nil {
      let isOver = futures[number].map { !$0.kept.contains(task) || $0.failures[task] != nil } ?? false
      guard isOver else { throw fault("\(task) is cancelled, and graph \(number) still waits for it") }
    }
  }
}
