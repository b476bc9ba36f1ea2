internal import CMPI
internal import Glibc

/// The end of a process that leaves before its work is done.
enum DrainedEnd {
  /// For how long the process may wait for others, in nanoseconds.
  private static let patience = 1_000_000_000

  /// Leaves at once: of what the program is doing nothing is lost that the journal has.
  static func leave() -> Never {
    StandardStreams.flushLastOutput()
    StandardStreams.letErrorsThrough()
    _exit(DrainPlan.status)
  }

  /// Leaves together with the other ranks, which do the same. On the thread that makes the MPI calls.
  static func leave(_ comm: cmpi_comm) -> Never {
    StandardStreams.flushLastOutput()
    StandardStreams.letErrorsThrough()
    // Together, so that no launcher ends one that isn't done. MPI isn't ended, since what is on its way would keep it from
    // that.
    var request: cmpi_request = 0
    var isThere: Int32 = cmpi_ibarrier(comm, &request) == 0 ? 0 : 1
    let limit = MonotonicClock.nanoseconds + patience
    while isThere == 0 && MonotonicClock.nanoseconds < limit {
      if cmpi_test(&request, &isThere) != 0 { break }
      sched_yield()
    }
    TurnToLeave.wait()
    _exit(DrainPlan.status)
  }
}
