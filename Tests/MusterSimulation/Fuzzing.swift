package import MusterScheduling

/// A simulation made from a seed alone.
package struct FuzzCase: Sendable {
  package var graph: TaskGraph
  package var options: SimulationOptions
  /// Whether the program is run twice.
  package var replays: Bool

  package init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    graph = RandomGraph.graph(seed: random.next(), width: [4, 8, 8, 12, 24].randomElement(using: &random) ?? 8)
    replays = random.chance(0.4)
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
    if random.chance(0.05), let result = graph.results.randomElement(using: &random) {
      options.mishaps[result] = Mishap(kind: .throwing, times: .max)
    }
    // What programs ask for besides results.
    let parts = options.partEnds.count + 1
    options.programSeed = random.next()
    options.repeats = random.chance(0.3) ? 0.3 : 0
    options.borrowing = random.chance(0.3) ? 0.7 : 0
    if random.chance(0.5) { options.urgencies = (0..<parts).map { _ in Int16.random(in: -3...3, using: &random) } }
    if random.chance(0.3) { options.awaitedGraphs = Set((0..<parts).filter { _ in random.chance(0.6) }) }
    if random.chance(0.5) {
      options.futureGraphs = Set((0..<parts).filter { _ in random.chance(0.8) })
      options.futureTime = (random.chance(0.5) ? 3 : 30) * scale
      if random.chance(0.3) {
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          guard let result = graph.results.randomElement(using: &random) else { break }
          options.cancellations.append((result, Int.random(in: 0...(10 * scale), using: &random)))
        }
      }
    }
    if random.chance(0.4) { Self.addMishaps(to: &graph, scale: scale, &options, &random) }
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
    options.configuration.assignsAhead = random.chance(0.7)
    if random.chance(0.7) {
      for number in graph.layers.indices { graph.layers[number].kind = Int.random(in: 0...2, using: &random) }
    }
    self.options = options
  }

  /// Tasks that throw or take too long, some of them more often than they are tried.
  private static func addMishaps(
    to graph: inout TaskGraph, scale: Int, _ options: inout SimulationOptions, _ random: inout SplitMix64
  ) {
    for number in graph.layers.indices {
      if random.chance(0.6) { graph.layers[number].retries = Int.random(in: 1...3, using: &random) }
      // Tasks take up to `scale`.
      if random.chance(0.5) { options.timeLimits[UInt32(number)] = scale + Int.random(in: 1...scale, using: &random) }
      for index in 0..<graph.layers[number].count where random.chance(0.15) {
        let isPatient = random.chance(0.9)
        let times = Int.random(in: isPatient ? 0...graph.layers[number].retries : 1...4, using: &random)
        let canOverrun = options.timeLimits[UInt32(number)] != nil
        options.mishaps[TaskID(layer: number, index: index)] = Mishap(
          kind: canOverrun && random.chance(0.7) ? .overrunning : .throwing, times: times)
      }
    }
  }

  /// Runs the simulation and checks that it came to what it should.
  @discardableResult
  package func run() throws -> SimulationReport {
    var report = try Simulation.run(graph, options)
    guard replays, !report.isDisturbed else { return report }
    // The same program once more, by another transport, and with other losses: it sees and calls the same.
    var other = options
    var random = SplitMix64(seed: options.seed ^ 0xa5a5)
    other.seed = random.next()
    other.messageDelay = random.chance(0.5) ? 1...1000 : 1...5_000_000
    other.transferDelay = random.chance(0.5) ? 1...1000 : 1...5_000_000
    other.requestDelay = random.chance(0.5) ? 1...1000 : 1...5_000_000
    other.losses = (0..<Int.random(in: 0...2, using: &random)).map { _ in
      Int.random(in: 0...(1 + report.makespan), using: &random)
    }
    if !other.losses.isEmpty { other.configuration.recoversLostBlocks = true }
    let replay: SimulationReport
    do { replay = try Simulation.run(graph, other) } catch {
      throw SimulationFault(description: "in the replay: \(error)")
    }
    guard !replay.isDisturbed else { return report }
    report.replays += 1
    let (former, now) = (report.transcript, replay.transcript)
    guard let place = zip(former, now).enumerated().first(where: { $1.0 != $1.1 })?.offset else {
      guard former.count == now.count else {
        throw SimulationFault(description: "the replay has \(now.count) steps, and there were \(former.count)")
      }
      return report
    }
    throw SimulationFault(
      description: "the replay differs: \(replay.transcript[place]), was \(report.transcript[place])")
  }
}
