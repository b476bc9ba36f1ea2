import Foundation
import Testing

/// `muster` as people call it.
struct CommandTests {
  /// The built command, beside the tests.
  private static let muster: String = {
    var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    for _ in 0..<5 {
      let path = folder.appendingPathComponent("muster").path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
      folder.deleteLastPathComponent()
    }
    return "muster"
  }()

  private let configuration = ShippedConfigurationTests.root.appendingPathComponent("cluster-configs/slurm.yaml").path

  @Test func printsAScript() throws {
    let (status, output) = try Tool.run(
      Self.muster,
      [
        "script", "slurm", "--config", configuration, "--nodes", "4", "--walltime", "90 min", "--", "./heat", "--steps",
        "3",
      ])
    #expect(status == 0)
    #expect(output.hasPrefix("#!/bin/bash\n#SBATCH --job-name=heat\n#SBATCH --nodes=4\n"), "\(output)")
    #expect(output.contains("#SBATCH --time=01:30:00\n") && output.hasSuffix("./heat --steps 3\n"), "\(output)")
  }

  @Test func takesItsConfigurationFromTheEnvironment() throws {
    let (status, output) = try Tool.run(
      Self.muster, ["script", "--explain", "--", "./heat"], environment: ["MUSTER_CONFIG": configuration])
    #expect(status == 0 && output.contains("# 8 ranks on each\n#SBATCH --ntasks-per-node=8\n"), "\(output)")
  }

  @Test func writesAScriptThatCanBeRun() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString).sh").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (status, output) = try Tool.run(
      Self.muster, ["script", "local", "--set", "job.prologue=[echo before, exit 3]", "--output", path, "--", "./heat"])
    #expect(status == 0 && output.isEmpty, "\(output)")
    let (ended, said) = try Tool.run(path, [])
    #expect(ended == 3 && said == "before\n", "\(said)")
  }

  @Test(arguments: [
    (["script", "slurm", "--walltime", "soon", "--", "./heat"], "--walltime: job.walltime is 'soon'"),
    (["script", "slurm", "--config", "/nowhere.yaml", "--", "./heat"], "/nowhere.yaml can't be read"),
    (["script", "slurm"], "the program is missing"),
    (["script", "--", "./heat"], "the batch system isn't said"),
    (["script", "lsf", "--", "./heat"], "slurm"),
    (["script", "slurm", "--set", "job.nodes", "--", "./heat"], "takes key=value"),
    (["script", "slurm", "--output", "/nowhere/a", "--", "./heat"], "/nowhere/a can't be written"),
  ])
  func refuses(arguments: [String], message: String) throws {
    let (status, output) = try Tool.run(Self.muster, arguments)
    #expect(status != 0 && output.contains(message), "\(status): \(output)")
    #expect(!output.contains("#!/bin/bash"))
  }
}
