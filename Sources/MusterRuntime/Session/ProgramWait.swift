internal import Glibc
internal import Synchronization

/// A value that the program waits for, and another thread gives.
///
/// The program looks for it for a moment before it suspends: what suspends is resumed by way of one other thread, or two
/// where it belongs to the main actor, and waking each takes longer than a short task with its messages.
package final class ProgramWait<Value: Sendable>: Sendable {
  private enum State {
    case pending
    case suspended(CheckedContinuation<Value, Never>)
    case given(Value)
  }

  private let state = Mutex(State.pending)
  private let isGiven = Atomic(false)

  package init() {}

  /// Gives the value, once.
  package func give(_ value: Value) {
    let continuation = state.withLock { state -> CheckedContinuation<Value, Never>? in
      if case .suspended(let continuation) = state { return continuation }
      state = .given(value)
      return nil
    }
    if let continuation { return continuation.resume(returning: value) }
    isGiven.store(true, ordering: .releasing)
  }

  /// The value, when it's there; one task waits for it.
  ///
  /// - Parameter patience: For how long to look for it before the task suspends, in nanoseconds.
  package func value(patience: Int) async -> Value {
    if patience > 0 {
      let end = MonotonicClock.nanoseconds + patience
      // Yields each time: who is to give it may wait for this very processor.
      while !isGiven.load(ordering: .acquiring), MonotonicClock.nanoseconds < end { sched_yield() }
    }
    if case .given(let value) = state.withLock({ $0 }) { return value }
    return await withCheckedContinuation { continuation in
      let given = state.withLock { state -> Value? in
        if case .given(let value) = state { return value }
        state = .suspended(continuation)
        return nil
      }
      if let given { continuation.resume(returning: given) }
    }
  }
}
