internal import CLinux
internal import Glibc
internal import Synchronization

/// The end of a program whose `main` throws. Swift reports it as a crash, on every rank; here it ends with status 1, and
/// the error is told once.
///
/// Nothing changes for a program that catches the error and goes on, nor for traps: the place where Swift comes to when
/// an error leaves `main` is known by name, and only that is taken over. A program that is linked with the static Swift
/// runtime keeps Swift's own report.
enum ErrorInMain {
  /// The error with which all ranks ended the last session, in words, and this process's rank.
  private static let agreed = Mutex<(rank: Int, text: String)?>(nil)
  private static let hasEnded = Atomic<Bool>(false)

  /// An error has left `main`: the process is on its way out.
  static var hasEndedProgram: Bool { hasEnded.load(ordering: .relaxed) }

  /// From now on an error that leaves `main` ends the program as described above.
  static func install() {
    clinux_on_error_in_main { pointer in
      guard let pointer else { return }
      // An `any Error` is one pointer, to a box; the caller keeps the box.
      ErrorInMain.end(unsafeBitCast(pointer, to: (any Error).self))
    }
  }

  /// Every rank throws the same error: rank 0 alone tells it, should it leave `main`.
  static func allRanksThrow(_ error: any Error, rank: Int) { agreed.withLock { $0 = (rank, ErrorText.of(error)) } }

  /// What is to be told yet, and whether another rank has the same to tell.
  private static let untold = Mutex<String?>(nil)
  private static let digest = Atomic<UInt64>(0)

  /// Stands for the error's text, the same on every rank that has the same error; 0 where there is none.
  static var textDigest: UInt64 { digest.load(ordering: .relaxed) }

  /// Tells the error with which this process ends, where it hasn't been told.
  static func tell() {
    let text = untold.withLock { text in
      defer { text = nil }
      return text
    }
    guard let text else { return }
    StandardStreams.writeError("muster: the program ended with the error: \(text)\n")
    StandardStreams.letErrorsThrough()
  }

  /// Another rank tells the same error.
  static func leaveToAnother() { untold.withLock { $0 = nil } }

  private static func end(_ error: any Error) -> Never {
    StandardStreams.flushOutput()
    Signals.dropLastWord()
    let text = ErrorText.of(error)
    let known = agreed.withLock { $0 }
    let rank = known?.rank ?? World.launchedRank(ProcessEnvironment.current) ?? 0
    digest.store(textDigest(text), ordering: .relaxed)
    untold.withLock { $0 = text }
    if rank == 0 {
      tell()
    } else if !Connection.meetsAtExit, known?.text != text {
      // Where rank 0 has an error too, the launcher ends this rank meanwhile. Where the ranks meet at exit, they see who
      // tells.
      usleep(500_000)
      tell()
    }
    hasEnded.store(true, ordering: .relaxed)
    exit(1)
  }

  private static func textDigest(_ text: String) -> UInt64 {
    var fingerprint = Fingerprint()
    fingerprint.fold(text)
    return fingerprint.low | 1
  }
}
