internal import MusterScheduling

/// The ends of collectives.
extension LocalWorker {
  func futureReady(_ task: TaskID) {
    guard waiting[Self.gathering]?.unsettled.remove(task) != nil, waiting[Self.gathering]!.unsettled.isEmpty else {
      return
    }
    complete(Self.gathering)
  }

  func futureFailed(_ task: TaskID, _ failure: SchedulingFailure) {
    guard let gathering = waiting[Self.gathering], gathering.unsettled.contains(task) else { return }
    end(Self.gathering, gathering, .failure(conductor.error(failure)))
  }

  func complete(_ graph: GraphID) {
    guard let ended = waiting[graph], ended.failure == nil else { return }
    let blocks = ended.results.compactMap { store.block(of: $0) }
    guard blocks.count == ended.results.count else { return awaitResults(of: graph, ended.results) }
    end(graph, ended, .success(ComputedBlocks(blocks: blocks)))
    release(graph)
  }

  /// What a collective computed isn't needed any more.
  func release(_ graph: GraphID) {
    if graph != Self.gathering { conductor.handle(.released(graph), at: now, into: &actions) }
  }

  func end(_ graph: GraphID, _ ended: Waiting, _ result: Result<ComputedBlocks, MusterError>) {
    waiting[graph] = nil
    board?.end()
    boardTotal = 0
    calls.append { ended.completion(result) }
  }
}
