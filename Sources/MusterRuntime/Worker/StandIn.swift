/// Who plays the part of the thread that makes the MPI calls while that thread runs a brief task itself. A value, kept
/// under the lock of the tasks that are ready.
///
/// To hand a task from one thread to another and its result back takes some ten microseconds, and a thread that computes
/// beside one that waits for messages shares a processor with it, where ranks are as many as processors. So MPI's thread
/// runs what is expected to be brief. It may turn out not to be, or wait for another task: then a thread that has nothing
/// to do stands in for MPI's thread, until that is back.
package struct StandIn {
  /// What a brief task may take before another thread stands in, in nanoseconds.
  package static let patience = 1_000_000

  private enum State {
    /// MPI's thread does its own part.
    case none
    /// It runs a task, since this time.
    case running(TaskRun, since: Int)
    /// The task waits: somebody is to stand in at once.
    case isWanted(TaskRun)
    /// Another thread stands in.
    case standing(TaskRun)
    /// The task has ended: the other thread is to hand back, and say so.
    case recalled(Reply<Ending>)
    /// The session ended meanwhile: the other thread is MPI's thread from now on.
    case succeeded
  }

  /// How standing in ends for the thread that ran the task.
  package enum Ending: Sendable {
    /// It goes on where it left off.
    case handedBack
    /// Another has its part for good.
    case succeeded
  }

  private var state = State.none
  /// A thread looks after the one that runs a task, by the clock.
  package private(set) var isWatched = false
  /// How many tasks were begun, and how many when somebody last looked: where none was since, nobody looks any more.
  private var begun = 0
  private var seen = 0

  package init() {}

  /// MPI's thread is about to run a task.
  package mutating func begin(_ run: TaskRun, at now: Int) {
    state = .running(run, since: now)
    begun += 1
  }

  /// A task is about to wait for others. Returns whether it's the one that MPI's thread runs.
  package mutating func waits(_ run: TaskRun) -> Bool {
    switch state {
    case .running(run, _), .isWanted(run):
      state = .isWanted(run)
      return true
    case .standing(run): return true
    case .none, .running, .isWanted, .standing, .recalled, .succeeded: return false
    }
  }

  /// A thread that has nothing to do would look after MPI's. Returns whether it is to: it is where a task was begun since
  /// somebody last did.
  package mutating func beginWatch() -> Bool {
    guard !isWatched, begun != seen else { return false }
    isWatched = true
    seen = begun
    return true
  }

  /// After `patience`, or when it was woken: whether the thread goes on looking.
  package mutating func goesOnWatching() -> Bool {
    guard !isDue(at: MonotonicClock.nanoseconds), begun != seen || isRunning else { return false }
    seen = begun
    return true
  }

  package mutating func endWatch() { isWatched = false }

  private var isRunning: Bool {
    switch state {
    case .running, .isWanted: true
    case .none, .standing, .recalled, .succeeded: false
    }
  }

  /// Whether another thread plays the part of MPI's.
  package var isStanding: Bool {
    switch state {
    case .standing, .recalled: true
    case .none, .running, .isWanted, .succeeded: false
    }
  }

  /// Whether the thread that stands in is to hand back.
  package var isRecalled: Bool {
    if case .recalled = state { true } else { false }
  }

  /// Whether a thread that has nothing to do is to stand in.
  package func isDue(at now: @autoclosure () -> Int) -> Bool {
    switch state {
    case .isWanted: true
    case .running(_, let since): now() - since > Self.patience
    case .none, .standing, .recalled, .succeeded: false
    }
  }

  /// The calling thread stands in from now on.
  package mutating func takeOver() {
    switch state {
    case .running(let run, _), .isWanted(let run): state = .standing(run)
    case .none, .standing, .recalled, .succeeded: preconditionFailure("nobody is to stand in")
    }
  }

  /// The task that MPI's thread ran has ended.
  ///
  /// - Returns: nil where nobody stands in; else who says how that ends, once the lock is released.
  package mutating func end() -> Reply<Ending>? {
    switch state {
    case .running, .isWanted:
      state = .none
      return nil
    case .standing:
      let reply = Reply<Ending>()
      state = .recalled(reply)
      return reply
    case .succeeded:
      let reply = Reply<Ending>()
      reply.give(.succeeded)
      return reply
    case .none, .recalled: preconditionFailure("no task of MPI's thread runs")
    }
  }

  /// The thread that stands in hands back: it has been recalled.
  package mutating func handBack() {
    guard case .recalled(let reply) = state else { preconditionFailure("nobody has recalled the stand-in") }
    state = .none
    reply.give(.handedBack)
  }

  /// The thread that stands in has come to the end of the session.
  package mutating func succeed() {
    if case .recalled(let reply) = state { reply.give(.succeeded) }
    state = .succeeded
  }
}
