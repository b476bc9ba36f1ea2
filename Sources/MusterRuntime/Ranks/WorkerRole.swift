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
  private var state: WorkerState?
  private var actions: [WorkerState.Action] = []
  private var completions: [Completion] = []
  private var ready: [ReadyTask] = []
  private var incomingResult: (results: [(header: [UInt8], storages: [BlockStorage])], plan: Plan)?
  private var finishCompletion: (@Sendable () -> Void)?
  /// The error with which the collective ends, once no task of it runs any more: nothing that a failed collective
  /// began outlives it.
  private var failure: MusterError?
  private var terminationDeadline: Int?
  private(set) var hasLeft = false
  /// When rank 0 has said that it ends the job: until when the launcher may take to end this rank.
  private var endDeadline: Int?
  var isEnding: Bool { endDeadline != nil }

  init(engine: RankEngine, transport: Transport) {
    self.engine = engine
    self.transport = transport
    queue = WorkQueue(
      threads: Int(engine.world.members[engine.rank].threads), rank: engine.rank, doorbell: engine.doorbell,
      coordination: engine.coordination)
  }

  var isBusy: Bool { queue.isBusy }
  var hasCompletions: Bool { queue.hasCompletions }

  func take(_ request: RankEngine.Request) {
    self.request = request
    transport.sequence = UInt32(truncatingIfNeeded: request.arrival.sequence)
    if case .compute(let plan, _, _) = request {
      let limit = engine.world.members[engine.rank].memoryLimit
      state = WorkerState(plan: plan, sequence: transport.sequence, memoryLimit: limit)
    }
    transport.send(.arrive(request.arrival), to: 0)
  }

  func takeCompletions() -> Bool {
    queue.takeCompletions(into: &completions)
    guard !completions.isEmpty else { return false }
    for completion in completions where completion.sequence == state?.sequence {
      state!.completed(completion, into: &actions)
    }
    completions.removeAll(keepingCapacity: true)
    carryOut()
    return true
  }

  func receive(_ incoming: Transport.Incoming) {
    switch incoming {
    case .message(.callsWanted, _, _):
      transport.send(.calls(engine.calls()), to: 0)
    case .message(.ending, _, _):
      // mpirun ends this process sooner; srun asks it to leave, and waits for half a minute.
      endDeadline = MonotonicClock.nanoseconds + 1_000_000_000
    case .message(.leave, _, _):
      guard case .finish(_, let completion) = request else { return }
      finishCompletion = completion
      hasLeft = true
    case .message(.outcome(let outcome), _, _):
      end(outcome)
    case .message(let message, let source, let sequence):
      guard sequence == transport.sequence, state != nil else { return }
      state!.receive(message, from: source, into: &actions)
      carryOut()
    case .block(let message, let storages, let source, let sequence):
      guard sequence == transport.sequence, state != nil else { return }
      let layer = state!.plan.layers[Int(message.task.layer)]
      var decoder = BlockDecoder(header: message.header, storages: storages)
      do {
        let block = try layer.blockType.decode(from: &decoder)
        state!.received(block, of: message.task, into: &actions)
      } catch {
        let error = MusterError(arrivalError: error, of: message.task, layer: layer, rank: source)
        state!.refused(message.task, because: error, into: &actions)
      }
      carryOut()
    }
  }

  private func carryOut() {
    // Carrying out an action may yield others: they come at the end of the list.
    var next = 0
    while next < actions.count {
      let action = actions[next]
      next += 1
      switch action {
      case .run(let task): ready.append(task)
      case .send(let message): transport.send(message, to: 0)
      case .reply(let block, let task, let destination): transport.send(block, of: task, to: destination)
      case .fetch(let first, let count, let holder):
        transport.send(.fetch(first: first, count: count), to: Int(holder.number))
      case .takeBack(let task, let attempt):
        queue.push(ready)
        ready.removeAll(keepingCapacity: true)
        let wasQueued = queue.remove(task, attempt: attempt)
        state!.answerRetract(task, attempt: attempt, wasQueued: wasQueued, into: &actions)
      }
    }
    actions.removeAll(keepingCapacity: true)
    queue.push(ready)
    ready.removeAll(keepingCapacity: true)
  }

  private func end(_ outcome: Message.Outcome) {
    guard let request else { return }
    switch (outcome, request) {
    case (.value(let bytes), .rootValue(_, _, let completion)):
      reset()
      completion(.success(bytes))
    case (.failed(let error), .rootValue(_, _, let completion)):
      reset()
      completion(.failure(error))
    case (.failed(let error), .compute):
      // Without the state, what comes in after this makes no task ready, be it a block or the end of a task.
      forgetTasks()
      queue.clear()
      failure = error
    case (.computed(let manifest), .compute(let plan, _, _)):
      let incoming = ResultManifest.read(manifest, count: plan.results.count)
      incomingResult = (incoming.results, plan)
      transport.broadcast(incoming.parts)
    default:
      FatalEnd.end("rank 0 ended another collective than rank \(engine.rank) is in", comm: engine.world.comm)
    }
  }

  /// Does what has become possible. Returns whether anything happened.
  func advance() -> Bool {
    if let terminationDeadline, MonotonicClock.nanoseconds > terminationDeadline { _exit(128 + SIGTERM) }
    if let endDeadline, MonotonicClock.nanoseconds > endDeadline { _exit(1) }
    if let failure, case .compute(_, _, let completion) = request {
      guard !queue.isRunning(sequence: transport.sequence) else { return false }
      self.failure = nil
      reset()
      completion(.failure(failure))
      return true
    }
    guard let incoming = incomingResult, !transport.isBroadcasting, case .compute(_, _, let completion) = request else {
      return false
    }
    incomingResult = nil
    let blocks = Result {
      try zip(incoming.results, incoming.plan.results).map { part, task in
        let layer = incoming.plan.layers[Int(task.layer)]
        var decoder = BlockDecoder(header: part.header, storages: part.storages)
        do {
          return try layer.blockType.decode(from: &decoder)
        } catch {
          throw MusterError(arrivalError: error, of: task, layer: layer, rank: 0)
        }
      }
    }
    reset()
    completion(blocks.mapError { $0 as? MusterError ?? MusterError(.internal, "a result arrived damaged: \($0)") })
    return true
  }

  private func reset() {
    request = nil
    forgetTasks()
  }

  private func forgetTasks() {
    state = nil
    actions.removeAll()
    ready.removeAll()
  }

  func acknowledgeEnd() {
    queue.shutDown()
    finishCompletion?()
  }

  /// Leaves a moment later than it could: rank 0 says meanwhile what is lost.
  func terminated(by signal: Signals.Termination) {
    guard terminationDeadline == nil else { return }
    terminationDeadline = MonotonicClock.nanoseconds + 300_000_000
    transport.send(.terminated(signal: signal.number), to: 0)
  }
}
