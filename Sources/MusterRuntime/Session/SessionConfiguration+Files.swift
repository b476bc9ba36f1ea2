internal import FoundationEssentials

extension SessionConfiguration {
  /// What goes to one file twice would be lost.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`, naming both.
  func expectFilesApart() throws(MusterError) {
    var names: [String: String] = [:]
    let files: [(String, String?)] = [
      ("the journal (MUSTER_JOURNAL)", journal), ("what the journal keeps of the output", journal.map { $0 + ".out" }),
      ("the trace (MUSTER_TRACE)", trace), ("the report (MUSTER_REPORT)", report),
    ]
    for case (let name, let path?) in files where !(path == report && ReportFile.isStandardError(path)) {
      let full = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
      let key = full.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
      if let other = names.updateValue(name, forKey: key) {
        throw MusterError(
          .invalidArgument, "'\(path)' is both \(other) and \(name)", fix: "Give each a file of its own")
      }
    }
  }
}
