internal import CMPI
internal import Glibc

/// The end of a process that leaves before its work is done.
package enum DrainedEnd {
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
    // With fewer processors than ranks the last one hears of it when the first one has gone.
    sleepUntil(turn: turn(ProcessEnvironment.current))
    _exit(DrainPlan.status)
  }

  /// After how many others of its node a process leaves: 0, 1 or 2.
  ///
  /// Where one process leaves with a status, `mpirun` of Open MPI 4 ends the others of the node: it waits a second, sends
  /// SIGTERM, waits another second, sends SIGKILL, be they there or not (`orte_odls_base_default_kill_local_procs`). Each of
  /// these seconds ends early where a process leaves meanwhile. So one leaves at first, another in the first second, the
  /// others in the second one; leaving at once, which is what other launchers get, costs up to two seconds.
  package static func turn(_ environment: [String: String]) -> Int {
    min(environment["OMPI_COMM_WORLD_LOCAL_RANK"].flatMap { Int($0) } ?? 0, 2)
  }

  /// Until the turn, counted from the clock's next hundredth of a second, which is the same for all processes of a node.
  private static func sleepUntil(turn: Int) {
    let tick = 10_000_000
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let next = (time.tv_nsec / tick + 1 + 2 * turn) * tick
    time.tv_sec += next / 1_000_000_000
    time.tv_nsec = next % 1_000_000_000
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, nil)
  }
}
