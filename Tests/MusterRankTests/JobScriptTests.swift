import Foundation
import MusterBatch
import Testing

/// The scripts that `muster script` makes of the plain configurations, run as a batch system runs them: with its variables,
/// from a copy, with real ranks. What a batch system takes from the lines at the top is taken from there.
@Suite(.serialized, .enabled(if: Launch.isOpenMPI, "the PBS script calls Open MPI's mpirun"))
struct JobScriptTests {
  @Test func pbs() throws {
    let job = try Job("pbs")
    defer { removeFolder(job.folder) }
    let chunk = try #require(job.text.firstMatch(of: /#PBS -l select=(\d+):ncpus=(\d+):mpiprocs=(\d+):mem=\d+mb\n/))
    let (chunks, processors, processes) = try (number(chunk.1), number(chunk.2), number(chunk.3))

    // PBS begins in the home folder.
    let run = try job.run(in: "home", ["NCPUS": "\(processors / processes)"])
    try expectAnalysis(run, job, ranks: chunks * processes, threads: processors / processes)
    // The output is where the configuration says.
    #expect(run.output.isEmpty, "\(run.output)")
  }

  @Test func slurm() throws {
    let job = try Job("slurm")
    defer { removeFolder(job.folder) }
    let nodes = try number(#require(job.text.firstMatch(of: /#SBATCH --nodes=(\d+)\n/)).1)
    let tasks = try number(#require(job.text.firstMatch(of: /#SBATCH --ntasks-per-node=(\d+)\n/)).1)
    let processors = try number(#require(job.text.firstMatch(of: /#SBATCH --cpus-per-task=(\d+)\n/)).1)
    let run = try job.run(in: "checkout", [:])
    try expectAnalysis(run, job, ranks: nodes * tasks, threads: processors)
  }

  @Test func local() throws {
    let job = try Job("laptop")
    defer { removeFolder(job.folder) }
    try expectAnalysis(try job.run(in: "checkout", [:]), job, ranks: 3, threads: 1)
  }

  /// The program's status is the job's.
  @Test(arguments: ["pbs", "slurm", "laptop"])
  func failsWithItsProgram(configuration: String) throws {
    let job = try Job(configuration)
    defer { removeFolder(job.folder) }
    try FileManager.default.removeItem(atPath: job.folder + "/checkout/data")
    let failed = try job.run(in: "checkout", [:])
    let output = failed.output + ((try? job.output()) ?? "")
    #expect(failed.status == 1 && output.contains("data/A1B_north_america.nc"), "\(output)")
  }

  private func number(_ text: Substring) throws -> Int { try #require(Int(text)) }

  private func expectAnalysis(_ run: (status: Int32, output: String), _ job: Job, ranks: Int, threads: Int) throws {
    #expect(run.status == 0, "\(run.output)")
    let output = try run.output + (threads > 1 && run.output.isEmpty ? job.output() : "")
    #expect(output.contains("explained variance of the first five modes:\n  1  83.24 %\n"), "\(output)")
    #expect(FileManager.default.fileExists(atPath: job.folder + "/checkout/results/eof/eof.h5"))
    let settings = "of \(ranks) with \(threads) threads, OpenMP 1, BLAS 1, hashing 1\n"
    #expect(try job.programs() == (0..<ranks).map { "rank \($0) \(settings)" })
  }
}

/// A job script beside a checkout with the built program, and what the job gets from the batch system.
private struct Job {
  let folder = temporaryFolder("job")
  /// What the script says.
  let text: String

  init(_ name: String) throws {
    let configurations = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("cluster-configs")
    var configuration = JobConfiguration()
    try configuration.read(configurations.appendingPathComponent(name + ".yaml").path)
    if name == "pbs" { try configuration.set("output", to: "{name}-{id}.out", option: "--set") }
    if name != "laptop" { try configuration.set("shape", to: "1 node × 5 ranks × 2 cores", option: "--shape") }
    text = try configuration.checked().script(running: [
      ".build/release/eof", "data/A1B_north_america.nc", "data/E1_north_america.nc", "--output", "results/eof",
    ]).text()
    for name in ["home", "bin", "programs", "checkout/.build/release"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
    guard let data = Launch.inherited["MUSTER_DATA"] else {
      throw LaunchError("MUSTER_DATA isn't set: run the tests with `make test`")
    }
    try FileManager.default.createSymbolicLink(atPath: folder + "/checkout/data", withDestinationPath: data)
    try String(repeating: "localhost\n", count: 5).write(toFile: folder + "/nodes", atomically: true, encoding: .utf8)
    // A batch system runs a copy of its own.
    try text.write(toFile: folder + "/script", atomically: true, encoding: .utf8)
    // Notes what each rank was given, and goes on as the program.
    try write(
      "checkout/.build/release/eof",
      """
      threads=${MUSTER_THREADS:-${SLURM_CPUS_PER_TASK:-none}}
      echo "rank $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE with $threads threads," \\
        "OpenMP $OMP_NUM_THREADS, BLAS $OPENBLAS_NUM_THREADS, hashing $SWIFT_DETERMINISTIC_HASHING" \\
        >"\(folder)/programs/$OMPI_COMM_WORLD_RANK"
      exec "\(try Launch.path(of: "eof"))" "$@"
      """)
    try write(
      "bin/srun",
      """
      while [[ $1 == -* ]]; do
        case $1 in
          --mpi=pmix | --kill-on-bad-exit=1 | --cpu-bind=cores) shift ;;
          --ntasks=*) tasks=${1#*=}; shift ;;
          --cpus-per-task=*) export SLURM_CPUS_PER_TASK=${1#*=}; shift ;;
          *) echo "srun: unrecognized option '$1'" >&2; exit 2 ;;
        esac
      done
      unset SLURM_JOB_ID
      exec mpirun -n "$tasks" "$@"
      """)
  }

  private func write(_ name: String, _ body: String) throws {
    let path = "\(folder)/\(name)"
    try ("#!/bin/bash\n" + body + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  /// What the job has written to the file that its configuration names.
  func output() throws -> String { try contents(folder + "/checkout/eof-4321.out") }

  /// What the ranks were given, in their order.
  func programs() throws -> [String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/programs")
    return try names.sorted().map { try contents("\(folder)/programs/\($0)") }
  }

  /// Runs the script in a folder of the job, with its variables.
  func run(in name: String, _ variables: [String: String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "60", "bash", folder + "/script"]
    process.currentDirectoryURL = URL(fileURLWithPath: "\(folder)/\(name)")
    var environment = Launch.inherited.filter { $0.key != "MUSTER_THREADS" }
    environment["PATH"] = "\(folder)/bin:" + (environment["PATH"] ?? "")
    for (name, value) in [
      "PBS_NODEFILE": folder + "/nodes", "PBS_O_WORKDIR": folder + "/checkout", "PBS_JOBID": "4321.server",
      "PBS_JOBNAME": "eof", "SLURM_JOB_ID": "4321",
    ] where text.contains("#PBS") == name.hasPrefix("PBS") { environment[name] = value }
    // Test machines have fewer cores than the jobs ask for.
    for name in ["ALLOW_RUN_AS_ROOT", "ALLOW_RUN_AS_ROOT_CONFIRM", "MCA_rmaps_base_oversubscribe"] {
      environment["OMPI_" + name] = "1"
    }
    process.environment = environment.merging(variables) { $1 }
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try Launch.runWithSignals(process)
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }
}
