internal import CMPI
internal import Glibc

/// The end of a process that leaves before its work is done.
enum DrainedEnd {
  /// For how long the process may wait for others, in microseconds.
  private static let patience: UInt32 = 3_000_000

  /// Leaves at once: of what the program is doing nothing is lost that the journal has.
  static func leave() -> Never {
    StandardStreams.flushLastOutput()
    StandardStreams.letErrorsThrough()
    _exit(DrainPlan.status)
  }

  /// Leaves together with the other ranks, which do the same. On the thread that makes the MPI calls.
  static func leave(ownsMPI: Bool, isQuiet: Bool) -> Never {
    SystemThread.start(name: "muster-leave") {
      usleep(Self.patience)
      _exit(DrainPlan.status)
    }
    StandardStreams.flushOutput()
    StandardStreams.letErrorsThrough()
    // What is on its way would keep MPI from ending.
    if ownsMPI && isQuiet { cmpi_finalize() }
    _exit(DrainPlan.status)
  }
}
