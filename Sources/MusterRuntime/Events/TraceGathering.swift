/// The events of a session's ranks on their way to rank 0, on the thread that makes the MPI calls: carries out what the
/// collector asks for, and answers on the other ranks. With a report, what it adds up comes the same way, and before.
///
/// Not `Sendable`: used on that thread only.
final class TraceGathering {
  private let recorder: TraceRecorder
  private let transport: Transport
  private var collector: TraceCollector?
  private var actions: [TraceCollector.Action] = []
  /// On rank 0, at the end: the ranks whose figures for the report are still to come.
  private var figuresAwaited: Set<Int>?
  private let rankCount: Int
  private let isRoot: Bool

  /// nil where nothing is traced or reported.
  init?(engine: RankEngine, transport: Transport) {
    guard let recorder = engine.events else { return nil }
    self.recorder = recorder
    self.transport = transport
    rankCount = engine.rankCount
    isRoot = engine.rank == 0
    if isRoot && recorder.traces {
      collector = TraceCollector(nodes: engine.world.members.map { Int($0.node) })
      collector!.begin(now: MonotonicClock.nanoseconds, into: &actions)
      carryOut()
    }
  }

  /// On rank 0, where all have come to the session's end: whether their events are here. Asks for them where they aren't.
  func isComplete() -> Bool {
    if recorder.totals != nil {
      if figuresAwaited == nil { askForFigures() }
      // What the trace takes isn't to count as waiting.
      guard figuresAwaited!.isEmpty else { return false }
    }
    collector?.gather(now: MonotonicClock.nanoseconds, into: &actions)
    carryOut()
    return collector?.isDone ?? true
  }

  /// All at once: each rank's time goes on until it is asked.
  private func askForFigures() {
    figuresAwaited = Set(1..<rankCount)
    recorder.noteEnd(at: MonotonicClock.nanoseconds)
    for rank in 1..<rankCount { transport.send(.trace(.figuresWanted), to: rank) }
    transport.flush()
  }

  /// Gives rank 0 this rank's figures, unasked: the session leaves before its end.
  func tellFigures() {
    guard recorder.totals != nil else { return }
    transport.send(.trace(.figures(recorder.figures(now: MonotonicClock.nanoseconds))), to: 0)
  }

  func receive(_ message: TraceMessage, from source: Int) {
    let now = MonotonicClock.nanoseconds
    if case .figures(let figures) = message {
      recorder.add(figures)
      figuresAwaited?.remove(source)
      return
    }
    guard isRoot else {
      recorder.answer(message, now: now) { transport.send(.trace($0), to: source) }
      // A clock is worth the less the longer the answer takes.
      transport.flush()
      return
    }
    collector?.receive(message, from: source, now: now, into: &actions)
    carryOut()
  }

  private func carryOut() {
    guard !actions.isEmpty else { return }
    for action in actions {
      switch action {
      case .send(let message, let rank):
        transport.send(.trace(message), to: rank)
        transport.flush()
      case .lane(let lane, let rank): recorder.write { $0.append(lane, rank: rank) }
      case .events(let events): recorder.write { [layers = recorder.layerNames] in $0.append(events, layers) }
      case .rankDone(let rank, let uncertainty): recorder.write { $0.finish(rank: rank, uncertainty: uncertainty) }
      }
    }
    actions.removeAll(keepingCapacity: true)
  }
}
