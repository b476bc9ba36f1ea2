internal import Glibc

/// How a rank waits: yields for a while, then sleeps for longer and longer, up to half a millisecond. With more ranks than
/// processors, or tasks to run here, it leaves the processor sooner.
///
/// It never spins without yielding: the program's thread, or one that runs a task, may wait for this very processor, and
/// the kernel lets it wait for half a millisecond.
struct Backoff {
  private let isOversubscribed: Bool
  private var rounds = 0

  private static let yields = 1000
  private static let firstSleep = 10_000
  private static let longestSleep = 500_000

  init(isOversubscribed: Bool) { self.isOversubscribed = isOversubscribed }

  mutating func reset() { rounds = 0 }

  mutating func pause(_ doorbell: Doorbell, isComputing: Bool, unless hasWork: () -> Bool) {
    rounds += 1
    let yields = isComputing ? 2 : isOversubscribed ? 20 : Self.yields
    if rounds <= yields {
      sched_yield()
      return
    }
    let doublings = min((rounds - yields) / 4, 6)
    doorbell.sleep(nanoseconds: min(Self.firstSleep << doublings, Self.longestSleep), unless: hasWork)
  }
}
