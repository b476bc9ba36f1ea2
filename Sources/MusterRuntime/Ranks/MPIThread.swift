/// The one thread of this process that makes Muster's MPI calls. It is there from the first session of several ranks to
/// the end of the process: MPI is to be ended on the thread that began it, and a program may have several sessions.
/// While it runs a task that takes longer than was expected another thread stands in for it (`StandIn`), for good where the
/// task outlasts the session: then MPI is ended on another thread after all, which the MPIs in use bear.
///
/// `@unchecked Sendable` is safe: the variables are used with `condition` locked only, but for `vigil`: that is used on the
/// thread that makes the calls, which others become with a lock in between.
final class MPIThread: @unchecked Sendable {
  static let shared = MPIThread()

  private let condition = ConditionLock()
  private var jobs: [@Sendable () -> Void] = []
  private var isStarted = false
  /// How often another thread has become the one.
  private var successions = 0
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

  /// The thread that makes the calls isn't to go on when it has ended its job, which another has ended for it: that one
  /// becomes it, by `succeed`.
  func beginSuccession() { condition.withLock { successions += 1 } }

  /// The calling thread makes the MPI calls from now on.
  func succeed() { work() }

  /// Returns where another thread has taken this one's part.
  private func work() {
    let number = condition.withLock { successions }
    while true {
      let job = condition.withLock { () -> (@Sendable () -> Void)? in
        if jobs.isEmpty {
          if let vigil { condition.wait(nanoseconds: vigil.interval) } else { condition.wait() }
        }
        return jobs.isEmpty ? nil : jobs.removeFirst()
      }
      guard let job else {
        keepVigil()
        continue
      }
      job()
      if condition.withLock({ successions }) != number { return }
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
