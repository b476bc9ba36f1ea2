/// How far a future is.
public enum FutureStatus: UInt8, Sendable, CustomStringConvertible {
  /// It waits for what it depends on, or for a worker.
  case pending
  /// A worker has been given it.
  case assigned
  /// Its value is there.
  case finished
  /// It, or what it depends on, threw.
  case failed
  /// It, or what it depends on, was cancelled.
  case cancelled

  /// The name of the case.
  public var description: String {
    switch self {
    case .pending: "pending"
    case .assigned: "assigned"
    case .finished: "finished"
    case .failed: "failed"
    case .cancelled: "cancelled"
    }
  }
}
