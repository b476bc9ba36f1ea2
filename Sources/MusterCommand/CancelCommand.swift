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
    let records = try jobs.map { try submission.record(of: $0) }
    for system in [BatchSystem.slurm, .pbs] {
      let ids = records.filter { $0.system == system }.map(\.id)
      if !ids.isEmpty { try BatchQueue(system, patience: queue.patience).cancel(ids) }
    }
    if format.json { try format.print(["cancelled": jobs]) { "" } }
  }
}
