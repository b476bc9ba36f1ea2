import MusterBatch
import Testing

struct ScriptTests {
  private func description(_ text: String) throws -> JobDescription {
    var configuration = JobConfiguration()
    try configuration.read(text, from: "test.yaml")
    return try configuration.checked()
  }

  private func lines(_ text: String, _ command: [String] = ["./heat"]) throws -> [String] {
    try description(text).script(running: command).text().split(separator: "\n").map(String.init)
  }

  private func refusal(_ text: String, _ system: BatchSystem? = nil, _ command: [String] = ["./heat"]) -> BatchError? {
    do {
      _ = try description(text).script(for: system, running: command)
      return nil
    } catch {
      return error as? BatchError
    }
  }

  private static let full = """
    job:
      name: heat
      account: m1
      queue: long
      nodes: 3
      ranks-per-node: 4
      cores-per-rank: 2
      gpus-per-node: 1
      memory: 8 GiB
      exclusive: true
      walltime: 1d 2h
      array: 1-9:2
      array-limit: 4
      after: {afterok: [7, 8], afterany: 9}
      mail-to: me@example.org
      mail-on: [begin, end, fail]
      output: logs/{name}-{id}-{index}.out
      modules: [hdf5]
      environment: {B: it's, A: "1"}

    """

  @Test func slurmSaysAll() throws {
    let script = try lines(
      "cluster: {system: slurm, mpi: pmix, launcher-options: [--exact]}\n" + Self.full
        + "  qos: high\n  reservation: r1\n  constraint: rome&nvme\n  folder: a folder\n")
    #expect(
      script == [
        "#!/bin/bash", "#SBATCH --job-name=heat", "#SBATCH --account=m1", "#SBATCH --partition=long",
        "#SBATCH --qos=high",
        "#SBATCH --reservation=r1", "#SBATCH --constraint=rome&nvme", "#SBATCH --nodes=3",
        "#SBATCH --ntasks-per-node=4",
        "#SBATCH --cpus-per-task=2", "#SBATCH --gpus-per-node=1", "#SBATCH --exclusive", "#SBATCH --mem=8192M",
        "#SBATCH --time=26:00:00", "#SBATCH --array=1-9:2%4", "#SBATCH --dependency=afterok:7:8,afterany:9",
        "#SBATCH --mail-user=me@example.org", "#SBATCH --mail-type=BEGIN,END,FAIL",
        "#SBATCH --output=logs/%x-%A-%a.out", #"cd "${SLURM_SUBMIT_DIR:-.}" || exit 1"#, "module load hdf5 || exit 1",
        "set -euo pipefail",
        "export SWIFT_DETERMINISTIC_HASHING=1", "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1",
        "export MUSTER_THREADS=2", "export A=1", #"export B='it'\''s'"#, "cd 'a folder'",
        "exec srun --mpi=pmix --kill-on-bad-exit=1 --exact --ntasks=12 --cpus-per-task=2 --cpu-bind=cores ./heat",
      ])
  }

  @Test func pbsSaysAll() throws {
    let script = try lines("cluster: {system: pbs}\n" + Self.full + "  constraint: arch=rome\n")
    #expect(
      script == [
        "#!/bin/bash", "#PBS -N heat", "#PBS -A m1", "#PBS -q long",
        "#PBS -l select=3:ncpus=8:mpiprocs=4:ngpus=1:mem=8192mb:arch=rome", "#PBS -l place=scatter:excl",
        "#PBS -l walltime=26:00:00", "#PBS -J 1-9:2%4", "#PBS -W depend=afterok:7:8,afterany:9",
        "#PBS -M me@example.org", "#PBS -m abe", "#PBS -j oe", #"cd "$PBS_O_WORKDIR" || exit 1"#,
        "job=${PBS_JOBID:-${SLURM_JOB_ID:?}}", #"job=${job%%[.\[]*}"#,
        #"exec >logs/heat-"$job"-"$PBS_ARRAY_INDEX".out 2>&1 || exit 1"#, "module load hdf5 || exit 1",
        "set -euo pipefail", "export SWIFT_DETERMINISTIC_HASHING=1", "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1",
        "export MUSTER_THREADS=2", "export MUSTER_MEMORY_LIMIT=1717986918", "export A=1", #"export B='it'\''s'"#,
        #"exec mpirun -n 12 --map-by slot:PE=2 -x SWIFT_DETERMINISTIC_HASHING -x OMP_NUM_THREADS \"#,
        "  -x OPENBLAS_NUM_THREADS -x MUSTER_THREADS -x MUSTER_MEMORY_LIMIT -x A -x B ./heat",
      ])
  }

  /// The second part of a job says again what isn't taken over from the first.
  @Test func bothPartsOfAJob() throws {
    let script = try lines(
      "cluster: {system: slurm}\njob: {shape: 2x2x2, scheduler-node: true, exclusive: true, gpus-per-node: 4,"
        + " extra-directives: [--licenses=x]}\n")
    let parts = script.split(separator: "#SBATCH hetjob")
    #expect(parts.allSatisfy { $0.contains("#SBATCH --exclusive") && $0.contains("#SBATCH --licenses=x") }, "\(script)")
    #expect(!parts[0].contains("#SBATCH --gpus-per-node=4") && parts[1].contains("#SBATCH --gpus-per-node=4"))
  }

  @Test func whereTheOutputGoes() throws {
    let named = try lines("cluster: {system: slurm}\njob: {output: \"my logs/100%-{id}.out\", error: \"e-{name}\"}\n")
    #expect(named.contains(#"#SBATCH --output="my logs/100%%-%j.out""#) && named.contains("#SBATCH --error=e-%x"))
    let pbs = try lines("cluster: {system: pbs}\njob: {error: \"e-{id}\", folder: runs/a}\n")
    // Relative to the folder of the submission; the program runs elsewhere.
    let output = try #require(pbs.firstIndex(of: #"exec 2>e-"$job" || exit 1"#), "\(pbs)")
    #expect(try output < #require(pbs.firstIndex(of: "cd runs/a")))
  }

  /// Rank 0 has a node of its own: a job of two parts.
  @Test func theSchedulerHasANode() throws {
    let shape = "job: {shape: 4 × 8 × 2, scheduler-node: true, queue: q, memory: 1 GiB}\n"
    let slurm = try lines("cluster: {system: slurm, mpi: pmix}\n" + shape)
    #expect(
      slurm.filter { $0.hasPrefix("#SBATCH") } == [
        "#SBATCH --job-name=heat", "#SBATCH --partition=q", "#SBATCH --nodes=1", "#SBATCH --ntasks-per-node=1",
        "#SBATCH --cpus-per-task=1", "#SBATCH --mem=1024M", "#SBATCH --output=%x-%j.out", "#SBATCH hetjob",
        "#SBATCH --nodes=4", "#SBATCH --ntasks-per-node=8", "#SBATCH --cpus-per-task=2", "#SBATCH --mem=1024M",
        "#SBATCH --partition=q",
      ])
    #expect(
      slurm.suffix(2) == [
        #"exec srun --mpi=pmix --kill-on-bad-exit=1 --het-group=0 --ntasks=1 --cpus-per-task=1 --cpu-bind=cores \"#,
        "  ./heat : --het-group=1 --ntasks=32 --cpus-per-task=2 --cpu-bind=cores ./heat",
      ])
    let pbs = try lines("cluster: {system: pbs}\n" + shape)
    #expect(pbs.contains("#PBS -l select=1:ncpus=2:mpiprocs=1:mem=1024mb+4:ncpus=16:mpiprocs=8:mem=1024mb"))
    #expect(pbs.contains { $0.contains("mpirun -n 33 ") })
    // Of what the job has of a node a fifth is left; the environment of another node's ranks has it by the launcher.
    #expect(pbs.contains("export MUSTER_MEMORY_LIMIT=107374182"), "\(pbs)")
    #expect(pbs.contains { $0.contains("-x MUSTER_MEMORY_LIMIT") })
    let own = try lines(
      "cluster: {system: pbs}\n" + shape.replacing("queue: q", with: "environment: {MUSTER_MEMORY_LIMIT: 1GB}"))
    #expect(own.filter { $0.contains("export MUSTER_MEMORY_LIMIT") } == ["export MUSTER_MEMORY_LIMIT=1GB"], "\(own)")
    #expect(!slurm.contains { $0.contains("MUSTER_MEMORY_LIMIT") })
    for launcher in ["openmpi4", "openmpi5"] {
      #expect(refusal("cluster: {system: slurm, launcher: \(launcher)}\n" + shape)?.code == .unsupported)
    }
    #expect(refusal("cluster: {system: pbs, launcher: pals}\n" + shape)?.code == .unsupported)
  }

  @Test(arguments: [
    ("system: slurm, launcher: openmpi5", "mpirun -n 8 --map-by slot:PE=3 -x SWIFT"),
    (
      "system: slurm, launcher: srun, bind-ranks: false",
      "srun --kill-on-bad-exit=1 --ntasks=8 --cpus-per-task=3 ./heat"
    ),
    ("system: slurm, cpus-per-core: 2", "--cpus-per-task=6 --cpu-bind=cores ./heat"),
    ("system: pbs, launcher: mpich", "mpiexec -n 8 -ppn 4 -bind-to core:3 ./heat"),
    ("system: pbs, launcher: mpich, bind-ranks: false", "mpiexec -n 8 -ppn 4 -bind-to none ./heat"),
    ("system: pbs, launcher: pals", "mpiexec -n 8 --ppn 4 --depth=3 --cpu-bind depth ./heat"),
    ("system: pbs, launcher: pals, cpus-per-core: 2", "mpiexec -n 8 --ppn 4 --depth=6 --cpu-bind depth ./heat"),
    ("system: pbs, resources: totals", "mpirun -n 8 --map-by ppr:4:node:PE=3 -x SWIFT"),
    ("system: pbs, bind-ranks: no", "mpirun -n 8 --bind-to none -x SWIFT"),
  ])
  func launchers(cluster: String, line: String) throws {
    let script = try lines("cluster: {\(cluster)}\njob: {shape: 2 × 4 × 3}\n")
    #expect(script.contains { $0.contains(line) }, "\(script)")
  }

  @Test func sumsForPBS() throws {
    let script = try lines(
      "cluster: {system: pbs, resources: totals, account-option: -P}\n"
        + "job: {shape: 2 × 4 × 3, memory: 4 GiB, gpus-per-node: 2, account: ab12}\n")
    for line in ["#PBS -P ab12", "#PBS -l ncpus=24", "#PBS -l mem=8192mb", "#PBS -l ngpus=4"] {
      #expect(script.contains(line), "\(script)")
    }
  }

  @Test func aRunOnThisMachine() throws {
    let script = try lines(
      "cluster: {system: local, bind-ranks: false}\njob: {ranks-per-node: 4, walltime: 2m, memory: 4 GiB, output: log}\n",
      ["./heat", "a b", "$c"])
    #expect(script.contains("export MUSTER_MEMORY_LIMIT=1073741824"))
    #expect(
      script.suffix(1) == [
        "exec timeout --foreground --signal=TERM --kill-after=30 120 mpirun -n 4 --bind-to none --oversubscribe ./heat 'a b' '$c'"
      ])
    #expect(script.contains("exec >log 2>&1 || exit 1"))
  }

  /// What comes after the program is done, and the job ends with the program's status.
  @Test func prologueAndEpilogue() throws {
    let script = try lines(
      "cluster: {system: slurm}\njob: {container: apptainer exec image.sif, prologue: [mkdir -p out], epilogue: [date]}\n"
    )
    #expect(
      script.suffix(10) == [
        "finish() {", "  status=$?", "  set +e", "date", #"  exit "$status""#, "}", "trap finish EXIT", "mkdir -p out",
        #"srun --kill-on-bad-exit=1 --ntasks=1 --cpus-per-task=1 --cpu-bind=cores \"#,
        "  apptainer exec image.sif ./heat",
      ])
  }

  /// SLURM's commands, of a version, on nodes that sort as its own do.
  private func site(version: String, default mpi: String = "none") throws -> Site {
    try Site([
      "srun":
        "if [ \"$1\" = --version ]; then \(version.isEmpty ? "exit 1" : "echo 'slurm-wlm \(version)'"); else echo started; fi",
      "scontrol": #"""
      case "$1 $2" in
        "show hostnames") tr , '\n' <<<"$3" ;;
        "show hostlistsorted") tr , '\n' <<<"$3" | sort -V | paste -sd , ;;
        "show config") echo "MpiParams = x"; echo "MpiDefault              = \#(mpi)" ;;
      esac
      """#,
    ])
  }

  /// What SLURM's PMIx can't start is told at once; other kinds of MPI don't care.
  @Test(arguments: [
    ("22.05.8", "n3", "n4,n10", "mpi: pmix", true), ("22.05.8", "n30", "n4,n10", "mpi: pmix", false),
    ("23.02.1", "n7", "n4,n10", "mpi: pmix_v3", false), ("23.02.2", "n30", "n4,n10", "mpi: pmix", true),
    ("24.11.0", "n30", "n4,n10", "mpi: pmix", true), ("22.05.8", "n30", "n4,n10", "mpi: pmi2", true),
    ("22.05.8", "n30", "n4,n10", "mpi: pmi2, launcher-options: [--mpi=pmix]", false),
    ("22.05.8", "n30", "n4,n10", "mpi: pmi2, launcher-options: [--mpi, pmix]", false),
    ("22.05.8-4", "n30", "n4,n10", "default: pmix", false), ("22.05.8", "n30", "n4,n10", "default: pmi2", true),
    ("", "n30", "n4,n10", "mpi: pmix", true),
  ])
  func theOrderOfNodes(version: String, scheduler: String, workers: String, mpi: String, starts: Bool) throws {
    let isDefault = mpi.hasPrefix("default: ")
    let site = try isDefault ? site(version: version, default: String(mpi.dropFirst(9))) : site(version: version)
    let job = try description(
      "cluster: {system: slurm\(isDefault ? "" : ", " + mpi)}\njob: {shape: 2 × 1 × 1, scheduler-node: true}")
    let (status, output) = try Tool.run(
      "bash", ["-c", try job.script(running: ["./heat"]).text()],
      environment: [
        "PATH": site.folder + "/bin:/usr/bin:/bin", "SLURM_JOB_NODELIST_HET_GROUP_0": scheduler,
        "SLURM_JOB_NODELIST_HET_GROUP_1": workers,
      ])
    #expect((status, output.contains("started")) == (starts ? 0 : 1, starts), "\(output)")
    #expect(output.contains("leave out scheduler-node, or submit the job again for other nodes") == !starts)
    #expect(output.contains("as in \(scheduler) n4 n10:") == !starts, "\(output)")
  }

  /// A job that has worked already waits for other nodes, as often as it may run again; the first run and the last one fail.
  @Test(arguments: [("", false), ("1", true), ("100", false)])
  func otherNodesAfterARestart(restarts: String, isRequeued: Bool) throws {
    let site = try site(version: "22.05.8")
    let job = try description(
      """
      cluster: {system: slurm, mpi: pmix}
      job: {shape: 2 × 1 × 1, scheduler-node: true, journal: j, walltime: 1h, prologue: [echo prologue], epilogue: [echo epilogue]}

      """)
    var environment = [
      "PATH": site.folder + "/bin:/usr/bin:/bin", "SLURM_JOB_ID": "77", "SLURM_JOB_NODELIST_HET_GROUP_0": "b",
      "SLURM_JOB_NODELIST_HET_GROUP_1": "a",
    ]
    if !restarts.isEmpty { environment["SLURM_RESTART_COUNT"] = restarts }
    let (status, output) = try Tool.run(
      "bash", ["-c", try job.script(running: ["./heat"]).text()], environment: environment, in: site.folder)
    #expect(status == (isRequeued ? 85 : 1), "\(output)")
    #expect(site.calls().contains("scontrol requeue Incomplete 77") == isRequeued)
    #expect(output.contains("requeued: restart 2 of 100") == isRequeued, "\(output)")
    #expect(output.contains("without MUSTER_JOURNAL_START=anew") == !restarts.isEmpty, "\(output)")
    #expect(!output.contains("prologue") && !output.contains("started"), "\(output)")
    // It is the job's end, or isn't.
    #expect(output.contains("epilogue") == !isRequeued, "\(output)")
  }

  /// Whatever fails, the epilogue is run and the status is that of what failed.
  @Test(arguments: [("true", "exit 0", Int32(0)), ("true", "exit 7", 7), ("false", "exit 0", 1)])
  func theEpilogueIsAlwaysRun(prologue: String, program: String, status: Int32) throws {
    let text =
      "cluster: {system: local, launcher-options: [--oversubscribe]}\njob: {prologue: [\(prologue)], epilogue: [echo after]}\n"
    let script = try description(text).script(running: ["bash", "-c", program]).text()
    let ended = try Tool.run(
      "bash",
      [
        "-c",
        script.replacing("mpirun -n 1", with: "env --")
          .replacing(" --map-by slot:PE=1 --oversubscribe", with: ""),
      ])
    #expect(ended.status == status && ended.output.hasSuffix("after\n"), "\(ended)")
  }

  @Test func directivesAreAddedAndLeftOut() throws {
    let text =
      "cluster: {system: slurm}\njob: {memory: 1 GiB, extra-directives: [--licenses=x], skip-directives: [--mem]}\n"
    let script = try lines(text)
    #expect(script.contains("#SBATCH --licenses=x") && !script.contains { $0.contains("--mem") })
    // The directive has the last word on where the job begins.
    let cd = #"cd "${SLURM_SUBMIT_DIR:-.}" || exit 1"#
    let elsewhere = try lines("cluster: {system: slurm}\njob: {extra-directives: [--chdir=/scratch]}\n")
    #expect(script.contains(cd) && !elsewhere.contains(cd))
    let error = refusal("cluster: {system: slurm}\njob: {skip-directives: [--memory]}\n")
    #expect(error?.message.contains("no directive begins so") == true && error?.fix.contains("--nodes=1") == true)
  }

  @Test(arguments: [
    ("cluster: {system: pbs}\njob: {qos: high}\n", BatchSystem?.none, "pbs has no qos"),
    ("cluster: {system: pbs, launcher: srun}\n", nil, "pbs has no srun"),
    ("cluster: {system: pbs}\njob: {reservation: R1, queue: q}\n", nil, "is a queue"),
    ("cluster: {system: pbs}\njob: {array: 3}\n", nil, "array of a single job"),
    ("cluster: {system: pbs, resources: totals}\njob: {constraint: a=b}\n", nil, "which node"),
    ("cluster: {system: local}\njob: {nodes: 2}\n", nil, "other nodes"),
    ("cluster: {system: local}\njob: {array: 1-3}\n", nil, "local has no array"),
    ("cluster: {system: local}\njob: {queue: q}\n", nil, "local has no queue"),
    ("cluster: {system: local, launcher: srun}\n", nil, "local has no srun"),
    ("cluster: {system: pbs}\n", .slurm, "for pbs, and the script is to be for slurm"),
    ("job: {nodes: 1}\n", nil, "the batch system isn't said"),
    ("cluster: {system: slurm, launcher: mpich}\njob: {scheduler-node: true}\n", nil, "sees the first part only"),
    ("cluster: {system: slurm}\njob: {scheduler-node: true, array: 1-3}\n", nil, "arrays of jobs with scheduler-node"),
    ("cluster: {system: slurm, account-option: -P}\n", nil, "slurm has no account-option"),
    ("cluster: {system: local}\njob: {exclusive: true}\n", nil, "local has no exclusive"),
    ("cluster: {system: pbs, resources: totals}\njob: {exclusive: true}\n", nil, "which node"),
    ("cluster: {system: pbs, resources: totals, node-cores: 48}\njob: {shape: 2x4x4}\n", nil, "takes whole ones"),
  ])
  func saysWhatCantBe(text: String, system: BatchSystem?, message: String) {
    let error = refusal(text, system)
    #expect(error?.description.contains(message) == true, "\(error as Any)")
    #expect(error?.fix.isEmpty == false)
  }

  @Test func aProgramIsNeeded() {
    #expect(refusal("cluster: {system: slurm}\n", nil, [])?.code == .missingValue)
  }

  @Test func theNameIsTheProgramsIfNoneIsGiven() throws {
    for (program, name) in [("/a/b/heat-2", "heat-2"), ("./7days", "job"), ("a b", "ab")] {
      #expect(try lines("cluster: {system: slurm}\n", [program])[1] == "#SBATCH --job-name=\(name)")
    }
  }

  /// Each line that has a reason has it above, and nothing else changes.
  @Test func explains() throws {
    let script = try description("cluster: {system: slurm}\njob: {walltime: 90 min}\n").script(running: ["./heat"])
    let explained = script.text(explaining: true).split(separator: "\n", omittingEmptySubsequences: false)
    let place = try #require(explained.firstIndex(of: "#SBATCH --time=01:30:00"))
    #expect(explained[place - 1] == "# 1h30m; the job is killed thereafter")
    #expect(script.lines.filter { $0.text.hasPrefix("#SBATCH") }.allSatisfy { !$0.reason.isEmpty })
    let plain = script.text().split(separator: "\n", omittingEmptySubsequences: false)
    #expect(explained.filter { !$0.hasPrefix("# ") } == plain)
  }
}
