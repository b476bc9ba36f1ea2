internal import Glibc
internal import Synchronization

/// Has what came in the last tenth of a second made lasting at once: waiting for the disk after each thing would take long.
final class DelayedFlush: Sendable {
  private static let interval: UInt32 = 100_000

  /// A thread is about to do it.
  private let hasThread = Atomic(false)
  private let flushing = Mutex(())

  /// Something has come: `flush` is called by a thread soon.
  func request(_ flush: @escaping @Sendable () -> Void) {
    guard !hasThread.exchange(true, ordering: .acquiringAndReleasing) else { return }
    SystemThread.start(name: "muster-keep") {
      usleep(Self.interval)
      // What comes from now on has a thread of its own.
      self.hasThread.store(false, ordering: .sequentiallyConsistent)
      self.now(flush)
    }
  }

  /// Calls `flush`. Who comes second waits: what the first one has taken is lasting when this returns.
  func now(_ flush: () -> Void) { flushing.withLock { _ in flush() } }
}
