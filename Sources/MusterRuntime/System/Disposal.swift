internal import Glibc

/// Drops what functions hold on a thread of its own: that may take long, and call anything, and threads that run tasks, or
/// make the MPI calls, are to go on meanwhile.
///
/// `@unchecked Sendable` is safe: the variables are used with `condition` locked only.
final class Disposal: @unchecked Sendable {
  private let condition = ConditionLock()
  private var things: [any Sendable] = []
  private var isRunning = false

  /// For so long things are collected, in microseconds: to wake a thread for each would cost more than they do. Who hands
  /// them over lets go of them meanwhile.
  private static let pause: UInt32 = 2000
  /// For so long the thread waits for more, in nanoseconds.
  private static let patience = 1_000_000_000

  func drop(_ thing: any Sendable) {
    condition.lock()
    things.append(thing)
    let starts = !isRunning
    isRunning = true
    if things.count == 1 { condition.signal() }
    condition.unlock()
    if starts { SystemThread.start(name: "muster-disposal") { self.work() } }
  }

  private func work() {
    condition.lock()
    while true {
      if things.isEmpty { condition.wait(nanoseconds: Self.patience) }
      if things.isEmpty {
        isRunning = false
        return condition.unlock()
      }
      condition.unlock()
      usleep(Self.pause)
      var gone: [any Sendable] = []
      condition.withLock { swap(&gone, &things) }
      gone.removeAll()
      condition.lock()
    }
  }
}
