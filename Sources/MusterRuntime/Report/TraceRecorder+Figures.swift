internal import MusterScheduling

extension TraceRecorder {
  /// The number of the operation that a task is of.
  func operation(of task: TaskID) -> Int {
    guard let totals else { return OperationNames.others }
    guard let name = layerName(of: task) else { return OperationNames.others }
    return totals.names.withLock { $0.number(of: name) }
  }

  /// The calling thread has nothing to do until `body` returns.
  func rests(_ body: () -> Void) {
    guard let totals else { return body() }
    withLane { $0.totals?.beginRest(at: MonotonicClock.nanoseconds) }
    body()
    withLane { $0.totals?.endRest(at: MonotonicClock.nanoseconds, lent: totals) }
  }

  /// MPI's thread runs tasks in the place of a thread that rests: for so long there was nothing to do before.
  func waitedWhileOthersRest(nanoseconds: Int) {
    guard let totals, nanoseconds > 0 else { return }
    totals.lentWaits.add(nanoseconds)
    withLane { $0.totals?.waited(nanoseconds) }
  }

  /// It has run them, in so many nanoseconds.
  func ranWhileOthersRest(nanoseconds: Int) { totals?.lentTasks.add(nanoseconds) }

  /// What this rank has done so far.
  ///
  /// - Parameter now: a time of the monotonic clock.
  package func figures(now: Int) -> RankFigures {
    guard let totals else { return RankFigures() }
    let names = totals.names.withLock { $0.names }
    let threads = lanes.compactMap(\.totals)
    let counts = totals.counts(
      since: start, now: now, rested: threads.reduce(0) { $0 + $1.rested(until: now) })
    let operations = threads.flatMap { $0.operations(named: names) } + totals.arrivals(named: names)
    return RankFigures(counts, operations: OperationTotals.merged(operations))
  }
}
