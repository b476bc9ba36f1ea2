package import MusterScheduling

/// A simulation made from a seed alone.
package struct FuzzCase: Sendable {
  package var graph: TaskGraph
  package var options: SimulationOptions

  package init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    graph = RandomGraph.graph(seed: random.next(), width: [4, 8, 8, 12, 24].randomElement(using: &random) ?? 8)
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
    options.requestDelay = random.chance(0.5) ? 1...1000 : 1...10_000_000
    options.transferDelay = random.chance(0.5) ? 1...50_000 : 1...5_000_000

    let limit = random.chance(0.3) ? Int.random(in: 1...6000, using: &random) : 0
    let workerCount =
      random.chance(0.3) ? Int.random(in: 5...12, using: &random) : Int.random(in: 1...4, using: &random)
    options.workers = (0..<workerCount).map { _ in
      .init(slots: Int.random(in: 1...4, using: &random), memoryLimit: limit)
    }
    options.falseLosses = 0.3
    options.badReports = random.chance(0.3) ? 0.3 : 0
    options.staleAttempts = random.chance(0.3) ? 0.3 : 0
    options.threadDelay = random.chance(0.5) ? 0...0 : 0...scale
    if random.chance(0.5) {
      // Transfers are thought to cost nothing: blocks get about, and more than one worker holds them.
      options.configuration.transferLatency = 0
      options.configuration.transferBytesPerNanosecond = 1e9
      options.configuration.assumedDuration = 5_000_000
    }
    options.configuration.maximumLosses = random.chance(0.2) ? 2 : 100
    if random.chance(0.3) { options.configuration.initialPrefill = Int.random(in: 0...8, using: &random) }
    if random.chance(0.3) { options.configuration.retractPause = 0 }
    // Workers come and go while there is something to do: how long that is, a quiet run says.
    let comingsAndGoings = random.chance(0.7)
    if comingsAndGoings {
      options.checksInvariants = false
      let makespan = (try? Simulation.run(graph, options))?.makespan ?? 0
      options.checksInvariants = true
      for number in options.workers.indices.dropFirst() where random.chance(0.2) {
        options.workers[number].joins = Int.random(in: 0...makespan, using: &random)
      }
      let end = makespan + makespan / 4
      options.losses = (0..<Int.random(in: 0...workerCount, using: &random)).map { _ in
        Int.random(in: 0...end, using: &random)
      }
    }
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
