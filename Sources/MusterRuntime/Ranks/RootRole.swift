internal import Glibc
internal import MusterScheduling

/// Rank 0's part: schedules, brings the ranks together at each collective, gathers results and gives them to all.
///
/// Not `Sendable`: used on the thread that makes the MPI calls.
final class RootRole {
  /// A result that has come, and what it came as.
  struct Arrived {
    var block: any Block
    var encoded: EncodedBlock
  }

  /// What the collective that the program is in computes, or gathers.
  struct Running {
    /// nil where it waits for futures, whose graphs are their own.
    var graph: GraphID?
    var results: [TaskID]
    var layers: Range<Int> = 0..<0
    /// Futures that haven't come to an end.
    var unsettled: Set<TaskID> = []
    /// The tasks that were to be run when it began.
    var total = 0
    /// The results that have come, and those still on their way.
    var arrived: [TaskID: Arrived] = [:]
    var awaited: Set<TaskID> = []
    var isComplete = false
    var failure: MusterError?
    /// None of its tasks runs any more.
    var isForgotten = false
  }

  /// A small block that came with the news of it.
  private struct Presented {
    var message: BlockMessage
    var storages: [BlockStorage]
  }

  let engine: RankEngine
  let transport: Transport
  let deadline: Int?
  private let start = MonotonicClock.nanoseconds
  var conductor = Conductor(assignsAhead: true)
  private var actions: [Action] = []
  /// Small blocks that came with the news of them, until they are released.
  private var presented = TaskMap<Presented>()
  /// With more it begins anew: what it hasn't got is fetched from who made it.
  private static let mostPresented = 4096
  private var nextBoardUpdate = 0
  private var nextLook = 0
  private var nextStallLook = 0
  /// When the workers are to be told of layers that have ended; 0 where there are none.
  private var endedDeadline = 0
  /// That is put off for so many layers, or so many nanoseconds: most layers are forgotten as soon.
  private static let (mostEnded, longestEnded) = (64, 10_000_000)
  /// How many tasks go on past their time limits, by rank.
  private var overdueCounts: [Int: Int] = [:]

  /// The collective that the program is in.
  var request: RankEngine.Request?
  var requestTime = 0
  /// Who has come to a collective, and when the first did.
  var arrivals: [Int: Arrival] = [:]
  var firstArrival: Int?
  /// Those whose history agrees with this rank's.
  var admitted: Set<Int> = []
  var running: Running?
  var broadcastResult: ComputedBlocks?
  var divergent: (rank: Int, arrival: Arrival)?
  var finishCompletion: (@Sendable () -> Void)?
  var hasLeft = false
  /// Whether the session may end, once all have come to its end.
  var mayLeave: () -> Bool = { true }
  /// When the program was last found to wait for what a task is to tell it; 0 for never.
  var programWaited = 0
  /// The session leaves before its work is done: what the scheduler hands out isn't sent any more.
  var stopsAssigning = false
  /// The collective's tasks have ended, and its results are on their way.
  var isFinishing: Bool { broadcastResult != nil || running?.isComplete == true }
  /// How long the longest task took that has ended, in nanoseconds.
  private(set) var longestTask = 0
  /// A worker that a signal ends, and until when to wait for the same signal here: a launcher sends it to all ranks.
  var terminatedWorker: (rank: Int, signal: Int32, deadline: Int)?

  init(engine: RankEngine, transport: Transport, deadline: Duration?) {
    self.engine = engine
    self.transport = transport
    self.deadline = deadline?.nanoseconds
    handle(
      .workersJoined(
        (1..<engine.world.size).map { rank in
          let member = engine.world.members[rank]
          return WorkerOffer(worker: WorkerID(rank), slots: Int(member.threads), memoryLimit: member.memoryLimit)
        }))
  }

  private var now: Int { MonotonicClock.nanoseconds - start }

  // MARK: The program's requests

  func take(_ request: RankEngine.Request) {
    switch request {
    case .submit(let submission):
      // What is wrong with it is for whoever asks for its results.
      try? add(submission)
    case .release(let tasks, let graph):
      for task in tasks { handle(.resultReleased(task, of: graph)) }
    case .cancel(let tasks):
      for task in tasks { handle(.cancelled(task)) }
      engine.coordination.tasksCancelled(tasks)
    case .compute(let submission, _, _):
      begin(request)
      // Before the graph is added: the end of an empty one comes at once.
      running = Running(
        graph: submission.graph, results: submission.plan.results, layers: submission.layers)
      do throws(MusterError) {
        if let error = request.arrival?.error { throw error }
        try add(submission)
        running?.total = conductor.scheduler.outstandingCount
        engine.board?.begin(total: running?.total ?? 0)
      } catch {
        // Every rank holds the same plan; rank 0 tells them all what is wrong with it.
        running?.failure = error
        running?.isForgotten = true
      }
    case .gather(let tasks, _, _):
      begin(request)
      gather(tasks)
    case .ask(let question, _, _):
      begin(request)
      if case .settled(let watch, _) = question { conductor.watch(watch) }
    case .endWatch(let number): conductor.endWatch(number)
    case .count(let completion): completion(conductor.counts)
    case .rootValue, .finish: begin(request)
    }
  }

  /// Waits for futures: first until they have come to an end, then for their blocks.
  private func gather(_ tasks: [TaskID]) {
    var new = Running(graph: nil, results: tasks)
    new.total = conductor.scheduler.outstandingCount
    new.unsettled = Set(tasks.filter { conductor.settlements[$0] == nil })
    running = new
    engine.board?.begin(total: new.total)
    if let error = request?.arrival?.error ?? conductor.firstError(of: tasks) {
      fail(error)
    } else if new.unsettled.isEmpty {
      complete()
      apply()
    }
  }

  /// The collective fails, as soon as nothing runs any more that is its own. What follows is left in `actions`.
  private func fail(_ error: MusterError) {
    running!.failure = error
    if let graph = running!.graph {
      conductor.handle(.released(graph), at: now, into: &actions)
    } else {
      running!.isForgotten = true
    }
  }

  private func begin(_ request: RankEngine.Request) {
    self.request = request
    requestTime = MonotonicClock.nanoseconds
    for rank in arrivals.keys.sorted() { admit(rank) }
  }

  private func add(_ submission: Submission) throws(MusterError) {
    sendToAll(.graph(number: submission.graph.number, fingerprint: submission.fingerprint))
    do throws(MusterError) {
      try conductor.add(submission, at: now, into: &actions)
    } catch {
      apply()
      throw error
    }
    apply()
  }

  // MARK: Messages

  func receive(_ incoming: Transport.Incoming) {
    switch incoming {
    case .message(let message, let source): receive(message, from: source)
    case .block(let message, let storages, _):
      if running?.awaited.contains(message.task) == true {
        take(message, storages)
        apply()
      } else if conductor.layers[message.task.layer] != nil {
        if presented.count >= Self.mostPresented { presented.removeAll() }
        presented[message.task] = Presented(message: message, storages: storages)
      }
    }
  }

  private func receive(_ message: Message, from source: Int) {
    let worker = WorkerID(source)
    switch message {
    case .finished(let task, let attempt, let bytes, let nanoseconds):
      longestTask = max(longestTask, nanoseconds)
      handle(.finished(worker, task, attempt, bytes: bytes, nanoseconds: nanoseconds))
    case .failed(let task, let attempt, let error):
      conductor.failed(worker, task, attempt, error, at: now, into: &actions)
      apply()
    case .retracted(let task, let attempt, let givenBack):
      handle(.retracted(worker, task, attempt, givenBack: givenBack))
    case .memory(let bytes):
      handle(.memory(worker, bytes: bytes))
    case .slots(let offer):
      overdueCounts[source] = offer.overdue > 0 ? offer.overdue : nil
      handle(.slots(worker, offer.slots, waiting: offer.waiting))
    case .arrive(let arrival):
      arrivals[source] = arrival
      if firstArrival == nil { firstArrival = MonotonicClock.nanoseconds }
      admit(source)
    case .calls(let traces):
      endDiverged(rank: source, traces: traces)
    case .diverged(let call, let traces):
      endDiverged(rank: source, at: call, traces: traces)
    case .refused(let task, let error):
      guard let running, running.failure == nil, running.awaited.contains(task) else { break }
      fail(error)
      apply()
    case .rankDied(let rank):
      rankDied(rank)
    case .terminated(let signal):
      if terminatedWorker == nil {
        terminatedWorker = (source, signal, MonotonicClock.nanoseconds + 150_000_000)
      }
    default:
      preconditionFailure("rank 0 got a message that isn't for it")
    }
  }

  // MARK: Scheduling

  func handle(_ event: Event) {
    conductor.handle(event, at: now, into: &actions)
    apply()
  }

  private func apply() {
    // What is done may lead to more: it comes at the end of the list.
    var next = 0
    while next < actions.count {
      let action = actions[next]
      next += 1
      switch action {
      case .assign(let worker, let assignment): send(assignment, to: Int(worker.number))
      case .retract(let worker, let task, let attempt):
        transport.send(.retract(task, attempt), to: Int(worker.number))
      case .release(let worker, let task):
        presented.removeValue(forKey: task)
        transport.send(.release(task), to: Int(worker.number))
      case .complete(let graph):
        if running?.graph == graph { complete() }
      case .fail(let graph, let failure):
        guard running?.graph == graph else { break }
        running?.failure = conductor.error(failure)
        engine.coordination.graphFailed(running!.layers)
        conductor.handle(.released(graph), at: now, into: &actions)
      case .forget(let graph, let layers):
        if running?.graph == graph { running?.isForgotten = true }
        engine.coordination.forget(layers)
        sendToAll(.forget(layers: layers))
      case .resultReady(_, let task):
        guard running?.unsettled.remove(task) != nil, running!.unsettled.isEmpty, running!.failure == nil else { break }
        complete()
      case .resultFailed(_, let task, let failure):
        guard running?.unsettled.contains(task) == true, running!.failure == nil else { break }
        fail(conductor.error(failure))
      }
    }
    actions.removeAll(keepingCapacity: true)
    let abandoned = conductor.takeAbandoned()
    if !abandoned.isEmpty { engine.coordination.tasksCancelled(abandoned) }
  }

  /// Hands a worker a task, with those of its inputs that are here: it needn't ask another worker for them.
  private func send(_ assignment: Assignment, to worker: Int) {
    guard !stopsAssigning else { return }
    guard !presented.isEmpty, !assignment.sources.isEmpty else {
      return transport.send(.assign(assignment), to: worker)
    }
    var assignment = assignment
    let sources = assignment.sources
    assignment.sources.removeAll(keepingCapacity: true)
    var attached: [BlockMessage] = []
    for source in sources {
      for task in source.tasks {
        let block = presented[task]
        // Also where it went with another task: that may have been taken back before it came.
        if let block { attached.append(block.message) }
        assignment.sources.add(
          task, heldBy: source.holder, isAttached: block != nil, isComing: block == nil && source.isComing)
      }
    }
    transport.send(.assign(assignment), to: worker)
    for message in attached { transport.forward(message, to: worker) }
  }

  /// Every result is computed: fetches them from their holders, in runs.
  private func complete() {
    running!.isComplete = true
    var run: (first: TaskID, count: Int, holder: WorkerID)?
    for task in running?.results ?? [] where running?.awaited.contains(task) == false {
      guard let holder = conductor.scheduler.holders(of: task).first else {
        preconditionFailure("the result \(task) has no holder")
      }
      running!.awaited.insert(task)
      if let early = presented[task] {
        take(early.message, early.storages)
        continue
      }
      if let open = run, open.holder == holder, open.first.layer == task.layer,
        Int(open.first.index) + open.count == Int(task.index)
      {
        run!.count += 1
      } else {
        if let run {
          transport.send(.fetch(first: run.first, count: run.count, isComing: false), to: Int(run.holder.number))
        }
        run = (task, 1, holder)
      }
    }
    if let run {
      transport.send(.fetch(first: run.first, count: run.count, isComing: false), to: Int(run.holder.number))
    }
  }

  /// A result has come. What follows, where it can't be read, is left in `actions`.
  private func take(_ message: BlockMessage, _ storages: [BlockStorage]) {
    guard let layer = conductor.layers[message.task.layer]?.layer else { return }
    var decoder = BlockDecoder(header: message.header, storages: storages)
    do {
      let block = try layer.blockType.decode(from: &decoder)
      running!.arrived[message.task] = Arrived(
        block: block, encoded: EncodedBlock(header: message.header, storages: storages))
    } catch {
      let holder = conductor.scheduler.holders(of: message.task).first
      fail(MusterError(arrivalError: error, of: message.task, layer: layer, rank: holder.map { Int($0.number) } ?? 0))
    }
  }

  /// Has the scheduler look again at workers with nothing to do beside others with more than they can run.
  func tellTime() {
    let now = MonotonicClock.nanoseconds
    guard now >= nextLook, conductor.scheduler.isUneven else { return }
    nextLook = now + 5_000_000
    handle(.timePassed)
  }

  /// Has what the functions of layers hold that have ended go, on another thread.
  func dropRetired() { if conductor.hasRetired { engine.disposal.drop(conductor.takeRetired()) } }

  /// Has the workers drop what layers' functions hold whose tasks have ended.
  func tellEnded() {
    guard conductor.endedCount > 0 else { return }
    if conductor.endedCount < Self.mostEnded {
      let now = MonotonicClock.nanoseconds
      if endedDeadline == 0 { endedDeadline = now + Self.longestEnded }
      guard now >= endedDeadline else { return }
    }
    endedDeadline = 0
    for layers in conductor.takeEnded() { sendToAll(.ended(layers: layers)) }
  }

  /// Has the program, and tasks, fail that wait while nobody is left to wake them. While the program doesn't wait itself
  /// it may submit a task that does.
  func lookForStall() {
    let now = MonotonicClock.nanoseconds
    guard now >= nextStallLook else { return }
    nextStallLook = now + 10_000_000
    engine.coordination.endStall(
      programWaits: programAwaitsTasks, begun: begunCount,
      hasOthers: conductor.scheduler.outstandingCount > begunCount || !overdueCounts.isEmpty)
  }

  /// Whether the program waits for what tasks are to do. Where it waits only until all ranks have come, or for a time, it
  /// may go on to do what tasks wait for.
  private var programAwaitsTasks: Bool {
    switch request {
    case .compute, .gather: running.map { !$0.isComplete && !$0.isForgotten } ?? false
    case .ask(.settled(let watch, timeout: nil), _, _): !conductor.hasSettled(of: watch.number)
    default: false
    }
  }

  /// The tasks that have begun, or will before one of them ends: what a worker has been assigned beyond what its spare
  /// threads can take doesn't begin while all of those wait.
  private var begunCount: Int {
    (1..<engine.world.size).reduce(0) { count, rank in
      count
        + min(
          conductor.scheduler.startableCount(on: WorkerID(rank)),
          max(0, Int(engine.world.members[rank].threads) + SparePlaces.limit - overdueCounts[rank, default: 0]))
    }
  }

  func updateBoard() {
    let now = MonotonicClock.nanoseconds
    guard let board = engine.board, let running, now >= nextBoardUpdate else { return }
    nextBoardUpdate = now + 50_000_000
    board.set(finished: max(0, running.total - conductor.scheduler.outstandingCount))
  }

  func sendToAll(_ message: Message) {
    for rank in 1..<engine.world.size { transport.send(message, to: rank) }
  }
}
