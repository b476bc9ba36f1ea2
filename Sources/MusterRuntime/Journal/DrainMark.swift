internal import Glibc

/// A small file beside a journal that is there while the last run has left before its work was done. Job scripts look for
/// it, since launchers don't always pass a status on: MPICH's kills the ranks that are still there when one has left, and
/// then tells of that, or of nothing.
struct DrainMark: Codable, Sendable {
  let path: String

  /// - Parameter journal: The path that the program was given: its second session's journal has another one, and a script
  ///   knows this one.
  init(journal: String) { path = journal + ".drained" }

  /// A run begins.
  ///
  /// - Throws: `MusterError` where the file is there to stay.
  func remove() throws(MusterError) {
    guard unlink(path) != 0, errno != ENOENT else { return }
    let number = errno
    throw MusterError(
      FileWriting.code(of: number), "'\(path)', of an earlier run, can't be removed: \(FileWriting.text(of: number))",
      fix: "Remove it, and let the program write to its folder")
  }

  /// The session is about to leave: what was done is in the journal.
  func set() {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let text = FileWriting.text(of: errno)
      return StandardStreams.writeError(
        "muster: warning: '\(path)' can't be made: \(text). Job scripts go by the status alone\n")
    }
    close(descriptor)
  }
}
