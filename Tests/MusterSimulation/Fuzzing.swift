package import MusterScheduling

/// A simulation made from a seed alone.
package struct FuzzCase: Sendable {
  package var graph: TaskGraph
  package var options: SimulationOptions

  package init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    graph = RandomGraph.graph(seed: random.next(), width: random.chance(0.1) ? 40 : 8)
    var options = SimulationOptions()
    options.seed = random.next()

    let scale = [2_000, 100_000, 5_000_000].randomElement(using: &random) ?? 1
    let salt = random.next()
    options.duration = { task in
      let mixed = SplitMix64.mix(salt &+ UInt64(task.layer) << 32 &+ UInt64(task.index))
      return 1 + Int(mixed % UInt64(scale))
    }
    let isLarge = random.chance(0.3)
    options.bytes = { task in Int(SplitMix64.mix(salt ^ UInt64(task.index)) % (isLarge ? 1_000_000 : 1000)) }
    options.messageDelay = random.chance(0.5) ? 1...50_000 : 1...2_000_000
    options.transferDelay = random.chance(0.5) ? 1...50_000 : 1...5_000_000

    let limit = random.chance(0.3) ? Int.random(in: 1...6000, using: &random) : 0
    let horizon = Int.random(in: 100_000...30_000_000, using: &random)
    for number in 0..<Int.random(in: 1...5, using: &random) {
      options.workers.append(
        .init(
          slots: Int.random(in: 1...4, using: &random), memoryLimit: limit,
          joins: number == 0 || random.chance(0.7) ? 0 : Int.random(in: 0...horizon, using: &random)))
    }
    if random.chance(0.6) {
      options.losses = (0..<Int.random(in: 1...4, using: &random)).map { _ in
        Int.random(in: 0...horizon, using: &random)
      }
    }
    options.falseLosses = 0.3
    options.badReports = random.chance(0.3) ? 0.3 : 0
    options.memoryReports = random.chance(0.5) ? 0.3 : 0
    options.configuration.maximumLosses = random.chance(0.2) ? 2 : 100
    if random.chance(0.3) { options.configuration.initialPrefill = Int.random(in: 0...8, using: &random) }
    if random.chance(0.3) { options.configuration.retractPause = 0 }
    if random.chance(0.05), let result = graph.results.randomElement(using: &random) { options.failing = result }
    self.options = options
  }

  /// Runs the simulation and checks that it came to what it should.
  @discardableResult
  package func run() throws -> SimulationReport {
    let report = try Simulation.run(graph, options)
    switch report.outcome {
    case .complete:
      if options.failing != nil { throw SimulationFault(description: "complete, though a task throws") }
    case .failed(.taskFailed(let task, _, _)):
      if task != options.failing { throw SimulationFault(description: "\(task) failed, though it didn't throw") }
    case .failed(.taskLostWorkers(_, let losses)):
      if losses != options.configuration.maximumLosses || report.losses < losses {
        throw SimulationFault(description: "failed after \(report.losses) losses: \(report.outcome)")
      }
    }
    return report
  }
}
