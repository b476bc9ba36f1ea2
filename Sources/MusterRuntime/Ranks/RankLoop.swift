internal import CLinux
internal import CMPI
internal import Glibc

/// What MPI's thread does during a session, also while the program computes between two collectives: takes the program's
/// requests, moves messages, watches the other ranks, and plays rank 0's part or a worker's.
///
/// Not `Sendable`: made and used on one thread, but for the time of a stand-in (`StandIn`).
final class RankLoop {
  /// For the thread that stands in for MPI's.
  ///
  /// `@unchecked Sendable` is safe: a thread stands in while MPI's thread is in a task, and both change with the lock of
  /// the tasks that are ready held; so the loop is used by one at a time.
  private final class Lent: @unchecked Sendable {
    weak var loop: RankLoop?
  }

  private let engine: RankEngine
  private let transport: Transport
  private var watch: RankWatch
  private var heartbeat: Heartbeat
  private let patience: Int?
  private var root: RootRole?
  private var worker: WorkerRole?
  private let tracing: TraceGathering?
  /// Where the session may leave before its work is done.
  private var drain: RankDrain?
  /// What others have said of it before this rank's program knew of the journal.
  private var earlyOfDrain: [(message: Message, source: Int)] = []
  /// The session is over for every rank: what is left is to leave together.
  private var isLeaving: Bool { (root?.hasLeft ?? false) || (worker?.hasLeft ?? false) }
  private var isInVigil = false
  /// Ranks that were found dead, and when: not told yet, since what they have sent may say more of it.
  private var dead: [(rank: Int, time: Int)] = []
  /// How often since then no message was found. MPI may take in what has come only when it was asked for in vain.
  private var quietRounds = 0
  private static let enoughQuietRounds = 4
  /// For how long what comes is taken for a rank's last words, in nanoseconds.
  private static let longestWords = 100_000_000
  /// A rank whose process has gone while the ranks leave, and when that was seen.
  private var lost: (rank: Int, time: Int)?

  init(engine: RankEngine, configuration: SessionConfiguration) {
    self.engine = engine
    transport = Transport(engine.world, traffic: engine.traffic, events: engine.events)
    tracing = TraceGathering(engine: engine, transport: transport)
    watch = RankWatch(engine.world.members, rank: engine.rank)
    patience = engine.world.heartbeatPatience
    heartbeat = Heartbeat(
      peers: engine.rank == 0 ? 1..<engine.rankCount : 0..<1,
      interval: engine.world.heartbeatInterval, patience: patience.map { $0 + Heartbeat.precedence(of: engine.rank) },
      now: MonotonicClock.nanoseconds)
    if engine.rank == 0 {
      root = RootRole(engine: engine, transport: transport, deadline: configuration.progressDeadline)
      root!.mayLeave = { [tracing] in tracing?.isComplete() ?? true }
    } else {
      let lent = Lent()
      worker = WorkerRole(engine: engine, transport: transport) { lent.loop?.standIn() ?? true }
      lent.loop = self
    }
    MPIThread.shared.vigil?.close()
    MPIThread.shared.vigil = nil
    Signals.enterSession()
    // Without this the kernel lengthens every short sleep by 50 µs.
    clinux_set_timer_slack(1)
  }

  func run() { _ = run(isStandIn: false) }

  /// Plays the part of MPI's thread until that is back. Returns whether the session is over.
  private func standIn() -> Bool {
    clinux_set_timer_slack(1)
    return run(isStandIn: true)
  }

  /// Returns whether this thread has come to the session's end.
  private func run(isStandIn: Bool) -> Bool {
    var backoff = Backoff(isOversubscribed: engine.world.isOversubscribed)
    while true {
      if isStandIn && worker?.isStandInRecalled == true { return false }
      var progressed = false
      while let request = engine.takeRequest() {
        progressed = true
        // The last messages are to be received before this rank leaves.
        if case .finish = request { transport.waitsForReceipt = true }
        switch request {
        case .submit(let submission), .compute(let submission, _, _): engine.events?.register(submission)
        case .release, .cancel, .endWatch, .count, .gather, .ask, .rootValue, .finish: break
        }
        root?.take(request)
        worker?.take(request)
      }
      switch worker?.runBrief() {
      case .superseded: return false
      case .ranSome: progressed = true
      case .ranNone, nil: break
      }
      if worker?.takeCompletions() == true {
        progressed = true
        engine.events?.holds(worker?.storedBytes ?? 0, at: MonotonicClock.nanoseconds)
      }
      let hasReceived = transport.poll(admitting: { worker?.admits($0) ?? true }, handing: { receive($0) })
      if hasReceived { progressed = true }
      if engine.coordination.exchange({ transport.send(.coordination($0), to: $1) }) { progressed = true }
      for note in engine.takeNotes() {
        transport.send(.note(note), to: 0)
        progressed = true
      }
      if root?.advance() == true { progressed = true }
      if worker?.advance() == true { progressed = true }
      lookAfterOthers(hasReceived: hasReceived)
      root?.dropRetired()
      worker?.dropRetired()
      transport.flush()
      if isLeaving && transport.leave() { break }
      if progressed {
        backoff.reset()
      } else {
        let isBusy = worker?.isBusy ?? false
        backoff.pause(engine.doorbell, isComputing: isBusy) {
          engine.hasRequest || engine.hasNotes || engine.coordination.hasOutgoing
            || (worker?.hasCompletions ?? false)
        }
      }
    }
    engine.coordination.close()
    Signals.leaveSession(isRoot: engine.rank == 0)
    root?.acknowledgeEnd()
    worker?.acknowledgeEnd()
    return true
  }

  private func receive(_ incoming: Transport.Incoming) {
    switch incoming {
    case .message(_, let source), .block(_, _, let source): heartbeat.heard(from: source)
    }
    if case .message(.beat, _) = incoming { return }
    if case .message(.coordination(let bytes), _) = incoming { return engine.coordination.receive(bytes) }
    if case .message(.note(let bytes), _) = incoming { return engine.received(note: bytes) }
    if case .message(.trace(let message), let source) = incoming {
      tracing?.receive(message, from: source)
      return
    }
    if case .message(let message, let source) = incoming, message.isOfDrain {
      guard startDrain() else { return earlyOfDrain.append((message, source)) }
      return drain!.receive(message, from: source, worker)
    }
    root?.receive(incoming)
    worker?.receive(incoming)
  }

  /// - Parameter hasReceived: whether messages have come since this was last called.
  private func lookAfterOthers(hasReceived: Bool) {
    let now = MonotonicClock.nanoseconds
    let signal = Signals.pendingTermination
    if isLeaving {
      lookAfterLeaving(now: now)
    } else if worker?.isEnding != true {
      tellOfTheDead(hasReceived: hasReceived, now: now)
      let found = watch.deaths(now: now, atOnce: signal != nil)
      if !found.isEmpty {
        dead += found.map { ($0, now) }
        quietRounds = 0
      }
      for action in heartbeat.tick(now: now) {
        switch action {
        case .beat:
          for peer in engine.rank == 0 ? 1..<engine.rankCount : 0..<1 { transport.send(.beat, to: peer) }
        case .silent(let ranks):
          silent(ranks)
        }
      }
    }
    if !isLeaving, dead.isEmpty, worker?.isEnding != true, startDrain() {
      if let root { drain!.look(root, now: now) }
      if let worker { drain!.look(worker) }
      if drain!.leavesTermination(now: now) { root?.terminated(by: signal ?? Signals.Termination(number: SIGTERM)) }
      return
    }
    // A launcher that ends the job does so for one that has died: that is told.
    if let signal, dead.isEmpty || worker?.isEnding == true {
      root?.terminated(by: signal)
      worker?.terminated(by: signal)
    }
  }

  /// Whether the session may leave before its work is done.
  private func startDrain() -> Bool {
    if drain == nil, let plan = engine.drainPlan {
      drain = RankDrain(plan, engine: engine, transport: transport, tracing: tracing)
      for (message, source) in earlyOfDrain { drain!.receive(message, from: source, worker) }
      earlyOfDrain = []
    }
    return drain != nil
  }

  /// A process that is gone is one that died, unless the last rank has come: who has left may be on its way out. The
  /// session's own beats would be left behind: those outside of sessions begin.
  private func lookAfterLeaving(now: Int) {
    guard worker?.isEnding != true else { return }
    if lost == nil { lost = dead.first }
    dead = []
    if !isInVigil {
      isInVigil = true
      MPIThread.shared.vigil = Vigil(engine.world)
    }
    MPIThread.shared.keepVigil()
    if lost == nil, let rank = watch.deaths(now: now).first { lost = (rank, now) }
    // Rank 0 is the first to say so, where it sees it.
    if let lost, now - lost.time > (engine.rank == 0 ? 200_000_000 : 1_000_000_000) {
      FatalEnd.end(
        "rank \(lost.rank) (node \(engine.world.nodeNames[lost.rank])) died at the end of the session",
        comm: engine.world.comm)
    }
  }

  /// A rank that was found dead is told of when no message has come for a while: its last words say more.
  private func tellOfTheDead(hasReceived: Bool, now: Int) {
    guard let first = dead.first else { return }
    quietRounds = hasReceived ? 0 : quietRounds + 1
    guard quietRounds >= Self.enoughQuietRounds || now - first.time > Self.longestWords else { return }
    for entry in dead { died(entry.rank) }
    dead = []
  }

  private func died(_ rank: Int) {
    if let root {
      root.rankDied(rank)
    } else if rank == 0 {
      FatalEnd.end(
        "rank 0, which schedules, died. Look for its last message, and for the out-of-memory killer in the kernel's"
          + " log of its node", comm: engine.world.comm)
    } else {
      transport.send(.rankDied(rank), to: 0)
    }
  }

  private func silent(_ ranks: [Int]) {
    let time = Duration.nanoseconds(patience ?? 0).text
    if let root {
      root.ranksSilent(ranks, time: time)
    } else {
      // The others are about to find the same: this rank tells it for all.
      for other in 1..<engine.rankCount where other != engine.rank { transport.send(.ending, to: other) }
      transport.settle()
      FatalEnd.end(
        "rank \(engine.rank) has heard nothing of rank 0, which schedules, for \(time): rank 0 hangs or is gone, or its"
          + " node, \(engine.world.nodeNames[0]), is", comm: engine.world.comm)
    }
  }
}
