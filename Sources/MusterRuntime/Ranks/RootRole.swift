internal import Glibc
internal import MusterScheduling

/// Rank 0's part: brings the ranks together at each collective, schedules, gathers results and gives them to all.
///
/// Not `Sendable`: used on the thread that makes the MPI calls.
final class RootRole {
  /// A result that has come, and what it came as.
  struct Arrived {
    var block: any Block
    var header: [UInt8]
    var storages: [BlockStorage]
  }

  /// A plan that is being run.
  struct Running {
    var plan: Plan
    var scheduler: Scheduler
    var start: Int
    var isComplete = false
    /// The results that have come, and those still on their way.
    var results: [TaskID: Arrived] = [:]
    var awaited: Set<TaskID> = []
    var failure: MusterError?
    var taskError: MusterError?
  }

  let engine: RankEngine
  let transport: Transport
  private let deadline: Int?
  private var request: RankEngine.Request?
  private var requestTime = 0
  /// Who has come to a collective, and when the first did.
  private var arrivals: [Int: Arrival] = [:]
  private var firstArrival: Int?
  /// Those whose history agrees with this rank's.
  private var admitted: Set<Int> = []
  private var running: Running?
  /// Why the plan can't be scheduled at all.
  private var refusal: MusterError?
  private var broadcastResult: [any Block]?
  private var actions: [Action] = []
  private var divergent: (rank: Int, arrival: Arrival)?
  private var finishCompletion: (@Sendable () -> Void)?
  private(set) var hasLeft = false
  private var nextBoardUpdate = 0
  private var nextLook = 0
  private var nextStallLook = 0
  /// A worker that a signal ends, and until when to wait for the same signal here: a launcher sends it to all ranks.
  private var terminatedWorker: (rank: Int, signal: Int32, deadline: Int)?

  init(engine: RankEngine, transport: Transport, deadline: Duration?) {
    self.engine = engine
    self.transport = transport
    self.deadline = deadline?.nanoseconds
  }

  // MARK: The program's requests

  func take(_ request: RankEngine.Request) {
    self.request = request
    requestTime = MonotonicClock.nanoseconds
    transport.sequence = UInt32(truncatingIfNeeded: request.arrival.sequence)
    if case .compute(let plan, _, _) = request {
      do throws(MusterError) {
        var scheduler = try Scheduler.validated(plan)
        scheduler.start(at: .zero, into: &actions)
        engine.board?.begin(total: scheduler.taskCount)
        running = Running(plan: plan, scheduler: scheduler, start: requestTime)
        apply()
      } catch {
        // Every rank holds the same plan; rank 0 tells them all what is wrong with it.
        refusal = error
      }
    }
    // Those that wait already join together: the first would else be handed what the others have room for.
    admit(arrivals.keys.sorted())
  }

  private func admit(_ ranks: [Int]) {
    let joining = ranks.filter { admits($0) }
    guard running != nil, !joining.isEmpty else { return }
    handle(
      .workersJoined(
        joining.map { rank in
          let member = engine.world.members[rank]
          return WorkerOffer(worker: WorkerID(rank), slots: Int(member.threads), memoryLimit: member.memoryLimit)
        }))
  }

  /// Whether a rank has come to this collective and is new. Takes note of it, also where the rank is at another one.
  private func admits(_ rank: Int) -> Bool {
    guard let own = request?.arrival, let theirs = arrivals[rank], divergent == nil, !admitted.contains(rank) else {
      return false
    }
    guard theirs.agrees(with: own) else {
      divergent = (rank, theirs)
      transport.send(.callsWanted, to: rank)
      return false
    }
    admitted.insert(rank)
    return true
  }

  private var allAdmitted: Bool { admitted.count == engine.world.size - 1 }

  // MARK: Messages

  func receive(_ incoming: Transport.Incoming) {
    switch incoming {
    case .message(.arrive(let arrival), let source, _):
      arrivals[source] = arrival
      if firstArrival == nil { firstArrival = MonotonicClock.nanoseconds }
      admit([source])
    case .message(.calls(let traces), let source, _):
      endDiverged(rank: source, traces: traces)
    case .message(.rankDied(let rank), _, _):
      rankDied(rank)
    case .message(.terminated(let signal), let source, _):
      if terminatedWorker == nil {
        terminatedWorker = (source, signal, MonotonicClock.nanoseconds + 150_000_000)
      }
    case .message(let message, let source, let sequence):
      guard sequence == transport.sequence, running != nil else { return }
      receive(message, from: WorkerID(source))
    case .block(let message, let storages, _, let sequence):
      guard sequence == transport.sequence, running?.awaited.contains(message.task) == true else { return }
      take(message, storages)
    }
  }

  private func receive(_ message: Message, from worker: WorkerID) {
    switch message {
    case .finished(let task, let attempt, let bytes, let nanoseconds):
      handle(.finished(worker, task, attempt, bytes: bytes, nanoseconds: nanoseconds))
    case .failed(let task, let attempt, let error):
      if running?.taskError == nil { running?.taskError = error }
      handle(.failed(worker, task, attempt))
    case .retracted(let task, let attempt, let givenBack):
      handle(.retracted(worker, task, attempt, givenBack: givenBack))
    case .memory(let bytes):
      handle(.memory(worker, bytes: bytes))
    default:
      preconditionFailure("rank 0 got a message that isn't for it")
    }
  }

  // MARK: Scheduling

  private func handle(_ event: Event) {
    guard running != nil, running?.failure == nil else { return }
    let now = MonotonicClock.nanoseconds - running!.start
    running!.scheduler.handle(event, at: .nanoseconds(now), into: &actions)
    apply()
  }

  private func apply() {
    for action in actions {
      switch action {
      case .assign(let worker, let assignment): transport.send(.assign(assignment), to: Int(worker.number))
      case .retract(let worker, let task, let attempt):
        transport.send(.retract(task, attempt), to: Int(worker.number))
      case .release(let worker, let task): transport.send(.release(task), to: Int(worker.number))
      case .complete: complete()
      case .fail(let failure): running!.failure = running!.taskError ?? MusterError(failure, plan: running!.plan)
      }
    }
    actions.removeAll(keepingCapacity: true)
  }

  /// Every result is computed: fetches them from their holders, in runs.
  private func complete() {
    running!.isComplete = true
    var run: (first: TaskID, count: Int, holder: WorkerID)?
    for task in running!.plan.results where !running!.awaited.contains(task) {
      guard let holder = running!.scheduler.holders(of: task).first else {
        preconditionFailure("the result \(task) has no holder")
      }
      running!.awaited.insert(task)
      if let open = run, open.holder == holder, open.first.layer == task.layer,
        Int(open.first.index) + open.count == Int(task.index)
      {
        run!.count += 1
      } else {
        if let run { transport.send(.fetch(first: run.first, count: run.count), to: Int(run.holder.number)) }
        run = (task, 1, holder)
      }
    }
    if let run { transport.send(.fetch(first: run.first, count: run.count), to: Int(run.holder.number)) }
  }

  private func take(_ message: BlockMessage, _ storages: [BlockStorage]) {
    let layer = running!.plan.layers[Int(message.task.layer)]
    var decoder = BlockDecoder(header: message.header, storages: storages)
    do {
      let block = try layer.blockType.decode(from: &decoder)
      running!.results[message.task] = Arrived(block: block, header: message.header, storages: storages)
    } catch {
      running!.failure = MusterError(
        arrivalError: error, of: message.task, layer: layer,
        rank: Int(running!.scheduler.holders(of: message.task)[0].number))
    }
  }

  // MARK: Ending a collective

  /// Does what has become possible. Returns whether anything happened.
  func advance() -> Bool {
    let now = MonotonicClock.nanoseconds
    checkDeadline(now: now)
    if let terminatedWorker, now > terminatedWorker.deadline { endWithWorker() }
    updateBoard(now: now)
    tellTime(now: now)
    lookForStall(now: now)
    guard let request, allAdmitted, divergent == nil else { return false }
    switch request {
    case .rootValue(let outcome, _, let completion):
      guard var outcome else { preconditionFailure("rank 0 has the value") }
      // Of several ranks that failed, the lowest is heard.
      let errors = arrivals.sorted { $0.key < $1.key }.compactMap(\.value.error)
      if case .success = outcome, let error = errors.first { outcome = .failure(error) }
      switch outcome {
      case .success(let bytes): sendToAll(.outcome(.value(bytes)))
      case .failure(let error): sendToAll(.outcome(.failed(error)))
      }
      reset()
      completion(outcome)
      return true
    case .finish(_, let completion):
      sendToAll(.leave)
      transport.flush()
      finishCompletion = completion
      reset()
      hasLeft = true
      return true
    case .compute(_, _, let completion):
      return advanceCompute(completion)
    }
  }

  private func advanceCompute(_ completion: @Sendable (Result<[any Block], MusterError>) -> Void) -> Bool {
    if let failure = refusal ?? running?.failure {
      sendToAll(.outcome(.failed(failure)))
      reset()
      engine.board?.end()
      completion(.failure(failure))
      return true
    }
    if let result = broadcastResult {
      guard !transport.isBroadcasting else { return false }
      broadcastResult = nil
      reset()
      engine.board?.end()
      completion(.success(result))
      return true
    }
    guard let state = running, state.isComplete, state.results.count == state.awaited.count else { return false }
    let results = state.plan.results.map { state.results[$0]! }
    let manifest = ResultManifest.make(results.map { ($0.header, $0.storages) })
    sendToAll(.outcome(.computed(manifest: manifest.bytes)))
    transport.flush()
    transport.broadcast(manifest.parts)
    broadcastResult = results.map(\.block)
    return true
  }

  private func sendToAll(_ message: Message) {
    for rank in 1..<engine.world.size { transport.send(message, to: rank) }
  }

  private func reset() {
    // A worker that was quicker may have come to the next collective already.
    let done = request?.arrival.sequence ?? 0
    engine.coordination.collectiveEnded(transport.sequence)
    arrivals = arrivals.filter { $0.value.sequence > done }
    firstArrival = arrivals.isEmpty ? nil : MonotonicClock.nanoseconds
    request = nil
    admitted = []
    running = nil
    refusal = nil
  }

  func acknowledgeEnd() { finishCompletion?() }

  /// Has the scheduler look again at workers with nothing to do beside others with more than they can run.
  private func tellTime(now: Int) {
    guard running?.scheduler.isUneven == true, now >= nextLook else { return }
    nextLook = now + 5_000_000
    handle(.timePassed)
  }

  /// Has tasks that all wait for each other's doing fail.
  private func lookForStall(now: Int) {
    guard let running, now >= nextStallLook else { return }
    nextStallLook = now + 10_000_000
    engine.coordination.endStall(
      of: transport.sequence, begun: running.scheduler.progress().reduce(0) { $0 + $1.running })
  }

  private func updateBoard(now: Int) {
    guard let board = engine.board, let running, now >= nextBoardUpdate else { return }
    nextBoardUpdate = now + 50_000_000
    board.set(finished: running.scheduler.finishedCount)
  }

  // MARK: Ends that are no success

  private func checkDeadline(now: Int) {
    guard let deadline, !hasLeft, divergent == nil else { return }
    guard request != nil || firstArrival != nil, !(request != nil && allAdmitted) else { return }
    let since = [request != nil ? requestTime : nil, firstArrival].compactMap { $0 }.min() ?? now
    guard now - since > deadline else { return }
    let missing = (0..<engine.world.size).filter { $0 == 0 ? request == nil : arrivals[$0] == nil }
    let here = request?.arrival ?? arrivals.min { $0.key < $1.key }?.value
    let names = missing.map(String.init).joined(separator: ", ")
    endJob(
      "rank \(names) didn't come to \(here?.call ?? "the end of the session") within \(Duration.nanoseconds(deadline).text),"
        + " where the others wait. Every rank has to make the same calls; look for a branch that depends on the rank,"
        + " or raise MUSTER_PROGRESS_DEADLINE where the work between two calls takes longer")
  }

  private func endDiverged(rank: Int, traces: [CallTrace]) {
    guard let own = request?.arrival, let theirs = divergent?.arrival else { return }
    var text = "ranks 0 and \(rank) diverged: every rank has to make the same calls.\n"
    if let failure = theirs.failure, own.failure == nil {
      text += "  rank \(rank) left the session with the error: \(failure)\n"
      text += "  rank 0 is at \(own.call)\n"
    } else if let failure = own.failure, theirs.failure == nil {
      text += "  rank 0 left the session with the error: \(failure)\n"
      text += "  rank \(rank) is at \(theirs.call)\n"
    } else if let failure = own.failure, let other = theirs.failure, failure != other {
      text += "  rank 0 left the session with the error: \(failure)\n"
      text += "  rank \(rank) left the session with the error: \(other)\n"
    }
    if let difference = CallTrace.firstDifference(engine.calls(), traces) {
      text += "  the first call that differs is number \(difference.number + 1):\n"
      text += "  rank 0: \(difference.a ?? "no such call; it is at \(own.call)")\n"
      text += "  rank \(rank): \(difference.b ?? "no such call; it is at \(theirs.call)")"
    } else {
      text += "  the first call that differs is more than \(CallLog.capacity) calls ago; now\n"
      text += "  rank 0: \(own.call)\n  rank \(rank): \(theirs.call)"
    }
    endJob(text)
  }

  func rankDied(_ rank: Int) {
    endJob(
      "\(name(rank)) died \(doing(rank)). Look for its last message, and for the out-of-memory killer in the kernel's"
        + " log of its node")
  }

  func ranksSilent(_ ranks: [Int], time: String) {
    let shown = ranks.prefix(8).map { "\(name($0)) is silent, \(doing($0))" }.joined(separator: "; ")
    let more = ranks.count > 8 ? "; and \(ranks.count - 8) ranks more" : ""
    endJob(
      "nothing has come for \(time): \(shown)\(more). Look whether the node is down or the process is stopped; raise"
        + " MUSTER_HEARTBEAT_PATIENCE where it is only slow")
  }

  private func endWithWorker() {
    guard let (rank, signal, _) = terminatedWorker else { return }
    endJob("\(name(rank)) was ended by \(Signals.Termination(number: signal)) \(doing(rank))")
  }

  /// The launcher, or the batch system, ends the job.
  func terminated(by signal: Signals.Termination) {
    var text = "ended by \(signal) "
    if let running {
      text += "in \(request?.arrival.call ?? "a collective"). "
      let busy = admitted.sorted().filter { !running.scheduler.assigned(to: WorkerID($0)).isEmpty }
      text += busy.prefix(16).map { "Rank \($0) had \(tasks($0) ?? "none")" }.joined(separator: "; ")
      if busy.count > 16 { text += "; \(busy.count - 16) ranks more had tasks" }
      if busy.isEmpty { text += "No rank had a task" }
    } else if let request {
      text += "in \(request.arrival.call)"
    } else {
      text += "outside of any collective"
      if let last = engine.calls().last { text += ", after \(last.text)" }
    }
    tellOfTheEnd()
    StandardStreams.writeError("muster: \(text)\n")
    StandardStreams.flushLastOutput()
    _exit(128 + signal.number)
  }

  private func name(_ rank: Int) -> String { "rank \(rank) (node \(engine.world.nodeNames[rank]))" }

  /// What a rank was doing, for the end of a sentence.
  private func doing(_ rank: Int) -> String {
    guard let running, admitted.contains(rank) else { return "outside of any collective" }
    guard let tasks = tasks(rank) else { return "while it had no task" }
    let assigned = running.scheduler.assigned(to: WorkerID(rank))
    var text = "while it had the task\(assigned.count == 1 ? "" : "s") \(tasks)"
    if let site = assigned.first.flatMap({ running.plan.layers[Int($0.layer)].callSite }) {
      text += ", asked for at \(site)"
    }
    return text
  }

  /// The tasks that a rank has; nil where it has none.
  private func tasks(_ rank: Int) -> String? {
    guard let running else { return nil }
    let tasks = running.scheduler.assigned(to: WorkerID(rank))
    guard !tasks.isEmpty else { return nil }
    let names = tasks.prefix(4).map { "\(running.plan.layers[Int($0.layer)].tasks.name)[\($0.index)]" }
    return names.joined(separator: ", ") + (tasks.count > 4 ? " and \(tasks.count - 4) more" : "")
  }

  /// Ends the job with one message.
  private func endJob(_ message: String) -> Never {
    tellOfTheEnd()
    FatalEnd.end(message, comm: engine.world.comm)
  }

  /// The others hear that it is meant, so that none reports this rank as dead.
  private func tellOfTheEnd() {
    sendToAll(.ending)
    transport.settle()
  }
}
