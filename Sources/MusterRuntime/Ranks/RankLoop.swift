internal import CLinux
internal import CMPI
internal import Glibc

/// The thread of a rank that makes all of its MPI calls: takes the program's requests, moves messages, and plays rank
/// 0's part or a worker's.
///
/// Not `Sendable`: made and used on one thread.
final class RankLoop {
  private let engine: RankEngine
  private let transport: Transport
  private var watch: RankWatch
  private var root: RootRole?
  private var worker: WorkerRole?
  private var isDone = false

  init(engine: RankEngine, configuration: SessionConfiguration) {
    self.engine = engine
    transport = Transport(engine.world, traffic: engine.traffic)
    watch = RankWatch(engine.world)
    if engine.rank == 0 {
      root = RootRole(engine: engine, transport: transport, deadline: configuration.progressDeadline)
    } else {
      worker = WorkerRole(engine: engine, transport: transport)
    }
    // Without this the kernel lengthens every short sleep by 50 µs.
    clinux_set_timer_slack(1)
  }

  func run() {
    var backoff = Backoff(isOversubscribed: engine.world.isOversubscribed)
    while !isDone {
      var progressed = false
      while let request = engine.takeRequest() {
        progressed = true
        root?.take(request)
        worker?.take(request)
      }
      if worker?.takeCompletions() == true { progressed = true }
      if transport.poll({ receive($0) }) { progressed = true }
      if root?.advance() == true { progressed = true }
      if worker?.advance() == true { progressed = true }
      transport.flush()
      lookForDeaths()
      isDone = (root?.hasLeft ?? false) || (worker?.hasLeft ?? false)
      if progressed {
        backoff.reset()
      } else {
        let isBusy = worker?.isBusy ?? false
        backoff.pause(engine.doorbell, isComputing: isBusy) {
          engine.hasRequest || (worker?.hasCompletions ?? false)
        }
      }
    }
    while !transport.isQuiet {
      _ = transport.poll { _ in }
      if Signals.pendingTermination != 0 { _exit(128 + SIGTERM) }
    }
    // From here on SIGTERM ends the process as it would without a session.
    Signals.restoreTermination()
    MPI.finalize()
    root?.acknowledgeEnd()
    worker?.acknowledgeEnd()
  }

  private func receive(_ incoming: Transport.Incoming) {
    root?.receive(incoming)
    worker?.receive(incoming)
  }

  private func lookForDeaths() {
    if worker?.isEnding == true { return }
    let now = MonotonicClock.nanoseconds
    let signal = Signals.pendingTermination
    for rank in watch.deaths(now: now, atOnce: signal != 0) {
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
    if signal != 0 {
      transport.flush()
      root?.terminated(by: signal)
      worker?.terminated(by: signal)
    }
  }
}

/// How a rank waits: spins briefly, then yields, then sleeps for longer and longer, up to half a millisecond. With more
/// ranks than processors, or tasks to run here, it leaves the processor sooner.
struct Backoff {
  private let isOversubscribed: Bool
  private var rounds = 0

  private static let spins = 1000
  private static let yields = 200
  private static let firstSleep = 10_000
  private static let longestSleep = 500_000

  init(isOversubscribed: Bool) { self.isOversubscribed = isOversubscribed }

  mutating func reset() { rounds = 0 }

  mutating func pause(_ doorbell: Doorbell, isComputing: Bool, unless hasWork: () -> Bool) {
    rounds += 1
    let spins = isOversubscribed || isComputing ? 0 : Self.spins
    let yields = isComputing ? 2 : isOversubscribed ? 20 : Self.yields
    if rounds <= spins { return }
    if rounds <= spins + yields {
      sched_yield()
      return
    }
    let doublings = min((rounds - spins - yields) / 4, 6)
    doorbell.sleep(nanoseconds: min(Self.firstSleep << doublings, Self.longestSleep), unless: hasWork)
  }
}

/// The end of a job that can't go on: one message, and every rank is gone.
enum FatalEnd {
  static func end(_ message: String, comm: cmpi_comm) -> Never {
    StandardStreams.writeError("muster: fatal: \(message)\n", isLast: true)
    StandardStreams.letErrorsThrough()
    cmpi_abort(comm, 1)
    _exit(1)
  }
}
