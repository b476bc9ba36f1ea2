import ArgumentParser
import MusterBatch

/// `muster logs`: what a job has written.
struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Prints what a job that muster submit submitted has written up to now.")

  @Argument(help: "The job's number.") var job: String
  @Option(help: "Of an array, the index of the job.") var index: Int?
  @Flag(help: "Prints what went to job.error, where that is a file of its own.") var errors = false
  @OptionGroup var format: FormatOptions

  func run() throws {
    let output = try Submission().output(of: job, index: index, errors: errors)
    if format.json {
      try format.print(output) { "" }
    } else {
      print(output.text, terminator: "")
    }
  }
}
