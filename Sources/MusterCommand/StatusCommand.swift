import ArgumentParser
import Foundation
import MusterJournal
import MusterUnits

/// `muster status`: how far a program is.
struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Tells from its journal how far a program is, also while it runs.")

  @Argument(help: "The journal.") var journal: String
  @OptionGroup var format: FormatOptions

  func run() throws {
    do {
      let status = try JournalStatus.ofLastSession(path: journal)
      try format.print(status) { Self.text(of: status, now: Date().timeIntervalSince1970) }
    } catch let fault as JournalFault {
      throw CommandFailure(Self.text(of: fault, journal))
    }
  }

  private static func text(of fault: JournalFault, _ path: String) -> String {
    switch fault {
    case .missing: "there is no journal '\(path)'. Programs make it when they run with MUSTER_JOURNAL=\(path)"
    case .system(let number): "'\(path)' can't be read: \(String(cString: strerror(number)))"
    case .foreign, .damaged:
      (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) == 0
        ? "'\(path)' is empty: a program has only just begun it, or was ended at once"
        : "'\(path)' isn't a journal of Muster's"
    case .version(let version):
      "'\(path)' is of version \(version) of the format, which this command doesn't know: take the"
        + " muster that was built with the program"
    }
  }

  static func text(of status: JournalStatus, now: Double) -> String {
    var rows: [(String, String)] = [("program", status.arguments.joined(separator: " "))]
    var calls = "\(status.calls) call\(status.calls == 1 ? "" : "s") of the session"
    if let time = status.lastTime {
      calls += ", the last one"
      if let call = status.lastCall { calls += " \(call)" }
      if let place = status.lastPlace { calls += " at \(place)" }
      calls += ", \(age(now - time)) ago"
    }
    rows.append(("done", calls))
    if status.pieces > 0 {
      rows.append(
        ("since", "\(status.piecesDone) of \(status.pieces) chunks of files and checkpoints, and results of futures"))
    }
    if let session = status.session {
      rows.append(("session", "the \(session). of the program, with a journal of its own beside the first"))
    }
    if let last = status.runs.last {
      let job = last.job.map { " (job \($0))" } ?? ""
      rows.append(
        ("runs", "\(status.runs.count), the last one on \(last.host)\(job), begun \(age(now - last.time)) ago"))
    }
    rows.append(("printed", ByteSize.text(status.printed)))
    let state =
      switch status.state {
      case .running: "runs"
      case .drained: "left before its work was done (\(status.reason ?? "")): waits to be started again"
      case .failed:
        "ended with an error, and goes on from there when it is started again:\n"
          + indented(status.error ?? "")
      case .interrupted: "was ended before its work was done: goes on when it is started again"
      case .finished: "has come to its end"
      }
    rows.append(("state", state))
    return rows.map { $0.0 + String(repeating: " ", count: 9 - $0.0.count) + $0.1 }.joined(separator: "\n")
  }

  /// In the second column.
  private static func indented(_ text: String) -> String {
    text.split(separator: "\n").map { String(repeating: " ", count: 9) + $0 }.joined(separator: "\n")
  }

  private static func age(_ seconds: Double) -> String {
    let seconds = max(0, Int(seconds))
    return switch seconds {
    case ..<120: "\(seconds) s"
    case ..<7200: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3600) h"
    default: "\(seconds / 86400) days"
    }
  }
}
