/// The one thread of this process that makes Muster's MPI calls. It is there from the first session of several ranks to
/// the end of the process: MPI has to be ended on the thread that began it, and a program may have several sessions.
///
/// `@unchecked Sendable` is safe: `jobs` and `isStarted` are used with `condition` locked only, `vigil` on the thread.
final class MPIThread: @unchecked Sendable {
  static let shared = MPIThread()

  private let condition = ConditionLock()
  private var jobs: [@Sendable () -> Void] = []
  private var isStarted = false
  /// Goes on while the thread has no job. Jobs that take long tend it themselves; to be used on the thread only.
  var vigil: Vigil?

  /// Runs `job` on the thread, after those before it.
  func run(_ job: @escaping @Sendable () -> Void) {
    condition.withLock {
      jobs.append(job)
      if isStarted {
        condition.signal()
      } else {
        isStarted = true
        SystemThread.start(name: "muster-mpi") { self.work() }
      }
    }
  }

  private func work() -> Never {
    while true {
      let job = condition.withLock { () -> (@Sendable () -> Void)? in
        if jobs.isEmpty {
          if let vigil { condition.wait(nanoseconds: vigil.interval) } else { condition.wait() }
        }
        return jobs.isEmpty ? nil : jobs.removeFirst()
      }
      if let job { job() } else { keepVigil() }
    }
  }

  /// Also where a thread of the program's own has ended MPI meanwhile, as it may.
  func keepVigil() {
    guard !MPI.isFinalized else {
      vigil = nil
      return
    }
    vigil?.tick(now: MonotonicClock.nanoseconds)
  }
}
