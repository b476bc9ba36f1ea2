internal import Glibc
internal import MusterJournal
internal import MusterScheduling
internal import Synchronization

/// What a session has to do with its journal.
extension Session {
  /// Opens the journal, where one is wanted, on every rank. Collective.
  ///
  /// - Throws: `MusterError`, the same on every rank: see `JournalFile.open`.
  func openJournal(_ configuration: SessionConfiguration, _ environment: [String: String]) throws {
    // A setting in the environment may have reached rank 0 alone.
    if rankCount == 1 && configuration.journal == nil { return }
    var file: JournalFile?
    // Not by its name: on another day it may be called otherwise.
    let found: JournalFile.Opening? = try onRoot("open the journal") {
      guard let name = configuration.journal else { return nil }
      let opened = try JournalFile.open(name, start: configuration.journalStart ?? .resume)
      file = opened
      return opened.opening
    }
    guard let opening = found else { return }
    var journal: SessionJournal?
    let keeper = BlockKeeper(folder: JournalFile.blocksPath(of: opening.path), rank: rank) { [weak self] in
      self?.tell($0)
    }
    let recorder = file.map {
      JournalRecorder(
        $0, output: OutputKeeper(path: JournalFile.outputPath(of: opening.path)), drops: drops, keeper: keeper)
    }
    // Where it can't be read on some rank nothing is added to it, and others may have it.
    defer { if journal == nil { recorder?.writer.close() } }
    try onEachRank("read the journal") {
      do throws(JournalFault) {
        journal = SessionJournal(
          opening, past: try JournalPast(opening), recorder: recorder, keeper: keeper, drops: drops)
      } catch { throw MusterError(error, path: opening.path) }
    }
    guard let journal else { return }
    if let remark = file?.remark, !remark.isEmpty { StandardStreams.writeError(remark) }
    try beginReplay(journal, opening, configuration, environment)
  }

  private func beginReplay(
    _ journal: SessionJournal, _ opening: JournalFile.Opening, _ configuration: SessionConfiguration,
    _ environment: [String: String]
  ) throws {
    let run = RunRecord(
      time: JournalRecorder.time, host: Self.hostName, process: UInt32(getpid()),
      job: environment["SLURM_JOB_ID"] ?? environment["PBS_JOBID"] ?? "", ranks: UInt32(rankCount))
    state.value.withLock { state in
      state.journal = journal
      state.run = run
    }
    if journal.recorder != nil, let engine = engine as? RankEngine {
      engine.takeNotes { [weak self] bytes in
        guard case .pieces(let pieces)? = try? JournalRecord(kind: JournalRecord.Kind.pieces.rawValue, head: bytes[...])
        else { preconditionFailure("a note for the journal can't be read") }
        self?.add(pieces)
      }
    }
    DrainSignal.watch(configuration.drainSignals(onRanks: rankCount > 1))
    engine.drains(
      by: DrainPlan(
        jobEnd: configuration.deadline.map { DrainPlan.monotonic($0) },
        isBusy: { [weak self] in self.map { $0.unrecordedResults.load(ordering: .relaxed) > 0 } ?? false },
        flush: { journal.flushPieces() },
        leave: { journal.leave(because: $0) }))
    hasJournal.store(true, ordering: .relaxed)
    isReplaying.store(true, ordering: .relaxed)
    if opening.isEnded {
      tell(
        "the program has ended already, as its journal '\(journal.path)' says: nothing is computed again."
          + " Set MUSTER_JOURNAL_START=anew to begin from the start")
    } else if opening.callCount > 0 {
      tell("goes on after \(opening.callCount) calls that the journal '\(journal.path)' has")
    }
    guard !journal.isPast else { return try goOn(journal) }
    _ = try agree("print nothing again") {
      try journal.holdOutput()
      return true
    }
  }

  private func tell(_ text: String) {
    if isRoot { StandardStreams.writeError("muster: \(text)\n") }
  }

  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // MARK: Replay

  /// What an earlier run got of a collective; nil where it is to be made now. From the last one on that the journal has,
  /// the program goes on by itself.
  private func replayed(
    _ call: Call, _ types: (inout State) -> [(any Block.Type)?] = { _ in [] }
  ) throws -> (replay: SessionJournal.Replay, types: [(any Block.Type)?])? {
    guard isReplaying.load(ordering: .relaxed) else { return nil }
    let (journal, found) = try state.value.withLock { state throws(MusterError) in
      try Self.enter(call, &state)
      state.log.record(call)
      guard let journal = state.journal else { throw MusterError(.internal, "a replay without a journal") }
      do throws(MusterError) {
        return (journal, (replay: try journal.replay(state.log), types: types(&state)))
      } catch {
        state.current = nil
        throw error
      }
    }
    defer { leave() }
    if journal.isPast { try goOn(journal) }
    return found
  }

  /// The value of a question, or of what rank 0 alone does.
  func replayedValue(of call: Call) throws -> [UInt8]? {
    switch try replayed(call)?.replay {
    case nil: return nil
    case .value(let bytes): return bytes
    case .failure(let error): throw error
    case .blocks: throw Self.unexpected(call)
    }
  }

  /// The blocks of a graph's results.
  func replayedBlocks(of call: Call, running plan: Plan) throws -> [any Block]? {
    try decoded(
      replayed(call) { state in
        // The numbers of later graphs and layers are what they would be.
        let submission = Self.submission(of: plan, call, &state)
        if Self.keepsResults(of: plan) {
          state.journal?.forgetPieces(of: UInt32(state.nextLedger))
          state.nextLedger += 1
        }
        return submission.plan.results.map { task in
          submission.layers.contains(Int(task.layer))
            ? submission.plan.layers[Int(task.layer) - submission.firstLayer].blockType
            : state.journal?.blockType(of: task.layer)
        }
      }, call)
  }

  /// The blocks of futures.
  func replayedBlocks(of call: Call, waitingFor tasks: [TaskID]) throws -> [any Block]? {
    try decoded(replayed(call) { state in tasks.map { state.journal?.blockType(of: $0.layer) } }, call)
  }

  private func decoded(
    _ found: (replay: SessionJournal.Replay, types: [(any Block.Type)?])?, _ call: Call
  ) throws -> [any Block]? {
    switch found?.replay {
    case nil: return nil
    case .failure(let error): throw error
    case .value: throw Self.unexpected(call)
    case .blocks(let parts):
      let types = found?.types ?? []
      guard parts.count == types.count else { throw Self.unexpected(call) }
      return try zip(parts, types).map { part, type in
        guard let type else { throw Self.unexpected(call) }
        var decoder = BlockDecoder(header: part.header, storages: part.storages)
        return try type.decode(from: &decoder)
      }
    }
  }

  private static func unexpected(_ call: Call) -> MusterError {
    MusterError(
      .changedProgram, "the journal has another kind of result of \(call.text) than the program takes",
      fix: "Run the program as it was, or discard what the journal holds with MUSTER_JOURNAL_START=anew",
      callSite: call.callSite)
  }

  /// The program has come to the end of what its earlier runs have done: asks for what of it is still needed, and goes on
  /// by itself. Collective.
  private func goOn(_ journal: SessionJournal) throws {
    try journal.readRest()
    let lost = journal.hasPieces ? try agree("look for what is kept") { journal.lostFiles() } : []
    if !lost.isEmpty {
      tell(
        "warning: of what is kept in '\(journal.keeper.folder)' \(lost.count) file\(lost.count == 1 ? "" : "s") can't be"
          + " found any more: what was in them is computed again")
      journal.forgetPieces(in: lost)
    }
    let needed = journal.hasSubmissions ? try agree("go on after the journal") { journal.neededGraphs() } : []
    while true {
      let requests = journal.takeRequests(ofGraphs: needed)
      if requests.isEmpty && journal.isLive { break }
      for request in requests {
        switch request {
        case .submit(let submission): engine.submit(submission)
        case .release(let tasks, let graph): engine.release(tasks, of: graph)
        case .cancel(let tasks): engine.cancel(tasks)
        }
      }
    }
    isReplaying.store(false, ordering: .relaxed)
    let (run, count) = state.value.withLock { ($0.run, $0.log.count) }
    _ = try agree("print on") {
      if let run { try journal.begin(run, callCount: count) }
      return true
    }
  }

  /// Drops what isn't needed of what was put off, where that is much. Collective: every rank comes to it at the same call.
  func trimPutOff() {
    guard isReplaying.load(ordering: .relaxed), let journal = state.value.withLock({ $0.journal }), journal.isTrimDue
    else { return }
    // What rank 0 can't say only takes memory.
    guard let needed = try? agree("drop what isn't needed", { journal.neededGraphs() }) else { return }
    journal.trim(toGraphs: needed)
  }

  /// Collective, outside of the record of calls: gives every rank what `body` returns on rank 0.
  package func agree<T: Codable & Sendable>(_ operation: String, _ body: () throws -> T) throws -> T {
    let arrival = state.value.withLock { Self.unrecordedArrival(.rootValue, Call(operation: operation), &$0) }
    guard isRoot else { return try Self.decode(try engine.shareFromRoot(nil, arrival: arrival).get()) }
    let outcome = Self.wrapErrors(of: operation, callSite: nil, body)
    guard engine.rankCount > 1 else { return try outcome.get() }
    let encoded = outcome.flatMap { value in
      Result { try JSON.encode(value) }.mapError { MusterError(.internal, "\(operation): \($0)") }
    }
    _ = try engine.shareFromRoot(encoded, arrival: arrival).get()
    return try outcome.get()
  }

  /// Collective, outside of the record of calls: what went wrong on the lowest rank on which something did.
  func onAllRanks(_ operation: String, _ body: () throws -> Void) -> Result<Void, MusterError> {
    let outcome = Self.wrapErrors(of: operation, callSite: nil, body)
    guard engine.rankCount > 1 else { return outcome }
    var arrival = state.value.withLock { Self.unrecordedArrival(.rootValue, Call(operation: operation), &$0) }
    if case .failure(let error) = outcome { arrival.error = error }
    return engine.shareFromRoot(isRoot ? outcome.map { [] } : nil, arrival: arrival).map { _ in }
  }

  /// Whether a request is put off, since earlier runs have done what it's for.
  func isPutOff(_ request: DeferredWork.Request, _ journal: SessionJournal? = nil) -> Bool {
    guard isReplaying.load(ordering: .relaxed) else { return false }
    let journal = journal ?? state.value.withLock { $0.journal }
    return journal?.putOff(request) ?? false
  }

  // MARK: Recording

  /// Adds a value, or the error in its place, to the journal.
  func record(_ result: Result<[UInt8], MusterError>, as pending: JournalRecorder.Pending?) {
    guard let pending, let recorder = state.value.withLock({ $0.journal?.recorder }) else { return }
    switch result {
    case .success(let bytes): recorder.record(pending, value: bytes)
    case .failure(let error): recorder.record(pending, error)
    }
  }

  /// Adds the results of a collective to the journal, and returns them.
  ///
  /// - Throws: the collective's error, or that a value of it can't be encoded.
  func recorded(
    _ result: Result<ComputedBlocks, MusterError>, as pending: JournalRecorder.Pending
  ) throws -> [any Block] {
    guard let recorder = state.value.withLock({ $0.journal?.recorder }) else { return try result.get().blocks }
    switch result {
    case .failure(let error):
      recorder.record(pending, error)
      throw error
    case .success(let computed):
      if let encoded = computed.encoded {
        recorder.record(pending, encoded)
      } else {
        try recorder.record(pending, computed.blocks)
      }
      return computed.blocks
    }
  }

  // MARK: The end

  /// The program has come to the end of its session: so says the journal from now on. Collective.
  ///
  /// - Throws: `MusterError`, the same on every rank, where the journal can't be written.
  func endJournal() throws {
    guard let journal = state.value.withLock({ $0.journal }) else { return }
    DrainSignal.unwatch()
    guard !isReplaying.load(ordering: .relaxed) else {
      journal.recorder?.output.end()
      journal.recorder?.writer.close()
      if !journal.isEnded { throw try endedEarly(journal) }
      return
    }
    _ = try agree("end the journal") {
      guard let recorder = journal.recorder else { return true }
      defer {
        recorder.output.end()
        recorder.writer.close()
      }
      if let failure = recorder.writer.failure { throw failure }
      // No other run will.
      recorder.output.passOnAndTell()
      recorder.writer.append(
        .end(EndRecord(time: JournalRecorder.time, outputLength: recorder.output.length())))
      try recorder.writer.sync()
      journal.finish()
      return true
    }
    journal.keeper.close()
  }

  /// Whether what a collective computes is kept result by result: of a single one nothing is there before the end, and what
  /// is run for its effect has none.
  static func keepsResults(of plan: Plan) -> Bool {
    plan.results.count > 1 && !plan.isKeptElsewhere
      && !plan.layers.contains { $0.tasks.count > 0 && $0.blockType == EmptyBlock.self }
  }

  /// A plan whose results are kept beside the journal, where there is one. Every rank has to make the same calls.
  static func keeping(
    _ plan: Plan, _ way: KeptResults.Way, _ state: inout State
  ) -> (plan: Plan, ledger: UInt32?) {
    guard let journal = state.journal else { return (plan, nil) }
    defer { state.nextLedger += 1 }
    let results = KeptResults(
      ledger: state.nextLedger, total: plan.results.count, way, journal: journal, keeper: journal.keeper)
    return (plan.keeping(results), results.ledger)
  }

  private func endedEarly(_ journal: SessionJournal) throws -> MusterError {
    MusterError(
      .changedProgram,
      "the program isn't the one that began the journal '\(journal.path)': it has come to its end, and had made further"
        + " calls then",
      fix: "Run the program as it was, or discard what the journal holds with MUSTER_JOURNAL_START=anew")
  }

  /// The session ends with an error: what is in the journal stays for the next run.
  func abandonJournal() {
    if hasJournal.load(ordering: .relaxed) { DrainSignal.unwatch() }
    guard let journal = state.value.withLock({ $0.journal }) else { return }
    journal.keeper.flush()
    journal.keeper.close()
    journal.recorder?.output.end()
    journal.recorder?.writer.close()
  }
}
