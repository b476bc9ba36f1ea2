import ArgumentParser

/// The command `muster`.
@main
struct MusterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "muster",
    abstract: "Gets programs that run under mpirun onto a cluster.",
    subcommands: [
      RunCommand.self, ScriptCommand.self, SubmitCommand.self, JobsCommand.self, LogsCommand.self, CancelCommand.self,
      StatusCommand.self,
    ])
}
