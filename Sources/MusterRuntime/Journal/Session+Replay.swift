internal import MusterScheduling
internal import Synchronization

/// The part of a program that its earlier runs have done: what they got is taken from the journal.
extension Session {
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
      changedProgram: "the journal has another kind of result of \(call.text) than the program takes",
      callSite: call.callSite)
  }

  /// The program has come to the end of what its earlier runs have done: asks for what of it is still needed, and goes on
  /// by itself. Collective.
  func goOn(_ journal: SessionJournal) throws {
    try journal.readRest()
    let nextLedger = state.value.withLock { $0.nextLedger }
    let lost =
      journal.wasBegun
      ? try agree("look for what is kept") { journal.lostFiles(nextLedger: nextLedger) } : []
    if !lost.isEmpty {
      tellUser(
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

  /// Whether a request is put off, since earlier runs have done what it's for.
  func isPutOff(_ request: DeferredWork.Request, _ journal: SessionJournal? = nil) -> Bool {
    guard isReplaying.load(ordering: .relaxed) else { return false }
    let journal = journal ?? state.value.withLock { $0.journal }
    return journal?.putOff(request) ?? false
  }
}
