internal import MusterJournal
internal import MusterScheduling
internal import Synchronization

/// The connection of a program to the threads and ranks that compute for it.
///
/// Every rank runs the whole program and makes the same calls in the same order. Building a graph is local; `compute`
/// and the like are collective: they end when every rank has come to them, with the same result or error on each.
public final class Session: Sendable {
  struct State {
    var log = CallLog()
    /// Where the program's progress outlives it.
    var journal: SessionJournal?
    /// What the journal is to say of this run.
    var run: RunRecord?
    /// What calls from one place have in common, of those that came lately.
    var callKinds = PlaceTable<CallKind>()
    var functionKinds = PlaceTable<FunctionKind>()
    /// The number of the next collective. A second session of several ranks goes on counting: no message of the first
    /// can be mistaken for one of the second.
    var collectives = Session.rankCollectives.load(ordering: .relaxed)
    /// The numbers of the next graph and of its first layer.
    var nextGraph = 0
    var nextLayer = 0
    /// The number of the next loop over futures.
    var nextWatch = 0
    /// The number of the next ledger of pieces.
    var nextLedger = 0
    /// The collective that runs now.
    var current: Call?
    /// No collective begins any more.
    var isClosed = false
    /// What goes on when the running collective has ended: the end of the session.
    var afterCurrent: CheckedContinuation<Void, Never>?
  }

  private static let rankCollectives = Atomic<Int>(0)

  let state: SharedState
  let engine: any Engine
  private let board: ProgressBoard?
  private let reporter = Mutex<ProgressReporter?>(nil)
  /// What the program asks for is put off: earlier runs have done it.
  let isReplaying = Atomic(false)
  let hasJournal = Atomic(false)
  /// Of a session with a journal, on rank 0.
  let keptFiles = SharedKeptFiles()
  /// Collectives that have ended, and that the journal is about to have.
  let unrecordedResults = Atomic(0)
  /// How many graphs have been lowered. Its lock is held while a lowering has marks on nodes.
  let lowerings = Mutex(0)

  /// The call log lives apart from the session, for the engine, which is made first.
  final class SharedState: Sendable {
    let value = Mutex(State())
    var trace: [CallTrace] { value.withLock { $0.log.trace } }
  }

  init(engine: any Engine, state: SharedState, board: ProgressBoard?) {
    self.engine = engine
    self.state = state
    self.board = board
  }

  /// Has a reporter told of the end of each collective, from now on.
  func report(to reporter: ProgressReporter) { self.reporter.withLock { $0 = reporter } }

  /// This process's rank, from 0; 0 in a session of one process.
  public var rank: Int { engine.rank }
  /// The number of ranks; 1 in a session of one process.
  public var rankCount: Int { engine.rankCount }
  /// Whether this is rank 0, the one whose standard output is seen. Guards what must happen once.
  public var isRoot: Bool { engine.rank == 0 }
  /// The number of workers: the ranks but rank 0, or this process.
  public var workerCount: Int { engine.workerCount }
  /// The threads that run tasks, over all workers.
  public var threadCount: Int { engine.threadCount }

  var coordination: Coordination { engine.coordination }

  /// What has come to this rank from others; nothing in a session of one process.
  package var traffic: TrafficCounts { (engine as? RankEngine)?.traffic.counts ?? TrafficCounts() }

  /// Folds a call that builds a graph into the session's fingerprint: every rank has to make the same calls.
  ///
  /// - Returns: the number of the call, the same on every rank: later calls name by it what they build on.
  @discardableResult
  public func record(
    _ operation: String, shape: [Int] = [], elementType: String = "", detail: String = "", callSite: CallSite? = nil
  ) -> Int {
    record(Call(operation: operation, shape: shape, elementType: elementType, detail: detail, callSite: callSite))
  }

  @discardableResult
  func record(_ call: Call) -> Int {
    state.value.withLock { state in
      // A task runs on one rank: what it makes can't be computed, and isn't compared.
      if CurrentTask.current == nil { state.log.record(call) }
      return state.log.count - 1
    }
  }

  /// What calls of an operation from one place have in common.
  func kind(of operation: String, at place: SourcePlace) -> CallKind {
    state.value.withLock { state in
      state.callKinds.content(at: place, name: operation) {
        CallKind(operation: operation, callSite: place.callSite)
      }
    }
  }

  /// Records that a function is put off.
  ///
  /// - Returns: what it has in common with others that are put off there, and the number of the call.
  func recordFunction(
    _ name: String, yielding type: any FunctionBlock.Type, at place: SourcePlace, sources: CallSources, detail: String
  ) -> (kind: FunctionKind, number: Int) {
    state.value.withLock { state in
      let kind = state.functionKinds.content(at: place, name: name, type: ObjectIdentifier(type)) {
        FunctionKind(name: name, callSite: place.callSite, blockType: type)
      }
      var call = Call(kind.call, sources: sources)
      if !detail.isEmpty { call.detail = detail }
      if CurrentTask.current == nil { state.log.record(call) }
      return (kind, state.log.count - 1)
    }
  }

  /// Collective: runs a plan and returns the blocks of its results, in their order, the same on every rank.
  ///
  /// - Throws: `MusterError`, the same on every rank. An error that a task threw has `task` set: one of the user's own
  ///   has the code `taskFailed`.
  public func compute(
    _ plan: Plan, operation: String = "compute", callSite: CallSite? = nil
  ) async throws -> [any Block] {
    try await compute(plan, call: Call(operation: operation, callSite: callSite))
  }

  /// The same, with something that every rank does at its end, and that belongs to it: a journal has the collective, or
  /// its error, only when all have done it, and an error on any of them is the collective's.
  package func compute(
    _ plan: Plan, operation: String, callSite: CallSite?, finishing: @escaping @Sendable () throws -> Void
  ) async throws -> [any Block] {
    try await compute(plan, call: Call(operation: operation, callSite: callSite), finishing: finishing)
  }

  func compute(
    _ plan: Plan, call: Call, finishing: (@Sendable () throws -> Void)? = nil
  ) async throws -> [any Block] {
    var call = call
    // Task numbers mean the same on every rank only where the plans are the same.
    call.plan = plan.digest
    if let known = try replayedBlocks(of: call, running: plan) { return known }
    var ledger: UInt32?
    defer { if let ledger { withKeptFiles { $0.ended(ledger) } } }
    return try await blocks(of: call, finishing: finishing) { state, arrival, completion in
      var plan = plan
      if Self.keepsResults(of: plan) { (plan, ledger) = Self.keeping(plan, .collective, &state) }
      if let ledger { withKeptFiles { $0.began(ledger) } }
      engine.compute(Self.submission(of: plan, call, &state), arrival: arrival, completion: completion)
    }
  }

  /// Collective: waits for futures, each named by its task, and returns their blocks. A graph isn't needed for it.
  func gather(_ tasks: [TaskID], call: Call) async throws -> [any Block] {
    if let known = try replayedBlocks(of: call, waitingFor: tasks) { return known }
    return try await blocks(of: call) { _, arrival, completion in
      engine.gather(tasks, arrival: arrival, completion: completion)
    }
  }

  private func blocks(
    of call: Call, finishing: (@Sendable () throws -> Void)? = nil,
    _ begin: (inout State, Arrival, @escaping @Sendable (Result<ComputedBlocks, MusterError>) -> Void) -> Void
  ) async throws -> [any Block] {
    let wait = ProgramWait<Result<ComputedBlocks, MusterError>>()
    let leavesAtOnce = finishing == nil
    // The engine gets graphs in the order of their numbers.
    let pending = try state.value.withLock { state throws(MusterError) in
      try Self.enter(call, &state)
      board?.name(call.operation)
      let arrival = Self.arrival(.compute, call, &state)
      if let error = arrival.error, engine.rankCount == 1 {
        state.current = nil
        throw error
      }
      begin(&state, arrival) { result in
        // Whatever is called next comes after what is still to be done here.
        if leavesAtOnce && arrival.pending == nil { self.leave() }
        if arrival.pending != nil { self.unrecordedResults.add(1, ordering: .relaxed) }
        wait.give(result)
      }
      return arrival.pending
    }
    engine.runReady()
    var result = await wait.value(patience: engine.patience)
    defer { if pending != nil { unrecordedResults.subtract(1, ordering: .relaxed) } }
    if let finishing {
      let finished = onAllRanks("finish", finishing)
      if case .success = result, case .failure(let error) = finished { result = .failure(error) }
    }
    reporter.withLock { $0 }?.collectiveEnded(isComplete: (try? result.get()) != nil)
    guard let pending else {
      if !leavesAtOnce { leave() }
      return try result.get().blocks
    }
    defer { leave() }
    return try recorded(result, as: pending)
  }

  /// Begins to run a plan, whose results workers keep until they are released: no collective, it returns at once.
  ///
  /// - Returns: the graph's number and its results, as later plans name them.
  /// - Throws: `MusterError` with code `session`, after the session's end.
  func submit(
    _ plan: Plan, call: Call, urgency: Int16 = 0, isOfFutures: Bool = false, isCheckpointed: Bool = false
  ) throws(MusterError) -> (graph: GraphID, tasks: [TaskID], number: Int) {
    var call = call
    call.plan = plan.digest
    // The engine gets graphs in the order of their numbers.
    let submitted = try state.value.withLock { state throws(MusterError) in
      guard !state.isClosed else { throw Self.closed(call) }
      try Self.expectProgram(call)
      state.log.record(call)
      var (plan, ledger) = (plan, UInt32?.none)
      if isOfFutures || isCheckpointed {
        (plan, ledger) = Self.keeping(plan, isCheckpointed ? .checkpoint : .future, &state)
      }
      var submission = Self.submission(of: plan, call, &state)
      submission.urgency = urgency
      submission.isOfFutures = isOfFutures
      withKeptFiles { files in
        let kept = plan.keptLayers
        guard isCheckpointed || !kept.isEmpty else { return }
        files.submitted(
          submission.graph, layers: submission.layers,
          results: LiveCheckpoints.Results(
            count: plan.results.count, kept: isCheckpointed ? plan.keptPieces : [], passedOn: plan.passedLayers),
          ledger: isCheckpointed ? ledger : nil, kept: kept)
      }
      if !isPutOff(.submit(submission), state.journal) { engine.submit(submission) }
      return (submission.graph, submission.plan.results, state.log.count - 1)
    }
    trimPutOff()
    engine.runReady()
    return submitted
  }

  /// The program has no use for some kept blocks any more.
  func release(_ tasks: [TaskID], of graph: GraphID) {
    withKeptFiles { $0.released(tasks.count, of: graph) }
    if !isPutOff(.release(tasks, of: graph)) { engine.release(tasks, of: graph) }
  }

  /// On rank 0, with a journal.
  private func withKeptFiles(_ body: (inout KeptFiles) -> Void) {
    if isRoot && hasJournal.load(ordering: .relaxed) { keptFiles.value.withLock { body(&$0) } }
  }

  /// Some tasks aren't to be run any more.
  ///
  /// - Throws: `MusterError` with code `session`, in a task.
  func cancel(_ tasks: [TaskID], operation: String, callSite: CallSite?) throws(MusterError) {
    try Self.expectProgram(Call(operation: operation, detail: "", callSite: callSite))
    record(operation, detail: "\(tasks.count) tasks, \(tasks.digest)", callSite: callSite)
    if !isPutOff(.cancel(tasks)) { engine.cancel(tasks) }
  }

  /// Begins a loop over futures. Rank 0 hears of it with the first question.
  func watch(_ tasks: [TaskID]) -> FutureWatch {
    let number = state.value.withLock { state in
      defer { state.nextWatch += 1 }
      return state.nextWatch
    }
    return FutureWatch(number: number, tasks: tasks, session: self)
  }

  func endWatch(_ number: Int) { engine.endWatch(number) }

  /// What this rank keeps of graphs; for tests. Within the session only.
  package var graphCounts: GraphCounts { engine.graphCounts() }

  /// Collective: answers a question about futures, the same on every rank.
  func ask(_ question: FutureQuestion, operation: String, detail: String, callSite: CallSite?) async throws -> [UInt8] {
    let call = Call(operation: operation, detail: detail, callSite: callSite)
    if let known = try replayedValue(of: call) {
      if case .settled(let watch, _) = question { watch.hasTold(known) }
      return known
    }
    let arrival = try arrive(.question, call)
    defer { leave() }
    let wait = ProgramWait<Result<[UInt8], MusterError>>()
    engine.ask(question, arrival: arrival) { wait.give($0) }
    engine.runReady()
    let answer = await wait.value(patience: engine.patience)
    record(answer, as: arrival.pending)
    return try answer.get()
  }

  // MARK: Collectives

  func arrive(_ kind: Arrival.Kind, _ call: Call) throws -> Arrival {
    try state.value.withLock { state throws(MusterError) in
      try Self.enter(call, &state)
      return Self.arrival(kind, call, &state)
    }
  }

  private static func closed(_ call: Call) -> MusterError {
    MusterError(
      .session, "\(call.text) was called after the session's end", fix: "Call it within Session.run's closure",
      callSite: call.callSite)
  }

  /// A task runs on one rank, where a call that all have to make would wait for ever, or be another than theirs.
  private static func expectProgram(_ call: Call) throws(MusterError) {
    guard let task = CurrentTask.current else { return }
    throw MusterError(
      .session, "\(call.text) was called in a task (\(task.pointee.name)): only the program can",
      fix:
        "Have the task return what the call needs, and call it in the program. Locks, queues and the like are for tasks",
      callSite: call.callSite)
  }

  /// Gives a plan its numbers: the same on every rank, since every rank makes the same calls.
  static func submission(of plan: Plan, _ call: Call, _ state: inout State) -> Submission {
    let plan = plan.numbered(from: state.nextLayer)
    defer {
      state.nextGraph += 1
      state.nextLayer += plan.layers.count
    }
    return Submission(
      graph: GraphID(state.nextGraph), plan: plan, firstLayer: state.nextLayer, fingerprint: state.log.fingerprint,
      call: call)
  }

  static func enter(_ call: Call, _ state: inout State) throws(MusterError) {
    guard !state.isClosed else { throw closed(call) }
    try expectProgram(call)
    if let current = state.current {
      throw MusterError(
        .session, "\(call.text) was called while \(current.text) was running",
        fix: "Await one collective before the next, or compute several values with one call",
        callSite: call.callSite)
    }
    state.current = call
  }

  private static func arrival(
    _ kind: Arrival.Kind, _ call: Call, _ state: inout State, failure: String? = nil
  ) -> Arrival {
    state.log.record(call)
    var arrival = unrecordedArrival(kind, call, &state)
    arrival.failure = failure
    guard kind != .finish, let recorder = state.journal?.recorder else { return arrival }
    arrival.pending = recorder.pending(state.log)
    arrival.error = recorder.writer.failure
    return arrival
  }

  /// How this rank comes to a collective that is none of the program's.
  static func unrecordedArrival(_ kind: Arrival.Kind, _ call: Call, _ state: inout State) -> Arrival {
    defer { state.collectives += 1 }
    return Arrival(kind: kind, sequence: state.collectives, fingerprint: state.log.fingerprint, call: call)
  }

  func leave() {
    let next = state.value.withLock { state in
      state.current = nil
      return state.afterCurrent.take()
    }
    next?.resume()
  }

  /// Lets no collective begin any more, and waits for the one that runs: its tasks don't outlive the session, and on the
  /// other ranks it is still to come to its end.
  func closeForCollectives() async {
    await withCheckedContinuation { continuation in
      let isFree = state.value.withLock { state in
        state.isClosed = true
        if state.current != nil { state.afterCurrent = continuation }
        return state.current == nil
      }
      if isFree { continuation.resume() }
    }
    // Something left to do keeps the way back to the caller's actor: see `ProgramWait`.
    state.value.withLock { $0.afterCurrent = nil }
  }

  /// The last collective: every rank has come to the end of its program, with the same error or none. None may be running.
  func end(failure: (any Error)?) {
    let arrival = state.value.withLock { state in
      state.isClosed = true
      return Self.arrival(
        .finish, Call(operation: "the end of the session"), &state, failure: failure.map { "\($0)" })
    }
    engine.finish(arrival: arrival)
    if engine.rankCount > 1 { Self.rankCollectives.store(arrival.sequence + 1, ordering: .relaxed) }
  }
}
