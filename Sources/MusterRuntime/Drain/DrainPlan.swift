internal import Glibc

/// What it takes a session to leave before its work is done.
struct DrainPlan: Sendable {
  /// The status with which every rank leaves: the job isn't finished, and goes on when it is started again.
  static let status: Int32 = 85

  /// When the job ends, by the monotonic clock, in nanoseconds; nil where that isn't known.
  var jobEnd: Int?
  /// On rank 0: a collective has ended, and the journal is about to have it.
  var isBusy: @Sendable () -> Bool
  /// On every rank: makes what tasks have written lasting, and notes it.
  var flush: @Sendable () -> Void
  /// On rank 0: has in the journal what was done until now, where the job ends as one that has failed.
  var settle: @Sendable () -> Void
  /// On rank 0: says in the journal that the session leaves, and has all of it on disk. Returns false where it doesn't leave
  /// any more: the program has come to its end.
  var leave: @Sendable (DrainState.Reason) -> Bool

  /// What rank 0 tells when it stops, and when it leaves.
  static func tell(_ action: DrainState.Action) {
    switch action {
    case .stop(let reason):
      StandardStreams.writeError("muster: drains (\(reason)): no task begins any more\n")
    case .leave(let reason):
      StandardStreams.writeError(
        "muster: leaves with status \(status) (\(reason)): the program goes on here when it is started again\n",
        isLast: true)
    }
  }

  /// A moment as seconds since 1970, by the monotonic clock.
  static func monotonic(_ seconds: Double) -> Int {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let left = seconds - (Double(now.tv_sec) + Double(now.tv_nsec) / 1e9)
    return MonotonicClock.nanoseconds + Int(max(-1e9, min(left, 1e9)) * 1e9)
  }
}
