internal import Glibc
internal import Synchronization

/// The signals upon which a session with a journal drains.
package enum DrainSignal {
  package static let names: [String: Int32] = [
    "USR1": SIGUSR1, "USR2": SIGUSR2, "TERM": SIGTERM, "INT": SIGINT, "HUP": SIGHUP, "URG": SIGURG, "XCPU": SIGXCPU,
  ]

  /// The number of a signal by its name, `USR1` or `SIGUSR1`; nil where it isn't one of those that there are.
  package static func number(_ name: String) -> Int32? {
    let name = name.uppercased()
    return names[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
  }

  private static let pending = Atomic<Int32>(0)
  /// What the signals did before.
  private static let former = Mutex<[Int32: sigaction]>([:])

  /// Signals are noted from now on.
  static func watch(_ numbers: [Int32]) {
    pending.store(0, ordering: .relaxed)
    for number in numbers {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        // SIGTERM has the last word.
        if DrainSignal.pending.load(ordering: .relaxed) != SIGTERM {
          DrainSignal.pending.store(number, ordering: .relaxed)
        }
      }
      action.sa_flags = SA_RESTART
      var before = sigaction()
      guard sigaction(number, &action, &before) == 0 else { continue }
      former.withLock { if $0[number] == nil { $0[number] = before } }
    }
  }

  /// The signals do again what they did before. Where the batch system's would end the program it's ignored from now on:
  /// a program that has done its work is to come to its end.
  static func unwatch() {
    let actions = former.withLock { former in
      defer { former = [:] }
      return former
    }
    for (number, var action) in actions {
      if number != SIGTERM, isDefault(action) { action.__sigaction_handler.sa_handler = SIG_IGN }
      sigaction(number, &action, nil)
    }
    pending.store(0, ordering: .relaxed)
  }

  private static func isDefault(_ action: sigaction) -> Bool {
    action.__sigaction_handler.sa_handler.map { UInt(bitPattern: unsafeBitCast($0, to: UnsafeRawPointer.self)) } ?? 0
      == 0
  }

  /// What has come.
  static var reason: DrainState.Reason? {
    switch pending.load(ordering: .relaxed) {
    case 0: nil
    case SIGTERM: .termination
    case let number: .signal("SIG\(names.first { $0.value == number }?.key ?? "\(number)")")
    }
  }
}
