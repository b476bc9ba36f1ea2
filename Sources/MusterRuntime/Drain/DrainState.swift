/// When a session with a journal leaves though its work isn't done: upon a signal of the batch system's, and before the
/// job's time is over. From then on no task begins; those that run come to their end, or are dropped where that takes too
/// long. A value: times are arguments, in nanoseconds of one clock.
package struct DrainState: Sendable {
  package enum Reason: Equatable, Sendable, CustomStringConvertible {
    /// The batch system's signal, some time before the job's end.
    case signal(String)
    /// SIGTERM: little time is left.
    case termination
    /// The job's end is near.
    case jobEnd

    package var description: String {
      switch self {
      case .signal(let name): name
      case .termination: "SIGTERM"
      case .jobEnd: "the job's time is nearly over"
      }
    }

    /// As it crosses ranks: the signal's name.
    var signalName: String {
      switch self {
      case .signal(let name): name
      case .termination: "SIGTERM"
      case .jobEnd: ""
      }
    }

    init(signalName: String) {
      self = signalName == "SIGTERM" ? .termination : signalName.isEmpty ? .jobEnd : .signal(signalName)
    }
  }

  package enum Action: Equatable, Sendable {
    /// No task is to begin any more.
    case stop(Reason)
    /// The session is to leave, whether tasks still run or not.
    case leave(Reason)
  }

  /// For how long before the job's end the session is to have left.
  package static let reserve = 10_000_000_000
  /// How long tasks may take after a signal where the job's end isn't known.
  package static let patience = 60_000_000_000
  /// How long they may take after SIGTERM: a launcher that passes it on may kill what is left a second later.
  package static let lastPatience = 500_000_000

  /// For how long no task has to run before the session leaves: what the last one led to is still to be noted.
  package static let pause = 30_000_000

  /// When the job ends; nil where that isn't known.
  private let jobEnd: Int?
  private var draining: (reason: Reason, limit: Int)?
  private var idleSince: Int?
  private var hasLeft = false

  package init(jobEnd: Int?) { self.jobEnd = jobEnd }

  package var isDraining: Bool { draining != nil }

  /// Looks what is due.
  ///
  /// - Parameters:
  ///   - signal: what has come.
  ///   - longestTask: how long the longest task took that ended in this run: one that begins may take as long.
  ///   - isIdle: whether no task runs.
  package mutating func look(at now: Int, signal: Reason?, longestTask: Int, isIdle: Bool) -> Action? {
    guard !hasLeft else { return nil }
    if let (reason, limit) = draining {
      if signal == .termination, reason != .termination {
        draining = (.termination, min(limit, now + Self.lastPatience))
      }
      idleSince = isIdle ? idleSince ?? now : nil
      let isDone = idleSince.map { now - $0 >= Self.pause } ?? false
      guard isDone || now >= draining!.limit else { return nil }
      hasLeft = true
      return .leave(draining!.reason)
    }
    let last = jobEnd.map { $0 - Self.reserve }
    let reason: Reason
    let limit: Int
    switch signal {
    case .termination?:
      reason = .termination
      limit = now + Self.lastPatience
    case let signal?:
      reason = signal
      limit = last ?? now + Self.patience
    case nil:
      guard let last, now >= last - longestTask else { return nil }
      reason = .jobEnd
      limit = last
    }
    draining = (reason, limit)
    return .stop(reason)
  }
}
