import ArgumentParser
import Foundation
import MusterBatch

/// `muster logs`: what a job has written.
struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Prints what a job that muster submit submitted has written up to now.")

  @Argument(help: "The job's number.") var job: String
  @Option(help: "Of an array, the index of the job.") var index: Int?
  @OptionGroup var format: FormatOptions

  private struct Log: Encodable {
    var job: String
    var file: String
    var text: String
  }

  func run() throws {
    let record = try Submission().record(of: job)
    var file = record.output.hasPrefix("/") ? record.output : record.folder + "/" + record.output
    if file.contains("{index}") {
      guard let index else { throw ValidationError("job \(job) is an array: say which of its jobs with --index") }
      file = file.replacing("{index}", with: "\(index)")
    } else if index != nil {
      throw ValidationError("job \(job) is no array: leave out --index")
    }
    guard let data = FileManager.default.contents(atPath: file) else {
      throw BatchError(
        .unreadableFile, "\(file), the output of job \(job), isn't there",
        fix: "A job that hasn't begun, or couldn't begin, has written nothing: see muster jobs \(record.id)")
    }
    let text = String(decoding: data, as: UTF8.self)
    if format.json {
      try format.print(Log(job: record.id, file: file, text: text)) { "" }
    } else {
      print(text, terminator: "")
    }
  }
}
