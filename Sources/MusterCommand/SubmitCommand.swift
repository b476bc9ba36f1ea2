import ArgumentParser
import Foundation
import MusterBatch

/// `muster submit`: submits a program as a job.
struct SubmitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Submits a program as a batch job, and prints the job's number.",
    discussion: "Takes what muster script takes. The job belongs to the current folder.")

  @Argument(help: "The batch system: slurm or pbs. By default that of the configuration.")
  var system: String?
  @OptionGroup var job: JobOptions
  @Flag(help: "Has the batch system look at the job without taking it.") var dryRun = false
  @OptionGroup var queue: QueueOptions
  @OptionGroup var format: FormatOptions
  @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
  var command: [String] = []

  func run() throws {
    let (configuration, system) = (try job.configuration(), try job.system(system))
    guard !dryRun else {
      let words = try configuration.placing { job throws(BatchError) in
        try queue.submission.test(job, in: system, running: command)
      }
      return try format.print(["test": words]) { words }
    }
    let record = try configuration.placing { job throws(BatchError) in
      try queue.submission.submit(job, to: system, running: command)
    }
    try format.print(record) { record.id }
  }
}
