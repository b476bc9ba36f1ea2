internal import MusterScheduling

/// Collectives: every rank comes, and every rank gets the same.
extension RootRole {
  /// Takes note of a rank that has come to a collective, where rank 0 has come too.
  func admit(_ rank: Int) {
    guard let own = request?.arrival, let theirs = arrivals[rank], divergent == nil, !admitted.contains(rank) else {
      return
    }
    guard theirs.agrees(with: own) else {
      divergent = (rank, theirs)
      transport.send(.callsWanted, to: rank)
      return
    }
    admitted.insert(rank)
  }

  var allAdmitted: Bool { admitted.count == engine.world.size - 1 }

  /// Does what has become possible. Returns whether anything happened.
  func advance() -> Bool {
    checkDeadline()
    if let terminatedWorker, MonotonicClock.nanoseconds > terminatedWorker.deadline { endWithWorker() }
    updateBoard()
    tellTime()
    tellEnded()
    lookForStall()
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
    case .ask(let question, let arrival, let completion):
      if let error = arrival.error {
        sendToAll(.outcome(.failed(error)))
        reset()
        completion(.failure(error))
        return true
      }
      guard let answer = answer(to: question) else { return false }
      sendToAll(.outcome(.value(answer)))
      reset()
      completion(.success(answer))
      return true
    case .finish(_, let completion):
      guard mayLeave() else { return false }
      sendToAll(.leave)
      transport.flush()
      finishCompletion = completion
      reset()
      hasLeft = true
      return true
    case .compute(_, _, let completion), .gather(_, _, let completion):
      return advanceCompute(completion)
    case .submit, .release, .cancel, .endWatch, .count: preconditionFailure("not a collective")
    }
  }

  private func answer(to question: FutureQuestion) -> [UInt8]? {
    switch question {
    case .status(let tasks): return tasks.map { conductor.status(of: $0).rawValue }
    case .settled(let watch, let timeout):
      let isLate = timeout.map { MonotonicClock.nanoseconds - requestTime >= $0 } ?? false
      return conductor.takeSettled(of: watch.number) ?? (isLate ? [] : nil)
    }
  }

  private func advanceCompute(_ completion: @Sendable (Result<ComputedBlocks, MusterError>) -> Void) -> Bool {
    if let result = broadcastResult {
      guard !transport.isBroadcasting else { return false }
      broadcastResult = nil
      end()
      completion(.success(result))
      return true
    }
    guard let state = running else { return false }
    if let failure = state.failure {
      // Nothing that a failed collective began outlives it.
      guard state.isForgotten else { return false }
      sendToAll(.outcome(.failed(failure)))
      end()
      completion(.failure(failure))
      return true
    }
    guard state.isComplete, state.arrived.count == state.awaited.count else { return false }
    let results = state.results.map { state.arrived[$0]! }
    let manifest = ResultManifest.make(results.map(\.encoded))
    sendToAll(.outcome(.computed(manifest: manifest.bytes)))
    if let graph = state.graph { handle(.released(graph)) }
    transport.flush()
    transport.broadcast(manifest.parts)
    broadcastResult = ComputedBlocks(blocks: results.map(\.block), encoded: results.map(\.encoded))
    return true
  }

  private func end() {
    reset()
    engine.board?.end()
  }

  private func reset() {
    // A worker that was quicker may have come to the next collective already.
    let done = request?.arrival?.sequence ?? 0
    arrivals = arrivals.filter { $0.value.sequence > done }
    firstArrival = arrivals.isEmpty ? nil : MonotonicClock.nanoseconds
    engine.letGo(of: &request)
    admitted = []
    running = nil
  }

  func acknowledgeEnd() {
    finishCompletion?()
    conductor.retireAll()
    dropRetired()
  }
}
