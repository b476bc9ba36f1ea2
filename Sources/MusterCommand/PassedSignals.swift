import Foundation
import Synchronization

/// The signals that a command passes on to the one process that it starts: who ends the command, or has it drain, ends that.
enum PassedSignals {
  private static let numbers = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGURG, SIGXCPU]
  /// The process; 0 before it is there, and -1 when it has ended.
  private static let process = Atomic<Int32>(0)
  /// What came before the process was there.
  private static let early = Atomic<Int32>(0)

  /// Signals are kept from now on. The process that is started begins without these handlers.
  static func begin() {
    // Made here: not within a handler.
    _ = (process.load(ordering: .relaxed), early.load(ordering: .relaxed))
    for number in numbers {
      signal(number) { number in
        let process = PassedSignals.process.load(ordering: .sequentiallyConsistent)
        if process > 0 { kill(process, number) }
        if process == 0 { PassedSignals.early.store(number, ordering: .sequentiallyConsistent) }
      }
    }
  }

  /// Signals go to the process, also the last of those that have come.
  static func pass(to child: Int32) {
    process.store(child, ordering: .sequentiallyConsistent)
    let number = early.exchange(0, ordering: .sequentiallyConsistent)
    if number != 0 { kill(child, number) }
  }

  /// The process has ended, and its number may be another's: signals are dropped.
  static func end() { process.store(-1, ordering: .sequentiallyConsistent) }
}
