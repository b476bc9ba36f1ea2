import ArgumentParser
import Foundation
import MusterBatch

/// `muster jobs`: what has become of jobs.
struct JobsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jobs",
    abstract: "Says what has become of jobs that muster submit submitted, the last first.")

  /// How many are listed where nothing is said.
  private static let fewJobs = 20

  @Argument(help: "The jobs' numbers. By default the last twenty.")
  var jobs: [String] = []
  @Flag(help: "Lists all that were ever submitted.") var all = false
  @OptionGroup var queue: QueueOptions
  @OptionGroup var format: FormatOptions

  private struct Entry: Encodable {
    var job: JobRecord
    /// Missing where the batch system doesn't know the job any more.
    var status: JobStatus?
  }

  func run() throws {
    let submission = queue.submission
    let known = submission.ledger.records()
    let records =
      jobs.isEmpty ? known.suffix(all ? .max : Self.fewJobs) : try jobs.map { try submission.record(of: $0) }[...]
    let entries = try submission.statuses(of: Array(records)).map { Entry(job: $0.record, status: $0.status) }
    let hidden = jobs.isEmpty ? known.count - records.count : 0
    try format.print(entries) {
      Self.table(entries) + (hidden > 0 ? "\nand \(hidden) before: muster jobs --all" : "")
    }
  }

  /// What a batch system says may have several lines.
  private static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: "; ")
  }

  /// Which jobs of an array went wrong: those are to be looked at, or submitted again.
  private static func indices(ofJobs state: String, _ status: JobStatus?) -> String {
    guard let state = JobState(rawValue: state), state.isFinal, state != .completed,
      let indices = status?.indicesByState?[state.rawValue]
    else { return "" }
    let words = indices.split(separator: ",")
    return " (\(words.prefix(12).joined(separator: ","))\(words.count > 12 ? ",…" : ""))"
  }

  private static func table(_ entries: [Entry]) -> String {
    guard !entries.isEmpty else { return "no job was submitted yet" }
    let dates = DateFormatter()
    dates.dateFormat = "yyyy-MM-dd HH:mm"
    var rows = [["JOB", "NAME", "SUBMITTED", "STATE", "REASON"]]
    for entry in entries {
      let status = entry.status
      var state = status?.state.rawValue ?? "gone"
      if let counts = status?.jobsByState {
        state = counts.sorted { $0.key < $1.key }
          .map { "\($0.value) \($0.key)\(Self.indices(ofJobs: $0.key, status))" }.joined(separator: ", ")
      }
      if let status, status.state == .unknown, !status.word.isEmpty { state += " (\(status.word))" }
      if let exit = status?.exitStatus, exit != 0 {
        // Its chain goes on under other numbers.
        let hasDrained =
          status?.state == .failed && status?.jobsByState == nil && exit == JobDescription.drainedStatus
          && entry.job.journal != nil
        state = hasDrained ? "drained" : state + " (status \(exit))"
      }
      if let signal = status?.signal { state += " (signal \(signal))" }
      let submitted = dates.string(from: Date(timeIntervalSince1970: entry.job.time))
      rows.append([entry.job.id, entry.job.name, submitted, state, status?.reason.map(Self.line) ?? ""])
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      var line = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }
}
