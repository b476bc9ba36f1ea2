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
    // All at the same time: a launcher that sees one of them gone is about to end the others. MPI isn't ended, since what is
    // on its way would keep it from that.
    var request: cmpi_request = 0
    var isThere: Int32 = cmpi_ibarrier(comm, &request) == 0 ? 0 : 1
    let limit = MonotonicClock.nanoseconds + patience
    while isThere == 0 && MonotonicClock.nanoseconds < limit {
      if cmpi_test(&request, &isThere) != 0 { break }
      sched_yield()
    }
    // With fewer processors than ranks the last one hears of it when the first one has gone.
    sleepUntilTick()
    _exit(DrainPlan.status)
  }

  /// Until the clock's next hundredth of a second, which is the same for all processes of a node: Open MPI's `mpirun`
  /// waits for a second where it finds one gone and others not.
  private static func sleepUntilTick() {
    let tick = 10_000_000
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let next = (time.tv_nsec / tick + 1) * tick
    time.tv_sec += next / 1_000_000_000
    time.tv_nsec = next % 1_000_000_000
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, nil)
  }
}
