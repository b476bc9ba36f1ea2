internal import Synchronization

/// Wakes the thread that makes the MPI calls, where it sleeps. Ringing costs one load while it is awake.
package final class Doorbell: Sendable {
  private let isAsleep = Atomic<Bool>(false)
  private let condition = ConditionLock()

  package init() {}

  func ring() {
    guard isAsleep.load(ordering: .sequentiallyConsistent) else { return }
    condition.withLock {
      isAsleep.store(false, ordering: .sequentiallyConsistent)
      condition.signal()
    }
  }

  /// Sleeps until rung, or until the time has passed; returns at once where `hasWork` says so after the sleeper has
  /// made itself known, so that no ring is missed. What it looks at may be guarded by locks that are held by those who ring.
  func sleep(nanoseconds: Int, unless hasWork: () -> Bool) {
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    guard !hasWork() else {
      isAsleep.store(false, ordering: .sequentiallyConsistent)
      return
    }
    condition.withLock {
      if isAsleep.load(ordering: .sequentiallyConsistent) { condition.wait(nanoseconds: nanoseconds) }
      isAsleep.store(false, ordering: .sequentiallyConsistent)
    }
  }
}
