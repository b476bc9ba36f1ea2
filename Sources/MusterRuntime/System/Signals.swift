internal import Glibc
internal import Synchronization

/// The signals that a session of several ranks minds.
package enum Signals {
  /// A signal that ends the job.
  package struct Termination: CustomStringConvertible {
    var number: Int32
    package var description: String { number == SIGTERM ? "SIGTERM" : "signal \(number)" }
  }

  private static let termination = Atomic<Int32>(0)
  /// What SIGTERM did before the session.
  ///
  /// Safe: used on MPI's thread only.
  nonisolated(unsafe) private static var formerAction: sigaction?

  /// SIGTERM, where it has come: the launcher ends the job, or the batch system does.
  package static var pendingTermination: Termination? {
    let number = termination.load(ordering: .relaxed)
    return number == 0 ? nil : Termination(number: number)
  }

  /// From now on SIGTERM is only noted. On MPI's thread.
  package static func enterSession() {
    _ = pendingTermination  // makes the variable now, not in the handler
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      Signals.termination.store(signal, ordering: .relaxed)
    }
    action.sa_flags = SA_RESTART
    var former = sigaction()
    sigaction(SIGTERM, &action, &former)
    // After an earlier session it is that one's last word, where the program hasn't set a handler meanwhile.
    if !isLastWord(former) { formerAction = former }
  }

  /// Where a handler is, as a number: 0 for the default.
  private static func handlerAddress(_ action: sigaction) -> UInt {
    action.__sigaction_handler.sa_handler.map { UInt(bitPattern: unsafeBitCast($0, to: UnsafeRawPointer.self)) } ?? 0
  }

  /// What rank 0 does at SIGTERM outside of sessions.
  private static let lastWord: @convention(c) @Sendable (Int32) -> Void = { signal in
    let text: StaticString = "muster: ended by SIGTERM outside of any session, while the program went on by itself\n"
    _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    // The launcher, which is ending the job, may be about to leave without having read it.
    var time = timespec(tv_sec: 0, tv_nsec: 80_000_000)
    nanosleep(&time, nil)
    Glibc.signal(signal, SIG_DFL)
    raise(signal)
  }

  private static func isLastWord(_ action: sigaction) -> Bool {
    handlerAddress(action) == UInt(bitPattern: unsafeBitCast(lastWord, to: UnsafeRawPointer.self))
  }

  /// The process is on its way out: SIGTERM needs no words any more. A handler that the program has set since the session
  /// stays.
  package static func dropLastWord() {
    var inForce = sigaction()
    sigaction(SIGTERM, nil, &inForce)
    if isLastWord(inForce) { signal(SIGTERM, SIG_DFL) }
  }

  /// SIGTERM does again what it did before the session; where that is to end the process, rank 0 has a last word. On
  /// MPI's thread.
  package static func leaveSession(isRoot: Bool) {
    var action = formerAction ?? sigaction()
    if isRoot && handlerAddress(action) == 0 {
      action = sigaction()
      action.__sigaction_handler.sa_handler = lastWord
    }
    sigaction(SIGTERM, &action, nil)
    // It may have come in between. Passed on, it is no business of the next session.
    let number = termination.exchange(0, ordering: .relaxed)
    guard number != 0 else { return }
    // A thread that one of Swift's pool has started has that one's mask, which keeps signals out.
    var own = sigset_t()
    var former = sigset_t()
    sigemptyset(&own)
    sigaddset(&own, number)
    pthread_sigmask(SIG_UNBLOCK, &own, &former)
    raise(number)
    pthread_sigmask(SIG_SETMASK, &former, nil)
  }

  /// SIGTERM ends the process, as it does where nobody minds it.
  static func end() -> Never {
    signal(SIGTERM, SIG_DFL)
    kill(getpid(), SIGTERM)
    while true { pause() }
  }

  private static let crashes = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGABRT]
  /// What the signals of `crashes` did before, by number.
  ///
  /// Safe: written once, before the handlers that read it are there.
  nonisolated(unsafe) private static let formerCrashActions = {
    let actions = UnsafeMutablePointer<sigaction>.allocate(capacity: 64)
    actions.initialize(repeating: sigaction(), count: 64)
    return actions
  }()

  /// A crash waits a moment before it takes its course, so that the thread that passes standard error on can pass on
  /// the process's last words. To be called once.
  static func delayCrashes() {
    for signal in crashes {
      var action = sigaction()
      action.__sigaction_handler.sa_sigaction = { signal, info, _ in
        var time = timespec(tv_sec: 0, tv_nsec: 80_000_000)
        nanosleep(&time, nil)
        sigaction(signal, Signals.formerCrashActions + Int(signal), nil)
        // A fault happens again when the handler returns, in its place; a signal that was sent has to be sent again.
        if info?.pointee.si_code ?? 0 <= 0 { raise(signal) }
      }
      action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
      sigaction(signal, nil, formerCrashActions + Int(signal))
      sigaction(signal, &action, nil)
    }
  }
}
