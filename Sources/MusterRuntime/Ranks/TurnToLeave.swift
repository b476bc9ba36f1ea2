internal import Glibc

/// When each process of a node leaves, where all of them leave with a status that isn't 0.
///
/// At the first such process `mpirun` of Open MPI 4 ends the others of its node: it waits a second, sends SIGTERM, waits
/// another second, sends SIGKILL, be they there or not (`orte_odls_base_default_kill_local_procs`). Each of these seconds
/// ends early where a process leaves meanwhile. So one leaves at first, another in the first second, the rest in the second
/// one; leaving all at once, which is as good as anything under other launchers, costs up to two seconds.
package enum TurnToLeave {
  /// 0, 1 or 2.
  package static func number(_ environment: [String: String]) -> Int {
    min(environment["OMPI_COMM_WORLD_LOCAL_RANK"].flatMap { Int($0) } ?? 0, 2)
  }

  /// Until this process's turn: a fiftieth of a second each, counted from the clock's next hundredth, which is the same for
  /// all processes of a node. With fewer processors than ranks some hear of the end when the first ones have gone.
  static func wait() {
    // `mpirun` isn't in its next second yet when that comes.
    signal(SIGTERM, SIG_IGN)
    let tick = 10_000_000
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let next = (time.tv_nsec / tick + 1 + 2 * number(ProcessEnvironment.current)) * tick
    time.tv_sec += next / 1_000_000_000
    time.tv_nsec = next % 1_000_000_000
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, nil)
  }
}
