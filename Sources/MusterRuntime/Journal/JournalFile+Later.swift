internal import FoundationEssentials
internal import Glibc
internal import MusterJournal
internal import Synchronization

/// The journals of a process's sessions after the first: `NAME.2`, `NAME.3`, …
extension JournalFile {
  /// The journals of this process's sessions by the names that they were given, with how many there were.
  private static let sessions = Mutex<[String: Int]>([:])

  /// The second session of a process that names a journal has one of its own, and so on.
  static func ownPath(for name: String) -> String {
    let path = fullPath(of: name)
    let number = sessions.withLock { $0[name] ?? 0 }
    return number == 0 ? path : "\(path).\(number + 1)"
  }

  /// Whether there is one of the session after the one whose journal is about to be opened.
  static func hasLater(than name: String) -> Bool {
    let number = sessions.withLock { $0[name] ?? 0 }
    let first = try? JournalReader(path: "\(fullPath(of: name)).\(number + 2)").next()?.record
    guard case .start(let program)? = first else { return false }
    return program.arguments == ProgramIdentity.current.arguments
  }

  /// Another session of this process has opened the journal of that name, or one of its own beside it.
  static func noteSession(of name: String) { sessions.withLock { $0[name, default: 0] += 1 } }

  /// The first session of a process begins from the start: what the program's later ones had is of another run's. A file
  /// that another program has begun, or that is in use, isn't one of them.
  ///
  /// - Parameter arguments: those with which the program may have begun them.
  /// - Throws: `MusterError` where one of their journals has to stay.
  static func removeLater(_ path: String, begunWith arguments: [[String]]) throws(MusterError) {
    var number = 2
    while isLater("\(path).\(number)", begunWith: arguments) { number += 1 }
    // The last first: where a kill comes in between the next run finds those that are left.
    for number in stride(from: number - 1, to: 1, by: -1) {
      let later = "\(path).\(number)"
      // Empty it is nobody's, whatever a kill leaves beside it.
      guard truncate(later, 0) == 0 else { throw failure(later, errno) }
      try? FileManager.default.removeItem(atPath: blocksPath(of: later))
      unlink(outputPath(of: later))
      guard unlink(later) == 0 else { throw failure(later, errno) }
    }
  }

  private static func isLater(_ path: String, begunWith arguments: [[String]]) -> Bool {
    // For writing, or some file systems have no lock for it.
    let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      return false
    }
    // A run that was killed when it had made the file has left nothing in it.
    guard status.st_size > 0 else { return true }
    guard let program = (try? JournalScan(path: path))?.program else { return false }
    return arguments.contains(program.arguments)
  }
}
