internal import MusterScheduling
internal import Synchronization

/// Leaving before the work is done: rank 0 decides, and leaves when the others have nothing left to say.
struct RankDrain {
  private var state: DrainState
  private let plan: DrainPlan
  private let engine: RankEngine
  private let transport: Transport
  private let tracing: TraceGathering?
  /// On the other ranks: what rank 0 has been told.
  private var toldReason: DrainState.Reason?
  private var isStopped = false
  private var hasSaidDone = false
  /// What tasks have written is being made lasting.
  private var flushing: Flag?
  /// On rank 0: a signal that another rank got, and those that have nothing left to do.
  private var wanted: DrainState.Reason?
  private var done: Set<Int> = []

  init(_ plan: DrainPlan, engine: RankEngine, transport: Transport, tracing: TraceGathering?) {
    self.plan = plan
    self.engine = engine
    self.transport = transport
    self.tracing = tracing
    state = DrainState(jobEnd: plan.jobEnd)
  }

  private var isRoot: Bool { engine.rank == 0 }

  /// What has come to this process: the signal to drain upon, or SIGTERM.
  private var ownReason: DrainState.Reason? {
    if Signals.pendingTermination != nil { return .termination }
    return DrainSignal.reason
  }

  /// On rank 0: looks what is due.
  mutating func look(_ root: RootRole, now: Int) {
    let own = ownReason
    let reason = own == .termination || wanted == .termination ? .termination : own ?? wanted
    let isIdle =
      done.count == engine.rankCount - 1 && !root.isFinishing && !plan.isBusy() && tracing?.isComplete() ?? true
    guard let action = state.look(at: now, signal: reason, longestTask: root.longestTask, isIdle: isIdle) else {
      return
    }
    DrainPlan.tell(action)
    switch action {
    case .stop:
      root.stopsAssigning = true
      root.sendToAll(.drain)
    case .leave(let reason):
      plan.leave(reason)
      engine.events?.noteEnding(.drained)
      engine.events?.finishReport()
      engine.events?.finish()
      root.sendToAll(.leaveDrained)
      transport.settle()
      leave()
    }
  }

  /// On the other ranks: looks what is due.
  mutating func look(_ worker: WorkerRole) {
    if let reason = ownReason, reason != toldReason {
      toldReason = reason
      transport.send(.drainWanted(reason), to: 0)
    }
    guard isStopped, !hasSaidDone, !worker.runsTasks else { return }
    guard let flushing else {
      // The disk may take long, and others are to hear of this rank meanwhile.
      let flag = Flag()
      flushing = flag
      SystemThread.start(name: "muster-flush") { [plan, engine] in
        plan.flush()
        flag.isSet.store(true, ordering: .releasing)
        engine.doorbell.ring()
      }
      return
    }
    guard flushing.isSet.load(ordering: .acquiring) else { return }
    hasSaidDone = true
    for note in engine.takeNotes() { transport.send(.note(note), to: 0) }
    tracing?.tellFigures()
    transport.send(.drained, to: 0)
  }

  private final class Flag: Sendable {
    let isSet = Atomic(false)
  }

  /// Returns whether a message was of the drain.
  mutating func receive(_ message: Message, from source: Int, _ worker: WorkerRole?) -> Bool {
    switch message {
    case .drain:
      isStopped = true
      worker?.stop()
    case .drained: done.insert(source)
    case .drainWanted(let reason): if wanted != .termination { wanted = reason }
    case .leaveDrained: leave()
    default: return false
    }
    return true
  }

  private func leave() -> Never {
    DrainedEnd.leave(engine.world.comm)
  }
}
