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
  /// On rank 0: a signal that another rank got, those that have heard of the drain, and those that have nothing left to do.
  private var wanted: DrainState.Reason?
  private var answered: Set<Int> = []
  private var done: Set<Int> = []
  /// On rank 0: the program has come to its end, and the session doesn't leave before it.
  private var refusedReason: DrainState.Reason?
  /// Until when it has time for that after SIGTERM.
  private var endLimit: Int?
  /// On rank 0: the journal is on disk, and for the report and the trace others are asked for what they did until then.
  private var gatheringEnd: Int?

  /// How long that may take, in nanoseconds, and where SIGTERM has come.
  private static let gathering = 2_000_000_000
  private static let lastGathering = 100_000_000

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
    if let end = gatheringEnd {
      // A launcher that has begun to end the ranks doesn't wait.
      if own == .termination { gatheringEnd = min(end, now + Self.lastGathering) }
      return gather(root, until: gatheringEnd!, now: now)
    }
    let reason = own == .termination || wanted == .termination ? .termination : own ?? wanted
    let isIdle = done.count == engine.rankCount - 1 && !root.isFinishing && !plan.isBusy()
    guard let action = state.look(at: now, signal: reason, longestTask: root.longestTask, isIdle: isIdle) else {
      return
    }
    switch action {
    case .stop:
      DrainPlan.tell(action)
      root.stopsAssigning = true
      root.sendToAll(.drain)
    case .leave(let reason):
      // A launcher ends the others by SIGTERM when a rank has died: a job that did so has failed.
      let silent = (1..<engine.rankCount).filter { !answered.contains($0) }
      if reason == .termination && !silent.isEmpty {
        plan.settle()
        root.terminated(without: silent)
      }
      guard plan.leave(reason) else {
        refusedReason = reason
        return
      }
      DrainPlan.tell(action)
      engine.events?.noteEnding(.drained)
      // That may have taken a while.
      let now = MonotonicClock.nanoseconds
      let end = now + (reason == .termination ? Self.lastGathering : Self.gathering)
      gatheringEnd = end
      gather(root, until: end, now: now)
    }
  }

  /// Whether SIGTERM has come to a session that comes to its end instead of leaving, and doesn't come to it in time: then
  /// it does what it does to any other.
  mutating func leavesTermination(now: Int) -> Bool {
    guard let refusedReason, refusedReason == .termination || ownReason == .termination else { return false }
    let limit = endLimit ?? now + DrainState.lastPatience
    endLimit = limit
    return now >= limit
  }

  /// On rank 0: leaves when the others have said what they did, or there is no time left for that.
  private func gather(_ root: RootRole, until end: Int, now: Int) {
    let isComplete = tracing?.isComplete() ?? true
    guard isComplete || now >= end else { return }
    engine.events?.finishReport()
    engine.events?.finish()
    if !isComplete {
      StandardStreams.writeError(
        "muster: warning: there was no time to ask all ranks what they did: the report, or the trace, has a part of it\n"
      )
    }
    root.sendToAll(.leaveDrained)
    transport.settle()
    leave()
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

  /// - Parameter message: one that `isOfDrain`.
  mutating func receive(_ message: Message, from source: Int, _ worker: WorkerRole?) {
    switch message {
    case .drain:
      isStopped = true
      worker?.stop()
      transport.send(.draining, to: 0)
    case .draining: answered.insert(source)
    case .drained: done.insert(source)
    case .drainWanted(let reason): if wanted != .termination { wanted = reason }
    case .leaveDrained: leave()
    default: break
    }
  }

  private func leave() -> Never {
    DrainedEnd.leave(engine.world.comm)
  }
}
