package import MusterScheduling

/// Runs a graph by the scheduler and simulated workers, with a virtual clock. Messages between two parties keep their
/// order; others overtake each other. Every result is checked against a serial evaluation, and everything that the
/// protocol forbids is a fault, as are a hang, a livelock and a block left behind.
package struct Simulation {
  enum Happening {
    case toScheduler(Event)
    case toWorker(Int, Action)
    case request(from: Int, to: Int, TaskID, number: Int)
    case reply(to: Int, TaskID, number: Int, value: UInt64?, wasHolderDoomed: Bool)
    case done(Int, TaskID, Attempt, value: UInt64, duration: Int)
    case join(SimulationOptions.Worker)
    case loss
  }
  struct Pair: Hashable {
    var from: Int
    var to: Int
  }
  /// The scheduler's number in a `Pair`.
  static let scheduler = -1

  let graph: TaskGraph
  let options: SimulationOptions
  var scheduler: Scheduler
  var report = SimulationReport()
  var random: SplitMix64
  var queue = EventQueue<Happening>()
  var now = 0
  /// When the last message between two parties arrives.
  var lastArrival: [Pair: Int] = [:]
  var workers: [SimulatedWorker] = []
  var blockCount = 0
  var requestCount = 0
  var joinsToCome = 0
  var outcome: SimulationReport.Outcome?
  var actions: [Action] = []

  package init(_ graph: TaskGraph, _ options: SimulationOptions) throws {
    self.graph = graph
    self.options = options
    scheduler = try Scheduler(graph: graph, configuration: options.configuration)
    random = SplitMix64(seed: options.seed)
  }

  /// Runs until nothing is left to happen.
  package static func run(_ graph: TaskGraph, _ options: SimulationOptions) throws -> SimulationReport {
    var simulation = try Simulation(graph, options)
    try simulation.run()
    return simulation.report
  }

  package mutating func run() throws {
    for worker in options.workers { queue.add(.join(worker), at: worker.joins) }
    joinsToCome = options.workers.count
    for time in options.losses { queue.add(.loss, at: time) }
    scheduler.start(at: .zero, into: &actions)
    try carryOut()
    var steps = 0
    let limit = 10_000 + 300 * scheduler.taskCount * (1 + options.losses.count)
    while let (time, happening) = queue.next() {
      now = time
      try handle(happening)
      steps += 1
      if steps > limit { throw fault("livelock: \(steps) steps for \(scheduler.taskCount) tasks") }
    }
    guard let outcome else {
      throw fault("hang: nothing left to happen, \(scheduler.finishedCount) of \(scheduler.taskCount) tasks finished")
    }
    report.outcome = outcome
    if outcome == .complete { try checkEnd() }
  }

  func fault(_ message: String) -> SimulationFault {
    SimulationFault(description: "at \(now) ns: \(message)")
  }

  private mutating func handle(_ happening: Happening) throws {
    switch happening {
    case .toScheduler(let event): try inform(event)
    case .toWorker(let worker, let action):
      if workers[worker].isRunning { try receive(action, at: worker) }
    case .request(let from, let to, let block, let number):
      answerRequest(from: from, to: to, block, number)
    case .reply(let worker, let block, let number, let value, let wasHolderDoomed):
      try receive(block, number, value, at: worker, wasHolderDoomed: wasHolderDoomed)
    case .done(let worker, let task, let attempt, let value, let duration):
      if workers[worker].isRunning { done(task, attempt, value, duration, at: worker) }
    case .join(let offer): join(offer)
    case .loss: lose()
    }
  }

  // MARK: The scheduler

  private mutating func inform(_ event: Event) throws {
    if case .workerLost(let worker) = event {
      workers[Int(worker.number)].isLost = true
      report.losses += 1
    }
    if case .retracted(_, _, _, givenBack: true) = event { report.givenBack += 1 }
    report.events += 1
    scheduler.handle(event, at: .nanoseconds(now), into: &actions)
    if options.checksInvariants {
      do { try scheduler.checkInvariants() } catch { throw fault("after \(event): \(error)") }
    }
    try carryOut()
  }

  private mutating func carryOut() throws {
    for action in actions {
      if outcome != nil { throw fault("\(action) after the end") }
      switch action {
      case .assign(let worker, _):
        report.assignments += 1
        try post(action, to: worker)
      case .retract(let worker, _, _):
        report.retracts += 1
        try post(action, to: worker)
      case .release(let worker, _):
        try post(action, to: worker)
      case .complete:
        outcome = .complete
        report.makespan = now
      case .fail(let failure):
        outcome = .failed(failure)
        report.makespan = now
      }
    }
    actions.removeAll(keepingCapacity: true)
  }

  private mutating func post(_ action: Action, to worker: WorkerID) throws {
    let number = Int(worker.number)
    guard workers.indices.contains(number), !workers[number].isLost else {
      throw fault("\(action) to a worker that isn't there")
    }
    send(.toWorker(number, action), from: Self.scheduler, to: number, options.messageDelay)
  }

  /// Sends a message that arrives after all that were sent before between the two.
  mutating func send(_ message: Happening, from: Int, to: Int, _ delay: ClosedRange<Int>) {
    let pair = Pair(from: from, to: to)
    let arrival = max(now + Int.random(in: delay, using: &random), lastArrival[pair] ?? 0)
    lastArrival[pair] = arrival
    queue.add(message, at: arrival)
  }

  // MARK: Comings and goings

  private mutating func join(_ offer: SimulationOptions.Worker) {
    joinsToCome -= 1
    let number = workers.count
    workers.append(SimulatedWorker(slots: offer.slots, memoryLimit: offer.memoryLimit))
    report.runsByWorker.append(0)
    let event = Event.workerJoined(WorkerID(number), slots: offer.slots, memoryLimit: offer.memoryLimit)
    send(.toScheduler(event), from: number, to: Self.scheduler, options.messageDelay)
  }

  private mutating func lose() {
    let left = workers.indices.filter { !workers[$0].isDoomed }
    // Mostly one whose loss matters.
    let rich = random.chance(0.8) ? left.filter { !workers[$0].blocks.isEmpty } : []
    guard outcome == nil, let number = (rich.isEmpty ? left : rich).randomElement(using: &random) else { return }
    workers[number].isDoomed = true
    // A worker that is wrongly declared lost goes on: what it reports from now on arrives after that.
    if !random.chance(options.falseLosses) {
      workers[number].isRunning = false
      blockCount -= workers[number].blocks.count
      workers[number].blocks = [:]
    }
    send(.toScheduler(.workerLost(WorkerID(number))), from: number, to: Self.scheduler, options.messageDelay)
    if joinsToCome == 0 && workers.allSatisfy(\.isDoomed) {
      joinsToCome += 1
      queue.add(.join(SimulationOptions.Worker(slots: 1)), at: now + 1_000_000)
    }
  }

  // MARK: The end

  private func checkEnd() throws {
    let expected = graph.evaluateSerially()
    for (result, value) in expected {
      let holders = scheduler.holders(of: result)
      let areLeft = holders.filter { !workers[Int($0.number)].isDoomed }
      // Between the end and the news of a loss, nobody may be left.
      if holders.isEmpty && report.losses == 0 { throw fault("nobody holds the result \(result)") }
      for holder in areLeft {
        guard let held = workers[Int(holder.number)].blocks[result] else {
          throw fault("\(holder) doesn't hold the result \(result)")
        }
        if held != value { throw fault("the result \(result) is \(held), should be \(value)") }
      }
    }
    for (number, worker) in workers.enumerated() where !worker.isDoomed {
      guard worker.tasks.isEmpty else { throw fault("worker \(number) still has \(worker.tasks.keys.sorted())") }
      let known = Set(expected.keys.filter { scheduler.holders(of: $0).contains(WorkerID(number)) })
      let held = Set(worker.blocks.keys)
      if held != known {
        throw fault("worker \(number) holds \(held.sorted()) at the end, the scheduler knows of \(known.sorted())")
      }
    }
  }
}
