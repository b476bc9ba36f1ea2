internal import Glibc
internal import Synchronization

/// A value that the program waits for, and another thread gives.
///
/// The program looks for it for a moment before it suspends: what suspends is resumed by way of one other thread, or two
/// where it belongs to the main actor, and waking each takes longer than a short task with its messages.
package final class ProgramWait<Value: Sendable>: Sendable {
  private enum State {
    case pending
    case suspended(CheckedContinuation<Void, Never>)
    case given(Value)
  }

  private let state = Mutex(State.pending)
  private let isGiven = Atomic(false)

  package init() {}

  /// Gives the value, once.
  package func give(_ value: Value) {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state = .given(value) }
      return if case .suspended(let continuation) = state { continuation } else { nil }
    }
    if let continuation { return continuation.resume() }
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
    if let value = given { return value }
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if case .given = state { return true }
        state = .suspended(continuation)
        return false
      }
      if isThere { continuation.resume() }
    }
    // Looked up here, and not handed over by the continuation: with nothing left to do here Swift 6.3 leaves out the way
    // back to the caller's actor, on which callers rely: their closures check that they are called there.
    guard let value = given else { preconditionFailure("the program goes on without the value that it waits for") }
    return value
  }

  private var given: Value? { state.withLock { if case .given(let value) = $0 { value } else { nil } } }
}
