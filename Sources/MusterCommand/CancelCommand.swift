import ArgumentParser
import MusterBatch

/// `muster cancel`: cancels jobs.
struct CancelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Cancels jobs that muster submit submitted.")

  @Argument(help: "The jobs' numbers.") var jobs: [String]
  @OptionGroup var queue: QueueOptions
  @OptionGroup var format: FormatOptions

  func run() throws {
    let submission = queue.submission
    for record in try jobs.map({ try submission.record(of: $0) }) {
      try BatchQueue(record.system, patience: queue.patience).cancel([record.id])
    }
    if format.json { try format.print(["cancelled": jobs]) { "" } }
  }
}
