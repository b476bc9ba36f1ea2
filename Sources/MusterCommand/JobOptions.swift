import ArgumentParser
import Foundation
import MusterBatch

/// What says how a job is to be: a configuration, and what a command says over and above.
struct JobOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The configuration of the cluster and the job.",
      discussion: "By default the file that MUSTER_CONFIG names, if it's set.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("Nodes × ranks on each × cores of each: '4 nodes × 8 ranks × 16 cores', or 4x8x16."))
  var shape: String?
  @Option(help: "The number of nodes.") var nodes: String?
  @Option(help: "The ranks of each node.") var ranksPerNode: String?
  @Option(help: "The cores of each rank.") var coresPerRank: String?
  @Option(help: "The memory of each node, such as '230 GB'.") var memory: String?
  @Option(help: "How long the job may take, such as 2h30m.") var walltime: String?
  @Option(help: "The job's name.") var name: String?
  @Option(help: "What is charged: account or project.") var account: String?
  @Option(help: "The queue; SLURM calls it partition.") var queue: String?
  @Option(help: "SLURM's quality of service.") var qos: String?
  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp(
      "Any key of a configuration: --set job.mail-to=me@site.org, --set 'job.modules=[hdf5, openblas]'.",
      valueName: "key=value"))
  var settings: [String] = []

  /// The batch system that a command's first word names.
  func system(_ word: String?) throws -> BatchSystem? {
    guard let word else { return nil }
    if let system = BatchSystem(rawValue: word) { return system }
    throw ValidationError(
      "'\(word)' is no batch system: there are slurm, pbs and local. The program and its arguments come after --")
  }

  /// The description, as far as it was said.
  func configuration() throws -> JobConfiguration {
    var configuration = JobConfiguration()
    if let path = config ?? ProcessInfo.processInfo.environment["MUSTER_CONFIG"] { try configuration.read(path) }
    let named: [(String, String?)] = [
      ("shape", shape), ("nodes", nodes), ("ranks-per-node", ranksPerNode), ("cores-per-rank", coresPerRank),
      ("memory", memory), ("walltime", walltime), ("name", name), ("account", account), ("queue", queue), ("qos", qos),
    ]
    for (key, value) in named { if let value { try configuration.set(key, to: value, option: "--\(key)") } }
    for setting in settings {
      guard let equals = setting.firstIndex(of: "=") else {
        throw ValidationError("--set \(setting): takes key=value, such as job.walltime=2h")
      }
      try configuration.set(
        String(setting[..<equals]), to: String(setting[setting.index(after: equals)...]), option: "--set \(setting)")
    }
    return configuration
  }
}
