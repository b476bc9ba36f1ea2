internal import Glibc
internal import MusterScheduling

/// A worker's part: carries out what its state machine asks for.
///
/// Not `Sendable`: used on the thread that makes the MPI calls.
final class WorkerRole {
  private let engine: RankEngine
  private let transport: Transport
  private let queue: WorkQueue
  private var request: RankEngine.Request?
  private var state: WorkerState
  /// The graphs that one of this rank's program and rank 0's has come to, and the other hasn't: by number.
  private var ownGraphs: [UInt32: (fingerprint: Fingerprint, call: Call)] = [:]
  private var rootGraphs: [UInt32: Fingerprint] = [:]
  /// The calls differ from rank 0's: nothing is run any more, and rank 0 ends the job.
  private var hasDiverged = false
  private var budget: MemoryBudget
  /// Made when the first block goes to disk.
  private var spiller: Spiller?
  private var diskCompletions: [Spiller.Completion] = []
  private var actions: [WorkerState.Action] = []
  private var completions: [Completion] = []
  private var idleChanges: [WorkQueue.IdleChange] = []
  private var ready: [ReadyTask] = []
  private var incomingResult: (results: [EncodedBlock], tasks: [TaskID])?
  private var resultLayers: [UInt32: Layer] = [:]
  private var finishCompletion: (@Sendable () -> Void)?
  private var terminationDeadline: Int?
  private(set) var hasLeft = false
  /// When rank 0 has said that it ends the job: until when the launcher may take to end this rank.
  private var endDeadline: Int?
  var isEnding: Bool { endDeadline != nil }

  /// - Parameter standInWork: what a thread does that stands in for MPI's, as for `WorkQueue`.
  init(engine: RankEngine, transport: Transport, standInWork: @escaping @Sendable () -> Bool) {
    self.engine = engine
    self.transport = transport
    let threads = Int(engine.world.members[engine.rank].threads)
    let limit = engine.world.members[engine.rank].memoryLimit
    budget = MemoryBudget(limit: limit, threads: threads)
    let marks = BlockStore.Marks(budget)
    state = WorkerState(memoryLimit: limit, rank: engine.rank, marks: marks)
    queue = WorkQueue(
      threads: threads, rank: engine.rank, smallestBlock: limit > 0 ? marks.smallestBlock : nil,
      doorbell: engine.doorbell, events: engine.events, coordination: engine.coordination,
      mayStandIn: engine.world.mayChangeThread, standInWork: standInWork)
  }

  var isBusy: Bool { queue.isBusy }
  /// Whether a thread runs a task.
  var runsTasks: Bool { queue.runsTasks }
  /// Lets no task begin any more.
  func stop() { queue.stop() }
  /// What the worker's blocks hold in memory, in bytes.
  var storedBytes: Int { state.storedBytes }
  /// Has what the functions of layers hold that have ended go, on another thread.
  func dropRetired() { if state.hasRetired { engine.disposal.drop(state.takeRetired()) } }
  var hasCompletions: Bool { queue.hasNews || spiller?.hasCompletions == true }

  /// Runs tasks that are expected to be brief on the calling thread.
  func runBrief() -> WorkQueue.BriefRun { queue.runBrief() }
  /// Whether the calling thread stands in for MPI's, and is to hand back.
  var isStandInRecalled: Bool { queue.isStandInRecalled }

  func take(_ request: RankEngine.Request) {
    switch request {
    case .submit(let submission): register(submission)
    case .compute(let submission, _, _):
      register(submission)
      arrive(request)
    case .gather, .ask, .rootValue, .finish: arrive(request)
    case .release, .cancel, .endWatch: break  // rank 0 says what becomes of it
    case .count(let completion): completion(state.graphCounts)
    }
  }

  private func arrive(_ request: RankEngine.Request) {
    self.request = request
    if let arrival = request.arrival { transport.send(.arrive(arrival), to: 0) }
  }

  // MARK: Graphs

  /// The program has come to a graph. Its closures run only where rank 0 has made the same calls.
  private func register(_ submission: Submission) {
    let number = submission.graph.number
    if let root = rootGraphs.removeValue(forKey: number) {
      if root != submission.fingerprint { return diverge(submission.call) }
    } else {
      ownGraphs[number] = (submission.fingerprint, submission.call)
    }
    state.register(submission.plan.layers, from: submission.firstLayer, into: &actions)
    carryOut()
  }

  private func rootCame(to number: UInt32, _ fingerprint: Fingerprint) {
    if let own = ownGraphs.removeValue(forKey: number) {
      if own.fingerprint != fingerprint { diverge(own.call) }
    } else {
      rootGraphs[number] = fingerprint
    }
  }

  private func diverge(_ call: Call) {
    guard !hasDiverged else { return }
    hasDiverged = true
    transport.send(.diverged(call: call.text, engine.calls()), to: 0)
  }

  // MARK: Messages and tasks

  func takeCompletions() -> Bool {
    let offer = queue.takeNews(&completions, &idleChanges)
    if let offer { transport.send(.slots(offer), to: 0) }
    spiller?.takeCompletions(into: &diskCompletions)
    guard !completions.isEmpty || !idleChanges.isEmpty || !diskCompletions.isEmpty else { return offer != nil }
    // Of what a task held by its end rank 0 hears before it hears of the end.
    _ = engine.coordination.exchange { transport.send(.coordination($0), to: $1) }
    for change in idleChanges { state.setIdle(change.run, change.isIdle, into: &actions) }
    var unexpected = 0
    for completion in completions {
      // What it took to make a block tells how many others may be made at a time, from now on.
      if budget.isLookDue(storing: completion.byteCount) { observeMemory(with: completion.byteCount) }
      state.completed(completion, into: &actions)
      if completion.isUnexpected { unexpected += 1 }
    }
    for completion in diskCompletions { state.receive(completion, into: &actions) }
    completions.removeAll(keepingCapacity: true)
    diskCompletions.removeAll(keepingCapacity: true)
    carryOut()
    if unexpected > 0 { queue.stored(unexpected: unexpected) }
    return true
  }

  func receive(_ incoming: Transport.Incoming) {
    switch incoming {
    case .message(.callsWanted, _):
      transport.send(.calls(engine.calls()), to: 0)
    case .message(.ending, _):
      // mpirun ends this process sooner; srun asks it to leave, and waits for half a minute.
      endDeadline = MonotonicClock.nanoseconds + 1_000_000_000
    case .message(.leave, _):
      guard case .finish(_, let completion) = request else { return }
      finishCompletion = completion
      hasLeft = true
      // Nothing more is to leave memory for what comes now.
      state.setTransit(BlockTransit(), into: &actions)
      carryOut()
    case .message(.outcome(let outcome), _):
      end(outcome)
    case .message(.graph(let number, let fingerprint), _):
      rootCame(to: number, fingerprint)
    case .message(.forget(let layers), _):
      state.forget(layers)
    case .message(.ended(let layers), _):
      state.end(layers)
    case .message(.refused(let task, let error), _):
      state.refused(task, because: error, into: &actions)
      carryOut()
    case .message(let message, let source):
      guard !hasDiverged else { return }
      state.receive(message, from: source, into: &actions)
      carryOut()
    case .block(let message, let storages, let source):
      // Nobody waits for what is of a graph that was forgotten.
      guard let layer = state.layer(message.task.layer) else { return }
      var decoder = BlockDecoder(header: message.header, storages: storages, isLast: true)
      do {
        let block = try layer.blockType.decode(from: &decoder)
        state.received(block, of: message.task, leaving: transport.transit, into: &actions)
      } catch {
        let error = MusterError(arrivalError: error, of: message.task, layer: layer, rank: source)
        state.refused(message.task, because: error, into: &actions)
      }
      carryOut()
    }
  }

  /// Whether a block of so many bytes may come now.
  func admits(_ bytes: Int) -> Bool {
    guard budget.limit > 0 else { return true }
    // At the end all that is on its way is to come, and to be dropped.
    if hasLeft || hasDiverged { return transport.transit.receivingBytes == 0 }
    countTransit()
    let mayCome = state.admits(bytes, into: &actions)
    carryOut()
    return mayCome
  }

  private func countTransit() {
    guard budget.limit > 0, !hasLeft, state.transit != transport.transit else { return }
    state.setTransit(transport.transit, into: &actions)
    carryOut()
  }

  private func carryOut() {
    // Carrying out an action may yield others: they come at the end of the list.
    var next = 0
    while next < actions.count {
      let action = actions[next]
      next += 1
      switch action {
      case .run(let task): ready.append(task)
      case .send(let message):
        transport.send(message, to: 0)
        if case .memory = message { observeMemory() }
      case .refuse(let task, let destination, let error): transport.send(.refused(task, error), to: destination)
      case .spill(let orders): startedSpiller().spill(orders)
      case .load(let ticket, let task, let place, let type):
        startedSpiller().load(ticket, of: task, at: place, as: type)
      case .discard(let place): startedSpiller().discard(place)
      case .reply(let block, let task, let destination): transport.send(block, of: task, to: destination)
      case .present(let block, let task): transport.send(block, of: task, to: 0)
      case .fetch(let first, let count, let holder, let isComing):
        transport.send(.fetch(first: first, count: count, isComing: isComing), to: Int(holder.number))
      case .takeBack(let task, let attempt):
        let wasQueued = removeFromQueue(task, attempt: attempt)
        state.answerRetract(task, attempt: attempt, wasQueued: wasQueued, into: &actions)
      case .holdBack(let task, let attempt):
        let wasQueued = removeFromQueue(task, attempt: attempt)
        state.answerHoldBack(task, attempt: attempt, wasQueued: wasQueued, into: &actions)
      }
    }
    actions.removeAll(keepingCapacity: true)
    queue.push(ready)
    ready.removeAll(keepingCapacity: true)
  }

  /// Takes a task back that no thread has begun, also one that has just become ready.
  private func removeFromQueue(_ task: TaskID, attempt: Attempt) -> Bool {
    queue.push(ready)
    ready.removeAll(keepingCapacity: true)
    return queue.remove(task, attempt: attempt)
  }

  private func startedSpiller() -> Spiller {
    if let spiller { return spiller }
    let new = Spiller(scratch: Scratch(environment: engine.environment), events: engine.events) {
      [doorbell = engine.doorbell] in doorbell.ring()
    }
    spiller = new
    return new
  }

  /// Looks at what the process takes besides blocks, each time that those have changed much.
  ///
  /// - Parameter newBytes: What a block holds that is about to be stored.
  private func observeMemory(with newBytes: Int = 0) {
    guard
      let isTight = budget.observeProcess(
        storedBytes: state.storedBytes + transport.transit.receivingBytes, reservedBytes: state.reservedBytes,
        storing: newBytes)
    else { return }
    if isTight { startedSpiller().trim() }
    state.limitBlocks(to: budget.blockLimit, into: &actions)
  }

  private func end(_ outcome: Message.Outcome) {
    guard let request else { return }
    switch (outcome, request) {
    case (.value(let bytes), .rootValue(_, _, let completion)), (.value(let bytes), .ask(_, _, let completion)):
      self.request = nil
      completion(.success(bytes))
    case (.failed(let error), .rootValue(_, _, let completion)), (.failed(let error), .ask(_, _, let completion)):
      self.request = nil
      completion(.failure(error))
    case (.failed(let error), .compute(_, _, let completion)), (.failed(let error), .gather(_, _, let completion)):
      engine.letGo(of: &self.request)
      completion(.failure(error))
    case (.computed(let manifest), .compute(let submission, _, _)): receive(submission.plan.results, as: manifest)
    case (.computed(let manifest), .gather(let tasks, _, _)): receive(tasks, as: manifest)
    default:
      FatalEnd.end("rank 0 ended another collective than rank \(engine.rank) is in", comm: engine.world.comm)
    }
  }

  /// The results of the collective are about to come.
  private func receive(_ results: [TaskID], as manifest: [UInt8]) {
    let incoming = ResultManifest.read(manifest, count: results.count)
    incomingResult = (incoming.results, results)
    // Rank 0 lets go of the graph now, and with it of the layers that say how to read what comes.
    resultLayers = Set(results.map(\.layer)).reduce(into: [:]) { $0[$1] = state.layer($1)?.ended }
    transport.broadcast(incoming.parts)
  }

  /// Does what has become possible. Returns whether anything happened.
  func advance() -> Bool {
    countTransit()
    if let terminationDeadline, MonotonicClock.nanoseconds > terminationDeadline { _exit(128 + SIGTERM) }
    if let endDeadline, MonotonicClock.nanoseconds > endDeadline { _exit(1) }
    guard let incoming = incomingResult, !transport.isBroadcasting else { return false }
    let completion: @Sendable (Result<ComputedBlocks, MusterError>) -> Void
    switch request {
    case .compute(_, _, let ours), .gather(_, _, let ours): completion = ours
    default: return false
    }
    incomingResult = nil
    let blocks = Result {
      try zip(incoming.results, incoming.tasks).map { part, task in
        guard let layer = resultLayers[task.layer] else {
          throw MusterError(.internal, "the result \(task) is of a layer that isn't known any more")
        }
        var decoder = BlockDecoder(header: part.header, storages: part.storages, isLast: true)
        do {
          return try layer.blockType.decode(from: &decoder)
        } catch {
          throw MusterError(arrivalError: error, of: task, layer: layer, rank: 0)
        }
      }
    }
    resultLayers = [:]
    engine.letGo(of: &self.request)
    completion(
      blocks.map { ComputedBlocks(blocks: $0) }.mapError {
        $0 as? MusterError ?? MusterError(.internal, "a result arrived damaged: \($0)")
      })
    return true
  }

  func acknowledgeEnd() {
    queue.shutDown()
    spiller?.shutDown()
    finishCompletion?()
    state.retireAll()
    dropRetired()
    // A task that goes on past the session may keep the role, and is not to keep the blocks.
    state = WorkerState()
    incomingResult = nil
    ready = []
  }

  /// Leaves a moment later than it could: rank 0 says meanwhile what is lost.
  func terminated(by signal: Signals.Termination) {
    guard terminationDeadline == nil else { return }
    terminationDeadline = MonotonicClock.nanoseconds + 300_000_000
    transport.send(.terminated(signal: signal.number), to: 0)
  }
}
