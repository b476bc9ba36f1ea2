internal import Synchronization

/// Wakes the thread that makes the MPI calls, where it sleeps. Ringing costs one load while it is awake.
final class Doorbell: Sendable {
  private let isAsleep = Atomic<Bool>(false)
  private let condition = ConditionLock()

  func ring() {
    guard isAsleep.load(ordering: .sequentiallyConsistent) else { return }
    condition.withLock { condition.signal() }
  }

  /// Sleeps until rung, or until the time has passed; returns at once where `hasWork` says so after the sleeper has
  /// made itself known, so that no ring is missed.
  func sleep(nanoseconds: Int, unless hasWork: () -> Bool) {
    condition.lock()
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    if !hasWork() { condition.wait(nanoseconds: nanoseconds) }
    isAsleep.store(false, ordering: .sequentiallyConsistent)
    condition.unlock()
  }
}
