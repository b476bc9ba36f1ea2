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
    if random.chance(0.6) {
      let count = graph.layers.count
      options.partEnds = (0..<Int.random(in: 0...3, using: &random))
        .map { _ in Int.random(in: 0...count, using: &random) }.sorted()
      options.pause = random.chance(0.3) ? 0 : 20 * scale
      options.keepTime = random.chance(0.5) ? 0 : 20 * scale
      options.registrationDelay = random.chance(0.5) ? 0...0 : 0...(5 * scale)
    }
    if random.chance(0.1) {
      let layer = Int.random(in: graph.layers.indices, using: &random)
      if graph.layers[layer].count > 0 {
        let index = Int.random(in: 0..<graph.layers[layer].count, using: &random)
        options.cancellations = [(TaskID(layer: layer, index: index), Int.random(in: 0...(20 * scale), using: &random))]
      }
    }
    if random.chance(0.05), let result = graph.results.randomElement(using: &random) { options.failing = result }
    if random.chance(0.4) {
      options.slotChanges = (0..<Int.random(in: 1...20, using: &random)).map { _ in
        Int.random(in: 0...(20 * scale), using: &random)
      }
    }
    if random.chance(0.4) {
      var needed = 1
      for layer in graph.layers.indices {
        for index in 0..<graph.layers[layer].count {
          needed = max(needed, options.neededBytes(of: TaskID(layer: layer, index: index), in: graph))
        }
      }
      // Mostly every task fits, and little more.
      let parts: [Double] = [1, 1.2, 2, 4]
      let part = random.chance(0.1) ? 0.7 : parts.randomElement(using: &random) ?? 1
      for number in options.workers.indices { options.workers[number].memoryLimit = 1 + Int(part * Double(needed)) }
      options.smallestBlock = random.chance(0.5) ? 0 : 100
      options.diskDelay = 1...([1, 1000, 10 * scale].randomElement(using: &random) ?? 1)
      options.diskFailures = random.chance(0.2) ? 0.1 : 0
    }
    // What makes it possible to go on without a worker is kept for that alone.
    options.configuration.recoversLostBlocks = !options.losses.isEmpty || random.chance(0.3)
    self.options = options
  }

  /// Runs the simulation and checks that it came to what it should.
  @discardableResult
  package func run() throws -> SimulationReport {
    let report = try Simulation.run(graph, options)
    switch report.outcome {
    case .complete:
      // A later part may be without a task that is needed for nothing but what was let go of.
      if options.failing != nil && options.cancellations.isEmpty {
        throw SimulationFault(description: "complete, though a task throws")
      }
    case .failed(.taskFailed(let task, _, _)):
      let hasCause = report.diskFailures > 0 || report.misfits > 0
      if task != options.failing && !hasCause {
        throw SimulationFault(description: "\(task) failed, though it didn't throw")
      }
    case .failed(.taskCancelled(let task)):
      if task != options.cancellations.first?.task {
        throw SimulationFault(description: "\(task) failed, though it wasn't cancelled")
      }
    case .failed(.taskLostWorkers(_, let losses)):
      if losses != options.configuration.maximumLosses || report.losses < losses {
        throw SimulationFault(description: "failed after \(report.losses) losses: \(report.outcome)")
      }
    }
    return report
  }
}
