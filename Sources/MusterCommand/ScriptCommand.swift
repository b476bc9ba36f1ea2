import ArgumentParser
import Foundation
import MusterBatch

/// `muster script`: prints the script that runs a program as a job.
struct ScriptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "script",
    abstract: "Prints a job script.",
    discussion: """
      Everything about the job comes from a configuration and the options: see cluster-configs in Muster's sources.

        muster script slurm --config cluster-configs/slurm.yaml --nodes 4 --walltime 2h30m -- ./program input.h5
      """)

  @Argument(help: "The batch system: slurm, pbs or local. By default that of the configuration.")
  var system: String?
  @OptionGroup var job: JobOptions
  @Flag(help: "Says above each line why it's there.") var explain = false
  @Option(
    name: .shortAndLong, help: ArgumentHelp("Writes the script to a file rather than to the output.", valueName: "file")
  )
  var output: String?
  @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
  var command: [String] = []

  func run() throws {
    let (configuration, system) = (try job.configuration(), try job.system(system))
    let text = try configuration.placing { job throws(BatchError) in
      try job.script(for: system, running: command)
    }.text(explaining: explain)
    guard let output else { return print(text, terminator: "") }
    do {
      try text.write(toFile: output, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: output)
    } catch {
      throw CommandFailure("\(output) can't be written: \(error.localizedDescription)")
    }
  }
}
