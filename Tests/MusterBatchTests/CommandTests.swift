import Foundation
import Testing

/// `muster` as people call it.
struct CommandTests {
  private let configuration = ShippedConfigurationTests.root.appendingPathComponent("cluster-configs/slurm.yaml").path

  @Test func printsAScript() throws {
    let (status, output) = try Tool.run(
      Tool.muster,
      [
        "script", "slurm", "--config", configuration, "--nodes", "4", "--walltime", "90 min", "--", "./heat", "--steps",
        "3",
      ])
    #expect(status == 0)
    #expect(output.hasPrefix("#!/bin/bash\n#SBATCH --job-name=heat\n#SBATCH --nodes=4\n"), "\(output)")
    #expect(output.contains("#SBATCH --time=01:30:00\n") && output.contains(" ./heat --steps 3 &\n"), "\(output)")
  }

  @Test func takesItsConfigurationFromTheEnvironment() throws {
    let (status, output) = try Tool.run(
      Tool.muster, ["script", "--explain", "--", "./heat"], environment: ["MUSTER_CONFIG": configuration])
    #expect(status == 0 && output.contains("# 8 ranks on each\n#SBATCH --ntasks-per-node=8\n"), "\(output)")
  }

  @Test func writesAScriptThatCanBeRun() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString).sh").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (status, output) = try Tool.run(
      Tool.muster, ["script", "local", "--set", "job.prologue=[echo before, exit 3]", "--output", path, "--", "./heat"])
    #expect(status == 0 && output.isEmpty, "\(output)")
    let (ended, said) = try Tool.run(path, [])
    #expect(ended == 3 && said == "before\n", "\(said)")
  }

  private static let isOpenMPI = (try? Tool.run("mpirun", ["--version"]).output.contains("Open MPI")) ?? false

  /// Ranks of this machine; the command ends as the program does.
  @Test(.enabled(if: isOpenMPI, "mpirun is another MPI's")) func runsOnThisMachine() throws {
    let program = "echo rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE, $MUSTER_THREADS threads, \"$1\"; exit $2"
    let (status, output) = try Tool.run(
      Tool.muster, ["run", "-n", "3", "--threads", "2", "bash", "-c", program, "x", "a  b", "0"])
    #expect(status == 0, "\(output)")
    #expect(
      output.split(separator: "\n").sorted() == (0..<3).map { "rank \($0) of 3, 2 threads, a  b" }, "\(output)")
    #expect(try Tool.run(Tool.muster, ["run", "-n", "1", "--", "bash", "-c", program, "x", "y", "3"]).status == 3)
    let json = try Tool.run(
      "bash", ["-c", "\"$0\" run --json -n 1 bash -c 'echo hidden; exit 4' 2>/dev/null", Tool.muster])
    #expect(
      json.status == 4 && json.output.contains("\"status\" : 4") && !json.output.contains("hidden"), "\(json.output)")
  }

  @Test func hasHelp() throws {
    for command in ["run", "script", "submit", "jobs", "logs", "cancel", "status"] {
      let (status, output) = try Tool.run(Tool.muster, [command, "--help"])
      #expect(status == 0 && output.contains("USAGE: muster \(command)"), "\(output)")
    }
  }

  /// Whoever ends the command ends the ranks. Told once: told twice, as `timeout` does by itself, mpirun goes without them.
  @Test(.enabled(if: isOpenMPI, "mpirun is another MPI's"), arguments: [[], ["--json"]], ["TERM", "USR2"])
  func endsWithItsRanks(format: [String], signal: String) throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: file) }
    let start = Date()
    let (status, output) = try Tool.run(
      "/usr/bin/timeout",
      [
        "--foreground", "--signal=\(signal)", "2", Tool.muster, "run",
      ] + format + ["-n", "2", "bash", "-c", "echo $$ >>\(file); exec sleep 50"])
    #expect(status != 0 && Date().timeIntervalSince(start) < 30, "\(output)")
    for process in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
      // A moment after the launcher; one that nobody has collected yet is gone, too.
      var state: Character?
      for _ in 0..<50 {
        let words = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        state = words?.split(separator: ") ").last?.first
        if state == nil || state == "Z" { break }
        usleep(100_000)
      }
      #expect(state == nil || state == "Z", "rank \(process) is still there")
    }
  }

  @Test(arguments: [
    (["script", "slurm", "--walltime", "soon", "--", "./heat"], "--walltime: job.walltime is 'soon'"),
    (["script", "slurm", "--config", "/nowhere.yaml", "--", "./heat"], "/nowhere.yaml can't be read"),
    (["script", "slurm"], "the program is missing"),
    (["script", "--", "./heat"], "the batch system isn't said"),
    (["script", "lsf", "--", "./heat"], "'lsf' is no batch system: there are slurm, pbs and local"),
    (["script", "./heat"], "come after --"), (["script", "--wall-time", "2h", "--", "./heat"], "--wall-time"),
    (
      ["script", "slurm", "--set", "cluster.resources=totals", "--", "./heat"],
      "--set cluster.resources=totals: slurm has"
    ),
    (["script", "pbs", "--qos", "low", "--", "./heat"], "--qos: pbs has no qos"),
    (["script", "local", "--shape", "2x1", "--", "./heat"], "--shape: local has no other nodes"),
    (["run", "--config", "x", "./heat"], "muster run has no option --config"),
    (["run", "-n", "0", "./heat"], "are 1 or more"),
    (["script", "slurm", "--set", "job.nodes", "--", "./heat"], "takes key=value"),
    (["script", "slurm", "--output", "/nowhere/a", "--", "./heat"], "/nowhere/a can't be written"),
  ])
  func refuses(arguments: [String], message: String) throws {
    let (status, output) = try Tool.run(Tool.muster, arguments)
    #expect(status != 0 && output.contains(message), "\(status): \(output)")
    #expect(!output.contains("#!/bin/bash"))
  }
}
