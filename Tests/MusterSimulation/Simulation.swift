import MusterRuntime
package import MusterScheduling

/// Runs a graph by the scheduler and the workers' state machines that ship, with a virtual clock. Messages between two
/// parties keep their order, but for the bulk of large blocks; others overtake each other. Every result is fetched
/// from its holder, as rank 0 does, and checked against a serial evaluation. Everything that the protocol forbids is a
/// fault, as are a hang, a livelock and a block left behind.
///
/// The transport delivers every message once, as MPI does: it duplicates nothing. What members themselves may say or send
/// twice comes twice: requests for a block, blocks that go along with tasks, cancels, releases and reports.
package struct Simulation {
  enum Happening {
    /// From a worker.
    case toScheduler(Message, from: Int)
    /// What the scheduler hears from elsewhere: who comes and who goes.
    case event(Event)
    /// From the scheduler or, with the number of the request, from another worker.
    case toWorker(Int, Message, from: Int, number: Int)
    case block(to: Int, TaskID, any Block)
    /// A large block, for which there was room when it began to come.
    case bulk(to: Int, TaskID, any Block)
    /// A small block, for the scheduler's side to hand on.
    case presented(TaskID, any Block)
    /// A request that isn't answered: nobody hears of it, but for a check.
    case nothing(to: Int, TaskID, number: Int, wasHolderDoomed: Bool)
    case begin(Int)
    case done(Int, ReadyTask, duration: Int)
    case completed(Int, Completion)
    /// A worker's disk is done with something.
    case disk(Int, Spiller.Completion)
    /// The disk of another worker has lost a block that was asked for.
    case refused(to: Int, TaskID, MusterError, by: Int)
    case join(SimulationOptions.Worker)
    case loss
    /// A worker's tasks begin to wait, or go on.
    case slots
    case look
    /// A worker looks for tasks whose time is up.
    case overdue(Int)
    /// The program comes to a graph, lets go of its results or of one of them, or cancels a task.
    case add(Int)
    case release(Int)
    case letGo(TaskID, of: Int)
    case cancel(TaskID)
    /// A worker's program comes to a graph.
    case register(Int, at: Int)
  }
  struct Pair: Hashable {
    var from: Int
    var to: Int
  }
  /// The scheduler's number in a `Pair`.
  static let scheduler = -1
  /// After how many nanoseconds the scheduler hears that time passed, while `isUneven`.
  static let lookInterval = 5_000_000
  /// Larger blocks may be overtaken by what is sent after them, to the same member.
  static let inlineLimit = BlockTransit.largestInMessage

  /// All layers, and the results of all parts.
  let graph: TaskGraph
  /// The graphs that the program adds one after the other, with successive layers.
  let parts: [TaskGraph]
  let plan: Plan
  let options: SimulationOptions
  var scheduler: Scheduler
  var report = SimulationReport()
  var random: SplitMix64
  var queue = EventQueue<Happening>()
  var now = 0
  /// When the last message between two parties arrives.
  var lastArrival: [Pair: Int] = [:]
  var workers: [SimulatedWorker] = []
  var sending: [Sending] = []
  var blockCount = 0
  var requestCount = 0
  var joinsToCome = 0
  var lastRegistration: [Int: Int] = [:]
  var willLook = false
  /// How many of the graphs have been added, and what those came to that are over.
  var added = 0
  var outcomes: [Int: SimulationReport.Outcome] = [:]
  var released: Set<Int> = []
  var forgotten: Set<Int> = []
  /// Graphs with a result that a disk has lost.
  var unreadable: Set<Int> = []
  /// By task, the last graph that takes it, of those after its own.
  let lastUse: [TaskID: Int]
  /// What waits until another graph has been added.
  var deferred: [Happening] = []
  var futures: [Int: FutureGraph] = [:]
  /// The awaited graphs of which the program has seen all.
  var waitsEnded: Set<Int> = []
  /// By result that has been asked for, the worker that was asked.
  var awaited: [TaskID: Int] = [:]
  var cancelled: Set<TaskID> = []
  /// The program's calls, and what it has seen of the results that it waited for.
  var calls = CallLog()
  var digest: UInt64 = 0
  /// By layer.
  var urgencies: [UInt32: Int16] = [:]
  /// The assignments that count, and how often failures of a task were heard: beside the scheduler's own books.
  var given: [TaskID: Given] = [:]
  var heardFailures: [TaskID: Int] = [:]
  var hasSuspects = false
  var isOver: Bool { outcomes.count == parts.count }
  /// The layers of which no task will run any more.
  var endedLayers: Set<UInt32> = []
  var actions: [Action] = []
  /// Small blocks that came with the news of them.
  var presented: [TaskID: any Block] = [:]
  /// The results that have come to the scheduler's side.
  var results: [TaskID: UInt64] = [:]

  package init(_ graph: TaskGraph, _ options: SimulationOptions) throws {
    let parts = Self.parts(of: graph, options)
    self.parts = parts
    var lastUse: [TaskID: Int] = [:]
    for (number, part) in parts.enumerated() { for task in part.takenOfOthers() { lastUse[task] = number } }
    self.lastUse = lastUse
    var whole = graph
    whole.results = parts.flatMap(\.results)
    self.graph = whole
    self.options = options
    plan = Plan(simulating: graph, options)
    scheduler = Scheduler(configuration: options.configuration)
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
    for time in options.slotChanges { queue.add(.slots, at: time) }
    for (task, time) in options.cancellations { queue.add(.cancel(task), at: time) }
    queue.add(.add(0), at: 0)
    let taskCount = graph.layers.reduce(0) { $0 + $1.count }
    var steps = 0
    let limit = 10_000 + 300 * taskCount * (1 + options.losses.count)
    while let (time, happening) = queue.next() {
      now = time
      if case .look = happening {
        willLook = false
        if scheduler.isUneven { try inform(.timePassed) }
        continue
      }
      try handle(happening)
      steps += 1
      if steps > limit { throw fault("livelock: \(steps) steps for \(taskCount) tasks") }
    }
    guard isOver else {
      throw fault(
        "hang: nothing left to happen, \(scheduler.finishedCount) of \(scheduler.taskCount) tasks finished,"
          + " \(outcomes.count) of \(parts.count) graphs over")
    }
    report.outcome = outcomes.sorted { $0.key < $1.key }.map(\.value).first { $0 != .complete } ?? .complete
    try checkEnd()
  }

  func fault(_ message: String) -> SimulationFault {
    SimulationFault(description: "at \(now) ns: \(message)")
  }

  private mutating func handle(_ happening: Happening) throws {
    switch happening {
    case .toScheduler(let message, let worker): try inform(Self.event(of: message, from: WorkerID(worker)))
    case .event(let event): try inform(event)
    case .toWorker(let worker, let message, let source, let number):
      // Nothing answers for a worker that is gone.
      if workers[worker].isRunning { try receive(message, from: source, number: number, at: worker) }
    case .block(Self.scheduler, let task, let block):
      try hasCome(task, to: Self.scheduler)
      guard awaited.removeValue(forKey: task) != nil else { break }
      results[task] = (block as? SimulatedBlock)?.value
      try endComplete()
      gathered(task)
    case .block(let worker, let task, let block): try announce(block, of: task, at: worker)
    case .bulk(let worker, let task, let block):
      try receiveBulk(block, of: task, at: worker)
    case .presented(let task, let block):
      presented[task] = block
      report.presented += 1
    case .nothing(Self.scheduler, let task, _, let wasHolderDoomed):
      if !wasHolderDoomed && isWanted(task) { throw fault("the result \(task) isn't where the scheduler says") }
    case .nothing(let worker, let task, let number, let wasHolderDoomed):
      try receiveNothing(task, number: number, at: worker, wasHolderDoomed: wasHolderDoomed)
    case .begin(let worker): begin(at: worker)
    case .done(let worker, let task, let duration):
      if workers[worker].isRunning { try done(task, duration: duration, at: worker) }
    case .completed(let worker, let completion):
      if workers[worker].isRunning { try complete(completion, at: worker) }
    case .disk(let worker, let completion):
      if workers[worker].isRunning { try diskDone(completion, at: worker) }
    case .refused(Self.scheduler, let task, _, let holder): refuseResult(task, by: holder)
    case .refused(let worker, let task, let error, _):
      if workers[worker].isRunning { try receiveRefusal(of: task, error, at: worker) }
    case .join(let offer): join(offer)
    case .loss: try lose()
    case .slots: changeSlots()
    case .look: break
    case .overdue(let worker):
      if workers[worker].isRunning { try failOverdue(at: worker) }
    case .add(let number): try add(number)
    case .release(let number): try release(number)
    case .letGo(let task, let number): try letGo(of: task, of: number)
    case .cancel(let task): try cancel(task)
    case .register(let number, let worker): try register(number, at: worker)
    }
  }

  // MARK: The scheduler

  private static func event(of message: Message, from worker: WorkerID) -> Event {
    switch message {
    case .finished(let task, let attempt, let bytes, let nanoseconds):
      .finished(worker, task, attempt, bytes: bytes, nanoseconds: nanoseconds)
    case .failed(let task, let attempt, _): .failed(worker, task, attempt)
    case .retracted(let task, let attempt, let givenBack): .retracted(worker, task, attempt, givenBack: givenBack)
    case .memory(let bytes): .memory(worker, bytes: bytes)
    case .slots(let offer): .slots(worker, offer.slots, waiting: offer.waiting)
    default: preconditionFailure("a worker sent what isn't for the scheduler: \(message)")
    }
  }

  mutating func inform(_ event: Event) throws {
    if case .workerLost(let worker) = event {
      workers[Int(worker.number)].isLost = true
      report.losses += 1
    }
    note(event)
    if case .retracted(_, _, _, givenBack: true) = event { report.givenBack += 1 }
    report.events += 1
    scheduler.handle(event, at: .nanoseconds(now), into: &actions)
    if options.checksInvariants {
      do { try scheduler.checkInvariants() } catch { throw fault("after \(event): \(error)") }
    }
    try carryOut()
    try check(event)
    if case .workerLost(let worker) = event { try askOthers(than: Int(worker.number)) }
    // As rank 0 does. Where nothing else is left to happen it would go on for ever.
    if scheduler.isUneven && !willLook && !queue.isEmpty {
      willLook = true
      queue.add(.look, at: now + Self.lookInterval)
    }
  }

  mutating func carryOut() throws {
    for action in actions {
      switch action {
      case .assign(let worker, let assignment):
        report.assignments += 1
        try note(assignment, to: Int(worker.number))
        try post(assignment, to: worker)
      case .retract(let worker, let task, let attempt):
        report.retracts += 1
        try post(.retract(task, attempt), to: worker)
      case .release(let worker, let task):
        presented[task] = nil
        try post(.release(task), to: worker)
      case .complete(let graph) where futures[Int(graph.number)] != nil: try checkSettled(Int(graph.number))
      case .complete(let graph): try fetchResults(of: Int(graph.number))
      case .fail(let graph, _) where futures[Int(graph.number)] != nil: try noteFailure(of: Int(graph.number))
      case .fail(let graph, let failure):
        let number = Int(graph.number)
        try examine(failure)
        switch outcomes[number] {
        case nil: end(number, .failed(failure))
        case .complete: break  // what was lost since couldn't be computed again
        case .failed where unreadable.contains(number): break
        case .failed: throw fault("\(graph) failed twice")
        }
        // As a collective does.
        queue.add(.release(number), at: now)
      case .forget(let graph, let layers):
        guard forgotten.insert(Int(graph.number)).inserted else { throw fault("\(graph) is forgotten twice") }
        guard released.contains(Int(graph.number)) else { throw fault("\(graph) is forgotten, but kept") }
        for worker in workers.indices where !workers[worker].isLost {
          try post(.forget(layers: layers), to: WorkerID(worker))
        }
      case .resultReady(let graph, let task): try settle(task, of: Int(graph.number), nil)
      case .resultFailed(let graph, let task, let failure): try settle(task, of: Int(graph.number), failure)
      }
    }
    actions.removeAll(keepingCapacity: true)
    // Their functions throw from now on: a task of theirs that ran all the same would be found.
    for layer in scheduler.takeEndedLayers() {
      guard endedLayers.insert(layer).inserted else { throw fault("layer \(layer) has ended twice") }
      for worker in workers.indices where !workers[worker].isLost {
        try post(.ended(layers: Int(layer)..<Int(layer) + 1), to: WorkerID(worker))
      }
    }
  }

  mutating func post(_ message: Message, to worker: WorkerID) throws {
    let number = Int(worker.number)
    guard workers.indices.contains(number), !workers[number].isLost else {
      throw fault("\(message) to a worker that isn't there")
    }
    let happening = Happening.toWorker(number, message, from: Self.scheduler, number: 0)
    send(happening, from: Self.scheduler, to: number, options.messageDelay)
  }

  /// With the inputs that are here, as rank 0 does; some of them, so that both ways are taken.
  private mutating func post(_ assignment: Assignment, to worker: WorkerID) throws {
    var sent = assignment
    sent.sources = []
    var attached: [(TaskID, any Block)] = []
    for source in assignment.sources {
      for task in source.tasks {
        let block = random.chance(0.8) ? presented[task] : nil
        if let block { attached.append((task, block)) }
        sent.sources.add(
          task, heldBy: source.holder, isAttached: block != nil, isComing: block == nil && source.isComing)
      }
    }
    try post(.assign(sent), to: worker)
    report.attached += attached.count
    for (task, block) in attached {
      let number = Int(worker.number)
      // Twice where it goes along with two tasks.
      for _ in 0...(random.chance(options.repeats) ? 1 : 0) {
        send(.block(to: number, task, block), from: Self.scheduler, to: number, options.messageDelay)
      }
    }
  }

  private mutating func fetchResults(of number: Int) throws {
    report.makespan = max(report.makespan, now)
    for task in Set(parts[number].results).sorted() { try ask(for: task) }
    try endComplete()
  }

  /// As rank 0 does: the collective fails.
  private mutating func refuseResult(_ task: TaskID, by holder: Int) {
    guard awaited.removeValue(forKey: task) != nil else { return }
    for number in 0..<added where outcomes[number] == nil && parts[number].results.contains(task) {
      guard futures[number] == nil else {
        giveUp(task, of: number)
        continue
      }
      end(number, .failed(.taskFailed(task, 1, WorkerID(holder))))
      unreadable.insert(number)
      queue.add(.release(number), at: now)
    }
  }

  /// Graphs whose results have all come are over. The program keeps those that later graphs build on.
  private mutating func endComplete() throws {
    for number in 0..<added where outcomes[number] == nil && futures[number] == nil {
      guard scheduler.isComplete(GraphID(number)), parts[number].results.allSatisfy({ results[$0] != nil }) else {
        continue
      }
      end(number, .complete)
      queue.add(.release(number), at: now + Int.random(in: 0...options.keepTime, using: &random))
    }
  }

  // MARK: The transport

  /// Sends a message that arrives after all that were sent before between the two; those sent after it may overtake
  /// it where that is said.
  mutating func send(
    _ message: Happening, from: Int, to: Int, _ delay: ClosedRange<Int>, mayBeOvertaken: Bool = false
  ) {
    let pair = Pair(from: from, to: to)
    let arrival = max(now + Int.random(in: delay, using: &random), lastArrival[pair] ?? 0)
    if !mayBeOvertaken { lastArrival[pair] = arrival }
    queue.add(message, at: arrival)
  }

  // MARK: The end

  private mutating func checkEnd() throws {
    try checkResults()
    guard forgotten.count == parts.count, scheduler.taskCount == 0, scheduler.outstandingCount == 0 else {
      throw fault("\(forgotten.count) of \(parts.count) graphs are forgotten, \(scheduler.taskCount) tasks are left")
    }
    let withTasks = Set(graph.layers.indices.filter { graph.layers[$0].count > 0 }.map { UInt32($0) })
    guard endedLayers == (options.configuration.recoversLostBlocks ? [] : withTasks) else {
      throw fault("of \(withTasks.count) layers \(endedLayers.count) have ended")
    }
    guard presented.isEmpty || report.losses > 0 else { throw fault("\(presented.count) small blocks are left") }
    for (number, worker) in workers.enumerated() where !worker.isDoomed {
      guard worker.state.assignedTasks.isEmpty, worker.state.early.isEmpty, !worker.hasWork, worker.begun.isEmpty,
        worker.busySlots == 0, worker.timeLimits.next == nil
      else {
        throw fault(
          "worker \(number) still has \(worker.state.assignedTasks.sorted()), and runs \(worker.busySlots) tasks")
      }
      guard worker.state.heldBlocks.isEmpty else {
        throw fault("worker \(number) holds \(worker.state.heldBlocks.sorted()) at the end")
      }
      let store = worker.state.store
      guard store.memoryBytes == 0, store.reservedBytes == 0, !store.isBusy, store.lostCount == 0 else {
        throw fault("worker \(number) thinks that \(store.memoryBytes) bytes are left, or waits for its disk")
      }
      guard worker.disk.isEmpty else { throw fault("worker \(number) leaves \(worker.disk.count) blocks on disk") }
    }
  }
}
