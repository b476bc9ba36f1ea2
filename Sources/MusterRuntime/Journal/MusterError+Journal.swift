internal import MusterJournal

extension MusterError {
  /// The program doesn't do what the one did that wrote its journal.
  init(changedProgram text: String, callSite: CallSite? = nil) {
    self.init(
      .changedProgram, text,
      fix: "Run the program as it was, or discard what the journal holds with MUSTER_JOURNAL_START=anew",
      callSite: callSite)
  }

  /// A journal can't be read.
  init(_ fault: JournalFault, path: String) {
    switch fault {
    case .missing:
      self.init(
        .fileNotFound, "the journal '\(path)' isn't there", fix: "Put it in a folder that all nodes see under that path"
      )
    case .system(let number):
      self.init(
        FileWriting.code(of: number), "the journal '\(path)' can't be read: \(FileWriting.text(of: number))")
    case .foreign, .version, .damaged:
      self.init(
        .damagedFile, "the journal '\(path)' is damaged",
        fix: "Set MUSTER_JOURNAL_START=anew to discard what it holds")
    }
  }
}
