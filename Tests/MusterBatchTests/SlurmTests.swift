import Foundation
import Testing

/// Real jobs in a real SLURM: that which `Tests/slurm/with` starts, of two nodes with 8 CPUs each, both this machine. `Tests/slurm/run` runs them.
@Suite(
  .serialized,
  .enabled(
    if: ProcessInfo.processInfo.environment["MUSTER_TEST_SLURM"] != nil, "Tests/slurm/run starts a SLURM for them"))
final class SlurmTests {
  private let folder: String
  private let configuration: String

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func program(_ name: String) -> String {
    URL(fileURLWithPath: Tool.muster).deletingLastPathComponent().appendingPathComponent(name).path
  }

  init() throws {
    folder =
      FileManager.default.temporaryDirectory.appendingPathComponent("muster-slurm-jobs-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    configuration = folder + "/cluster.yaml"
    // The node has eight CPUs, as far as SLURM knows; the machine may have fewer.
    try """
    cluster: {system: slurm, mpi: pmix, node-cores: 8, bind-ranks: false}
    job: {shape: 1 node × 3 ranks × 1 core, walltime: 10m}
    """.write(toFile: configuration, atomically: true, encoding: .utf8)
  }

  private func muster(_ arguments: [String]) throws -> (status: Int32, output: String) {
    try Tool.run(Tool.muster, arguments, environment: ["XDG_STATE_HOME": folder], in: folder)
  }

  private func submit(_ options: [String], _ command: [String]) throws -> String {
    let (status, output) = try muster(["submit", "--config", configuration] + options + ["--"] + command)
    #expect(status == 0, "\(output)")
    return output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private struct Entry: Decodable {
    struct Status: Decodable {
      var state: String
      var reason: String?
      var exitStatus: Int?
      var jobsByState: [String: Int]?
      var indicesByState: [String: String]?
    }
    var status: Status?
  }

  private func status(_ id: String) throws -> Entry.Status? {
    let (status, output) = try muster(["jobs", id, "--json"])
    #expect(status == 0, "\(output)")
    return try JSONDecoder().decode([Entry].self, from: Data(output.utf8)).first?.status
  }

  /// Waits until a job is as it's expected to be, for up to a minute.
  ///
  /// - Parameter final: What the program of a job of several parts writes last: `srun` may stay when all else has gone.
  private func wait(
    for id: String, afterWhich final: String? = nil, _ isThere: (Entry.Status) -> Bool
  ) throws -> Entry.Status {
    var last: Entry.Status?
    var roundsWithoutStep = 0
    for _ in 0..<240 {
      last = try status(id)
      if let last, isThere(last) { return last }
      if let final, last?.state == "running", try isOnlyLauncherLeft(of: id) {
        roundsWithoutStep += 1
        if roundsWithoutStep >= 40, try Self.slurmVersion.lexicographicallyPrecedes([24, 11]),
          try muster(["logs", id]).output.contains(final)
        {
          try cancel(id)
          throw LauncherHang(job: id)
        }
      } else {
        roundsWithoutStep = 0
      }
      usleep(250_000)
    }
    let shown = try Tool.run("scontrol", ["show", "job", id]).output
    let log = try muster(["logs", id]).output
    // Others are to have its room.
    try cancel(id)
    throw Failure(text: "job \(id) hung for a minute: it is \(last.map { "\($0)" } ?? "unknown")\n\(shown)\n\(log)")
  }

  /// Of the form `[22, 5, 8]`.
  private static var slurmVersion: [Int] {
    get throws {
      let said = try Tool.run("srun", ["--version"]).output
      return said.split(separator: " ").last.map { $0.split { !$0.isNumber }.compactMap { Int($0) } } ?? []
    }
  }

  /// Ends a job, and returns when it's gone.
  private func cancel(_ id: String) throws {
    _ = try Tool.run("scancel", [id])
    for _ in 0..<80 where try ["running", "pending"].contains(status(id)?.state) { usleep(250_000) }
  }

  /// Whether SLURM has no step of a running job besides its script, though that waits for `srun`.
  private func isOnlyLauncherLeft(of id: String) throws -> Bool {
    let (status, steps) = try Tool.run("squeue", ["--noheader", "--steps", "--jobs=\(id)", "--format=%i"])
    guard status == 0, steps.split(separator: "\n").allSatisfy({ $0.hasSuffix(".batch") }) else { return false }
    return try FileManager.default.contentsOfDirectory(atPath: "/proc").contains { process in
      guard Int32(process) != nil, let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8),
        name == "srun\n", let variables = FileManager.default.contents(atPath: "/proc/\(process)/environ")
      else { return false }
      return variables.split(separator: 0).contains { $0.elementsEqual("SLURM_JOB_ID=\(id)".utf8) }
    }
  }

  /// All steps of a job have ended, and `srun` hasn't.
  private struct LauncherHang: Error { var job: String }

  /// Tries once more where `srun` doesn't come to its end: before SLURM 24.11 the parts of a heterogeneous step overwrite
  /// what PMIx's plugin keeps, and `srun --mpi=pmix … true : … true` hangs once in some thirty times. What else goes wrong
  /// is thrown at once.
  private func inParts(_ test: () throws -> Void) throws {
    for _ in 1...4 {
      do {
        return try test()
      } catch let hang as LauncherHang {
        print("srun of job \(hang.job) hangs after its steps' end: once more")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name != "cluster.yaml" {
          try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
      }
    }
    try test()
  }

  private struct Failure: Error, CustomStringConvertible {
    var text: String
    var description: String { text }
  }

  private let isOver = { @Sendable (status: Entry.Status) in !["pending", "running", "unknown"].contains(status.state) }

  private var data: [String] {
    let folder = ProcessInfo.processInfo.environment["MUSTER_DATA"] ?? ""
    return ["A1B_north_america.nc", "E1_north_america.nc"].map { "\(folder)/\($0)" }
  }

  /// The demo's program, started by srun and by mpirun, and by a script for PBS that SLURM's own qsub takes.
  @Test(arguments: ["srun", "openmpi4", "qsub"]) func theDemo(launcher: String) throws {
    var options = ["--set", "cluster.launcher=\(launcher)"]
    if launcher == "qsub" {
      options = ["--set", "cluster.system=pbs", "--set", "job.output={name}-{id}.out"]
    }
    let id = try submit(options, [program("eof")] + data + ["--output", "out"])
    if launcher == "qsub" {
      // Its qstat has no exit status.
      for _ in 0..<240 {
        if try Tool.run("scontrol", ["show", "job", id]).output.contains("JobState=COMPLETED") { break }
        usleep(250_000)
      }
    } else {
      let ended = try wait(for: id, isOver)
      #expect(ended.state == "completed" && ended.exitStatus == 0, "\(ended)")
    }
    let log = try muster(["logs", id]).output
    #expect(log.contains("explained variance of the first five modes:\n  1  83.24 %\n"), "\(log)")
    // Three ranks were one session: each by itself would have said so too.
    #expect(log.ranges(of: "explained variance").count == 1, "\(log)")
    #expect(FileManager.default.fileExists(atPath: folder + "/out/eof.h5"))
  }

  @Test func aJobThatFails() throws {
    let ended = try wait(for: try submit([], ["bash", "-c", "exit 3"]), isOver)
    #expect(ended.state == "failed" && ended.exitStatus == 3 && ended.reason == "NonZeroExitCode", "\(ended)")
  }

  @Test func aJobIsCancelled() throws {
    let id = try submit(["--set", "job.shape=1x1x1"], ["sleep", "300"])
    _ = try wait(for: id) { $0.state == "running" }
    #expect(try muster(["cancel", id]).status == 0)
    #expect(try wait(for: id, isOver).state == "cancelled")
    let again = try muster(["cancel", "4711"])
    #expect(again.status == 1 && again.output.contains("wasn't submitted"))
  }

  /// Two at a time of four jobs, each with its index, one of which fails.
  @Test func anArray() throws {
    let id = try submit(
      ["--set", "job.shape=1x1x1", "--set", "job.array=2-8:2", "--set", "job.array-limit=2"],
      ["bash", "-c", "echo index $SLURM_ARRAY_TASK_ID; sleep 2; [ $SLURM_ARRAY_TASK_ID -ne 6 ]"])
    _ = try wait(for: id) { $0.jobsByState == ["running": 2, "pending": 2] }
    let ended = try wait(for: id, isOver)
    #expect(ended.state == "failed" && ended.jobsByState == ["completed": 3, "failed": 1], "\(ended)")
    #expect(ended.indicesByState?["failed"] == "6", "\(ended)")
    #expect(try muster(["jobs", id]).output.contains("3 completed, 1 failed (6)"))
    for index in [2, 4, 6, 8] {
      let output = try muster(["logs", id, "--index", "\(index)"]).output
      // What failed has that said after it.
      #expect(index == 6 ? output.hasPrefix("index 6\n") : output == "index \(index)\n", "\(output)")
    }
    #expect(try muster(["logs", id]).output.contains("say which of its jobs with --index"))
  }

  @Test func aJobAfterAnother() throws {
    let first = try submit(["--set", "job.shape=1x1x1"], ["sleep", "300"])
    let second = try submit(["--set", "job.shape=1x1x1", "--set", "job.after={afterany: \(first)}"], ["true"])
    #expect(try wait(for: second) { $0.reason != nil }.reason == "Dependency")
    #expect(try muster(["cancel", first]).status == 0)
    #expect(try wait(for: second, isOver).state == "completed")
  }

  /// A program of two ranks that works through steps until it is told to drain. When it has drained once it has eight
  /// steps more to do.
  private func writeProgram() throws {
    try """
    trap 'drain=yes' USR1
    # srun ends the other ranks when the first leaves, since its status isn't 0: one that drains goes on to its end.
    trap '' TERM
    done=$(tail -n 1 "$MUSTER_JOURNAL.$RANK" 2>/dev/null || true)
    last=$((${done:-1000} + 8))
    echo "rank $RANK begins after ${done:-0}"
    for ((step = ${done:-0} + 1; step <= last; step++)); do
      sleep 0.2
      echo $step >>"$MUSTER_JOURNAL.$RANK"
      if [ -n "${drain:-}" ]; then echo "rank $RANK drained"; sleep "0.$RANK"; exit 85; fi
    done
    echo "rank $RANK finished"
    """.write(toFile: folder + "/steps", atomically: true, encoding: .utf8)
  }

  private func expectAllSteps(_ rank: Int) throws {
    let text = try String(contentsOfFile: "\(folder)/j.\(rank)", encoding: .utf8)
    let steps = text.split(separator: "\n").compactMap { Int($0) }
    // None is missing, and none was done twice.
    #expect(steps == Array(1...steps.count) && steps.count > 8, "\(steps)")
  }

  /// A minute isn't enough, since SLURM's signal comes as soon as it looks at the job, within half a minute.
  @Test func aJobRunsAgain() throws {
    try FileManager.default.createDirectory(atPath: folder + "/out", withIntermediateDirectories: true)
    let rounds = 12
    func submitted() throws -> String {
      try submit(
        [
          "--walltime", "1m", "--set", "job.journal=j", "--set", "job.drain-lead=55s",
          "--set", "job.epilogue=[echo epilogue]",
        ], [program("rank-programs"), "durable-job", "out", "\(rounds)", "100"])
    }
    var id = try submitted()
    // One that is told in its first moment has no journal yet, and says so.
    for _ in 0..<3 {
      _ = try wait(for: id) {
        $0.state == "running" && FileManager.default.fileExists(atPath: folder + "/j") || isOver($0)
      }
      guard try muster(["logs", id]).output.contains("ended the program, and there is no journal") else { break }
      id = try submitted()
    }
    var restarts = 0
    while true {
      _ = try wait(for: id) { $0.state == "running" || isOver($0) }
      let left = try wait(for: id) { $0.state == "pending" || isOver($0) }
      let (_, progress) = try muster(["status", "j"])
      if isOver(left) {
        #expect(left.state == "completed" && left.exitStatus == 0, "\(left)")
        #expect(progress.contains("has come to its end"), "\(progress)")
        break
      }
      restarts += 1
      #expect(progress.contains("left before its work was done (SIGUSR1)"), "\(progress)")
      #expect(progress.contains("(job \(id))"), "\(progress)")
    }
    #expect(restarts >= 1)
    // The output of all runs is in one file, each line once, and the epilogue is the last run's.
    let log = try muster(["logs", id]).output
    let printed = log.split(separator: "\n").filter { $0.hasPrefix("round ") }
    #expect(printed.count == rounds * 12 && Set(printed).count == printed.count, "\(log)")
    #expect(log.ranges(of: "\nend 2470.7").count == 1, "\(log)")
    #expect(log.ranges(of: "muster: leaves with status 85 (SIGUSR1)").count == restarts, "\(log)")
    #expect(log.contains("muster: drained, and requeued: restart 1 of 100 at most"), "\(log)")
    #expect(log.ranges(of: "epilogue").count == 1, "\(log)")
    for round in 0..<rounds {
      #expect(FileManager.default.fileExists(atPath: "\(folder)/out/written-\(round).h5"))
    }
  }

  /// A program that the signal ends, since its session hasn't begun, runs again: it has a journal.
  @Test func aJobThatIsToldEarlyRunsAgain() throws {
    try "begun before".write(toFile: folder + "/j", atomically: true, encoding: .utf8)
    let id = try submit(
      ["--set", "job.shape=1x2x1", "--set", "job.journal=j"], ["bash", "-c", "touch begun; exec sleep 60"])
    for _ in 0..<240 where !FileManager.default.fileExists(atPath: folder + "/begun") { usleep(250_000) }
    sleep(1)
    #expect(try Tool.run("scancel", ["--batch", "--signal=USR1", id]).status == 0)
    _ = try wait(for: id) { $0.state != "running" }
    #expect(try Tool.run("scontrol", ["show", "job", id]).output.contains("Restarts=1"))
    #expect(try muster(["logs", id]).output.contains("muster: drained, and requeued: restart 1 of 100 at most"))
    #expect(try muster(["cancel", id]).status == 0)
  }

  /// Rank 0 and two workers on two nodes. Both have one host's name, and so Open MPI's shared memory would be one.
  private let heterogeneous = [
    "--queue", "pair", "--set", "job.scheduler-node=true", "--set", "job.shape=1x2x1",
    "--set", "job.environment={OMPI_MCA_btl: 'self,tcp'}",
  ]

  @Test func theSchedulerHasANode() throws {
    try inParts {
      let say = "echo \"rank $PMIX_RANK on $SLURMD_NODENAME\" >>nodes; exec \"$0\" \"$@\""
      let id = try submit(heterogeneous, ["bash", "-c", say, program("eof")] + data + ["--output", "out"])
      let ended = try wait(for: id, afterWhich: "explained variance", isOver)
      #expect(ended.state == "completed" && ended.exitStatus == 0, "\(ended)")
      let log = try muster(["logs", id]).output
      #expect(log.ranges(of: "explained variance of the first five modes:\n  1  83.24 %\n").count == 1, "\(log)")
      let nodes = try String(contentsOfFile: folder + "/nodes", encoding: .utf8).split(separator: "\n")
        .map { $0.split(separator: " ") }.reduce(into: [:]) { $0[$1[1]] = $1[3] }
      #expect(nodes.count == 3 && nodes["0"] != nodes["1"] && nodes["1"] == nodes["2"], "\(nodes)")
    }
  }

  /// Where the scheduler's node isn't the first by its name a SLURM that can't start the ranks isn't asked to.
  @Test func theSchedulersNodeIsNotTheFirst() throws {
    let (status, script) = try muster(
      ["script", "slurm", "--config", configuration] + heterogeneous + ["--"]
        + [program("rank-programs"), "sum", "1000"])
    #expect(status == 0, "\(script)")
    let nodes = try Tool.run("sinfo", ["--noheader", "--partition=pair", "--Node", "--format=%N"]).output
      .split(separator: "\n").map(String.init).sorted()
    var lines = script.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let second = try #require(lines.firstIndex(of: "#SBATCH hetjob"))
    lines.insert("#SBATCH --nodelist=\(nodes[0])", at: second + 1)
    lines.insert("#SBATCH --nodelist=\(nodes[1])", at: second)
    try lines.joined(separator: "\n").write(toFile: folder + "/job", atomically: true, encoding: .utf8)
    let said = try Tool.run("sbatch", ["--wait", "--parsable", "job"], in: folder)
    let id = said.output.split(separator: "\n").first.map(String.init) ?? ""
    let output = try String(contentsOfFile: "\(folder)/rank-programs-\(id).out", encoding: .utf8)
    if try Self.slurmVersion.lexicographicallyPrecedes([23, 2, 2]) {
      #expect(said.status == 1 && output.contains("as in \(nodes[1]) \(nodes[0]): "), "\(output)")
    } else {
      #expect(said.status == 0 && output.contains("sum 499500"), "\(said) \(output)")
    }
  }

  /// A job of several parts drains and runs again as a whole.
  @Test func aJobOfPartsRunsAgain() throws {
    try inParts {
      try FileManager.default.createDirectory(atPath: folder + "/out", withIntermediateDirectories: true)
      let id = try submit(
        heterogeneous + ["--set", "job.journal=j"], [program("rank-programs"), "durable-job", "out", "2", "100"])
      // Something is checkpointed.
      for _ in 0..<240 where !FileManager.default.fileExists(atPath: folder + "/j.blocks") { usleep(250_000) }
      #expect(try Tool.run("scancel", ["--batch", "--signal=USR1", id]).status == 0)
      _ = try wait(for: id) { $0.state != "running" }
      #expect(try muster(["status", "j"]).output.contains("left before its work was done (SIGUSR1)"))
      // SLURM begins such jobs by backfilling, which looks only where something has changed: on a machine with one job
      // nothing does when it may begin.
      for priority in 1...30 where try status(id)?.state == "pending" {
        sleep(1)
        _ = try Tool.run("scontrol", ["update", "jobid=\(id)", "priority=\(1000 + priority)"])
      }
      let ended = try wait(for: id, afterWhich: "\nend ", isOver)
      #expect(ended.state == "completed" && ended.exitStatus == 0, "\(ended)")
      let log = try muster(["logs", id]).output
      let printed = log.split(separator: "\n").filter { $0.hasPrefix("round ") }
      #expect(printed.count == 2 * 12 && Set(printed).count == printed.count, "\(log)")
      #expect(log.ranges(of: "muster: drained, and requeued: restart 1 of 100").count == 1, "\(log)")
      for round in 0..<2 { #expect(FileManager.default.fileExists(atPath: "\(folder)/out/written-\(round).h5")) }
    }
  }

  /// A cancelled job may drain, too, and stays cancelled.
  @Test func aCancelledJobStaysSo() throws {
    let id = try submit(
      ["--set", "job.shape=1x1x1", "--set", "job.journal=j"],
      ["bash", "-c", "trap 'exit 85' TERM USR1; touch begun; while true; do sleep 0.1; done"])
    for _ in 0..<240 where !FileManager.default.fileExists(atPath: folder + "/begun") { usleep(250_000) }
    #expect(try muster(["cancel", id]).status == 0)
    #expect(try wait(for: id, isOver).state == "cancelled")
    // Would it come back, it were pending by now.
    sleep(2)
    #expect(try status(id)?.state == "cancelled")
    #expect(try Tool.run("scontrol", ["show", "job", id]).output.contains("Restarts=0"))
    let log = try muster(["logs", id]).output
    #expect(log.contains("muster: drained, since the job was told to end"), "\(log)")
  }

  /// A script for PBS, which tells the program by its own timer, and submits itself again; SLURM's own qsub takes it.
  @Test func aChainOfJobs() throws {
    try writeProgram()
    let id = try submit(
      [
        "--set", "cluster.system=pbs", "--set", "job.shape=1x2x1", "--walltime", "1m", "--set", "job.journal=j",
        "--set", "job.drain-lead=57s", "--set", "job.output=chain.out", "--name", "chain",
      ], ["bash", "-c", "RANK=$OMPI_COMM_WORLD_RANK exec bash steps"])
    func log() -> String { (try? String(contentsOfFile: folder + "/chain.out", encoding: .utf8)) ?? "" }
    for _ in 0..<240 where !log().contains("rank 0 finished") || !log().contains("rank 1 finished") {
      usleep(250_000)
    }
    let next = try #require(
      log().firstMatch(of: /muster: drained, and goes on as job (\d+): restart 1 of 100/), "\(log())")
    #expect(try #require(Int(next.1)) > #require(Int(id)))
    for rank in 0...1 {
      #expect(log().ranges(of: "rank \(rank) begins after").count == 2, "\(log())")
      try expectAllSteps(rank)
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "/chain-\(id).pbs"))
  }

  @Test func theBatchSystemHasItsSay() throws {
    let dry = try muster(["submit", "--config", configuration, "--dry-run", "--", "true"])
    #expect(dry.status == 0 && dry.output.contains("to start at"), "\(dry.output)")
    for more in [[], ["--dry-run"]] {
      let (status, output) = try muster(
        ["submit", "--config", configuration, "--queue", "nowhere"] + more + ["--", "true"])
      #expect(status == 1 && output.contains("invalid partition specified: nowhere"), "\(output)")
    }
  }
}
