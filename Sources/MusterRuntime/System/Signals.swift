internal import Glibc
internal import Synchronization

/// The signals that a session of several ranks minds.
enum Signals {
  private static let termination = Atomic<Int32>(0)

  /// SIGTERM, where it has come: the launcher ends the job, or the batch system does.
  static var pendingTermination: Int32 { termination.load(ordering: .relaxed) }

  /// From now on SIGTERM is only noted.
  static func noteTermination() {
    _ = pendingTermination  // makes the variable now, not in the handler
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      Signals.termination.store(signal, ordering: .relaxed)
    }
    action.sa_flags = SA_RESTART
    sigaction(SIGTERM, &action, nil)
  }

  /// SIGTERM ends the process again; at once, where it has come meanwhile.
  static func restoreTermination() {
    signal(SIGTERM, SIG_DFL)
    if pendingTermination != 0 { raise(SIGTERM) }
  }

  private static let crashes = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT]

  /// A crash waits a moment before it takes its course, so that the thread that passes standard error on can pass on
  /// the process's last words.
  static func delayCrashes() {
    for signal in crashes {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { signal in
        var time = timespec(tv_sec: 0, tv_nsec: 80_000_000)
        nanosleep(&time, nil)
        Glibc.signal(signal, SIG_DFL)
        raise(signal)
      }
      // The default disposition must be in force when the signal is raised again from within the handler.
      action.sa_flags = Int32(SA_NODEFER) | Int32(bitPattern: UInt32(SA_RESETHAND))
      sigaction(signal, &action, nil)
    }
  }

  /// After a session that failed: Swift ends a program whose `main` throws by a trap. Its message is out by then;
  /// what is left is to leave with status 1 and without a core file.
  static func turnTrapsIntoExit() {
    for signal in [SIGILL, SIGTRAP] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { _ in
        var time = timespec(tv_sec: 0, tv_nsec: 80_000_000)
        nanosleep(&time, nil)
        _exit(1)
      }
      sigaction(signal, &action, nil)
    }
  }
}
