internal import Glibc

/// Where a report goes: a file that gets its name when the text is in it, or standard error.
struct ReportFile: Sendable {
  /// What it is called when it's written; nil for standard error.
  var path: String?
  private let partial: String
  private let descriptor: Int32

  /// Whether a setting means standard error.
  static func isStandardError(_ setting: String) -> Bool { setting == "-" || setting == "stderr" }

  /// Begins it: a path that can't be written to is found before there is anything to lose.
  ///
  /// - Throws: `MusterError` where the file can't be made.
  init(_ setting: String) throws(MusterError) {
    guard !Self.isStandardError(setting) else {
      (path, partial, descriptor) = (nil, "", STDERR_FILENO)
      return
    }
    var status = stat()
    guard stat(setting, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR else {
      throw Self.error(setting, number: EISDIR)
    }
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    path = setting
    partial = setting + "." + String(repeating: "0", count: 16 - digits.count) + digits + ".partial"
    descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw Self.error(setting, number: errno) }
  }

  /// Writes the text and ends the file.
  ///
  /// - Throws: `MusterError` where it couldn't be written; then it isn't there, and one that was there before still is.
  func write(_ text: String) throws(MusterError) {
    guard let path else { return StandardStreams.writeError(text) }
    var number = Array(text.utf8).withUnsafeBytes { FileWriting.write($0, to: descriptor) }
    if close(descriptor) != 0, number == 0 { number = errno }
    if number == 0, rename(partial, path) != 0 { number = errno }
    guard number != 0 else { return }
    unlink(partial)
    throw Self.error(path, number: number)
  }

  /// There is to be no report.
  func abandon() {
    guard path != nil else { return }
    close(descriptor)
    unlink(partial)
  }

  private static func error(_ path: String, number: Int32) -> MusterError {
    MusterError(
      FileWriting.code(of: number),
      "the report can't be written to \"\(path)\": \(FileWriting.text(of: number))",
      fix:
        "Set MUSTER_REPORT or SessionConfiguration.report to a file in a folder that is there, may be written to, and"
        + " has room, or to '-' for standard error")
  }
}
