import Foundation
import Testing

/// The job scripts, run as a batch system runs them: with its variables, from a copy, with real ranks. What a batch
/// system takes from the lines at the top is taken from there.
@Suite(.serialized, .enabled(if: Launch.isOpenMPI, "the PBS script calls Open MPI's mpirun"))
struct JobScriptTests {
  @Test func pbs() throws {
    let job = try Job(script: "eof.pbs")
    defer { removeFolder(job.folder) }
    let chunk = try #require(job.text.firstMatch(of: /#PBS -l select=(\d+):ncpus=(\d+):mpiprocs=(\d+):mem=\d+gb\n/))
    let (chunks, processors, processes) = try (number(chunk.1), number(chunk.2), number(chunk.3))
    let nodes = Array(repeating: "localhost\n", count: chunks * processes).joined()
    try nodes.write(toFile: job.folder + "/nodes", atomically: true, encoding: .utf8)

    // PBS begins in the home folder.
    let run = try job.run(
      in: "home",
      [
        "PBS_NODEFILE": job.folder + "/nodes", "PBS_O_WORKDIR": job.folder + "/checkout", "PBS_JOBID": "4321.server",
        "NCPUS": "\(processors / processes)",
      ])
    try expectAnalysis(run, job, ranks: chunks * processes, threads: processors / processes)
  }

  @Test func slurm() throws {
    let job = try Job(script: "eof.slurm")
    defer { removeFolder(job.folder) }
    let tasks = try number(#require(job.text.firstMatch(of: /#SBATCH --ntasks=(\d+)\n/)).1)
    let processors = try number(#require(job.text.firstMatch(of: /#SBATCH --cpus-per-task=(\d+)\n/)).1)
    let run = try job.run(
      in: "checkout",
      ["SLURM_JOB_ID": "4321", "SLURM_NTASKS": "\(tasks)", "SLURM_CPUS_PER_TASK": "\(processors)"])
    try expectAnalysis(run, job, ranks: tasks, threads: processors)
  }

  /// The program's status is the job's, and a script that isn't told where its data is says so.
  @Test(arguments: ["eof.pbs", "eof.slurm"])
  func failsWithItsProgram(script: String) throws {
    let job = try Job(script: script)
    defer { removeFolder(job.folder) }
    try "localhost\nlocalhost\n".write(toFile: job.folder + "/nodes", atomically: true, encoding: .utf8)
    let variables = [
      "PBS_NODEFILE": job.folder + "/nodes", "PBS_O_WORKDIR": job.folder + "/checkout", "PBS_JOBID": "4321.server",
      "SLURM_JOB_ID": "4321", "SLURM_NTASKS": "2", "SLURM_CPUS_PER_TASK": "1",
    ]
    let untold = try job.run(in: "checkout", variables.merging(["DATA": ""]) { $1 })
    #expect(untold.status == 1 && untold.output.contains("DATA: set DATA to the folder of"), "\(untold.output)")
    #expect(try job.programs().isEmpty)

    let failed = try job.run(in: "checkout", variables.merging(["DATA": "/nowhere"]) { $1 })
    #expect(failed.status == 1 && failed.output.contains("/nowhere/A1B_north_america.nc"), "\(failed.output)")
    #expect(try job.programs().count == 2)
  }

  private func number(_ text: Substring) throws -> Int { try #require(Int(text)) }

  private func expectAnalysis(_ run: (status: Int32, output: String), _ job: Job, ranks: Int, threads: Int) throws {
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains("explained variance of the first five modes:\n  1  83.24 %\n"), "\(run.output)")
    #expect(FileManager.default.fileExists(atPath: job.folder + "/checkout/results/4321/eof.h5"))
    let settings = "of \(ranks) with \(threads) threads, OpenMP 1, BLAS 1, hashing 1\n"
    #expect(try job.programs() == (0..<ranks).map { "rank \($0) \(settings)" })
  }
}

/// A job script beside a checkout with the built program, and what the job gets from the batch system.
private struct Job {
  let folder = temporaryFolder("job")
  /// What the script says.
  let text: String

  init(script: String) throws {
    let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("jobscripts")
    text = try contents(scripts.appendingPathComponent(script).path)
    for name in ["home", "bin", "programs", "checkout/.build/release"] {
      try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
    }
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
    // Takes the number of tasks from the job, and not the processors of each.
    try write(
      "bin/srun",
      """
      while [[ $1 == -* ]]; do
        case $1 in
          --mpi=pmix | --kill-on-bad-exit=1 | --cpu-bind=cores) shift ;;
          *) echo "srun: unrecognized option '$1'" >&2; exit 2 ;;
        esac
      done
      tasks=$SLURM_NTASKS
      unset SLURM_JOB_ID SLURM_NTASKS SLURM_CPUS_PER_TASK
      if [ -n "${SRUN_CPUS_PER_TASK:-}" ]; then export SLURM_CPUS_PER_TASK=$SRUN_CPUS_PER_TASK; fi
      exec mpirun -n "$tasks" "$@"
      """)
  }

  private func write(_ name: String, _ body: String) throws {
    let path = "\(folder)/\(name)"
    try ("#!/bin/bash\n" + body + "\n").write(toFile: path, atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

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
    var environment = Launch.inherited.filter { !["MUSTER_THREADS", "OUTPUT"].contains($0.key) }
    environment["PATH"] = "\(folder)/bin:" + (environment["PATH"] ?? "")
    guard let data = environment["MUSTER_DATA"] else {
      throw LaunchError("MUSTER_DATA isn't set: run the tests with `make test`")
    }
    environment["DATA"] = data
    // Test machines have fewer cores than the jobs ask for.
    for name in ["ALLOW_RUN_AS_ROOT", "ALLOW_RUN_AS_ROOT_CONFIRM", "MCA_rmaps_base_oversubscribe"] {
      environment["OMPI_" + name] = "1"
    }
    process.environment = environment.merging(variables) { $1 }
    process.standardInput = FileHandle.nullDevice
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, output)
  }
}
