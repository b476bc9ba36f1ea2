import MusterBatch
import Testing

/// What a journal makes of a job's description and of its script.
struct DrainTests {
  private func lines(_ text: String) throws -> [String] {
    var configuration = JobConfiguration()
    try configuration.read(text, from: "test.yaml")
    return try configuration.checked().script(running: ["./heat"]).text().split(separator: "\n").map(String.init)
  }

  private func refusal(_ text: String) -> BatchError? {
    do {
      _ = try lines(text)
      return nil
    } catch {
      return error as? BatchError
    }
  }

  @Test func slurm() throws {
    let script = try lines(
      """
      cluster: {system: slurm, launcher: openmpi4}
      job: {walltime: 2h, array: 1-9, journal: "my {name}-{index}.journal", drain-lead: 5m, most-restarts: 7}
      """)
    for line in [
      "#SBATCH --signal=B:USR1@300", "#SBATCH --requeue", "#SBATCH --open-mode=append",
      "MUSTER_DEADLINE=${SLURM_JOB_END_TIME:-$(($(date +%s) + 7200))}", "export MUSTER_DEADLINE",
      #"export MUSTER_JOURNAL='my heat-'"$SLURM_ARRAY_TASK_ID".journal"#,
      #"  elif [ "${SLURM_RESTART_COUNT:-0}" -ge 7 ]; then"#,
      #"    scontrol requeue Incomplete "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" || muster_requeue=$?"#,
    ] { #expect(script.contains(line), "\(line) isn't in \(script)") }
    let told = try lines(
      "cluster: {system: pbs}\njob: {walltime: 2h, journal: j, drain-signal: USR2, environment: {A: b}}\n")
    #expect(told.contains { $0.contains("-x MUSTER_DRAIN_SIGNAL") }, "\(told)")
    // mpirun passes on what it is told to.
    #expect(script.contains { $0.contains("-x MUSTER_JOURNAL -x MUSTER_DEADLINE ./heat &") }, "\(script)")
    let single = try lines(
      "cluster: {system: slurm}\njob: {walltime: 2h, journal: j, drain-signal: USR2, restarts: false}\n")
    #expect(single.contains("#SBATCH --signal=B:USR2@120") && single.contains("trap muster_drain USR2"), "\(single)")
    #expect(single.contains("export MUSTER_DRAIN_SIGNAL=USR2"), "\(single)")
    #expect(!single.contains { $0.contains("requeue") }, "\(single)")
  }

  /// The script of the next job of a chain is for one index, and has nothing to wait for.
  @Test func pbs() throws {
    let script = try lines(
      """
      cluster: {system: pbs}
      job: {walltime: 2h, array: 1-9, after: {afterok: 3}, journal: "{index}", output: "{index}.out"}
      """)
    #expect(script.contains(#"exec >>"$PBS_ARRAY_INDEX".out 2>&1 || exit 1"#), "\(script)")
    #expect(
      script.contains(#"export MUSTER_JOURNAL="$PBS_ARRAY_INDEX""#)
        && script.contains("  muster_left=$((MUSTER_DEADLINE - 120 - $(date +%s)))"))
    let edit = try #require(script.joined(separator: "\n").firstMatch(of: /if sed (?:.|\n)*?muster_id=/)).0
    #expect(
      edit.contains("export PBS_ARRAY_INDEX=$PBS_ARRAY_INDEX/") && edit.contains("'/^#PBS -J /d'")
        && edit.contains("'/^#PBS -W depend=/d'"), "\(edit)")
  }

  /// A launcher that isn't known to pass signals on is sent none.
  @Test func withoutSignals() throws {
    for system in ["slurm", "pbs"] {
      let script = try lines("cluster: {system: \(system), launcher: pals}\njob: {walltime: 2h, journal: j}\n")
      #expect(script.contains("export MUSTER_DEADLINE"), "\(script)")
      #expect(!script.contains { $0.contains("USR1") || $0.contains("--signal") || $0.contains("sleep") }, "\(script)")
    }
  }

  /// Without a journal nothing is as with one.
  @Test(arguments: ["slurm", "pbs", "local"]) func withoutAJournal(system: String) throws {
    let script = try lines("cluster: {system: \(system)}\njob: {walltime: 2h}\n")
    #expect(!script.contains { $0.contains("muster_") || $0.contains("DEADLINE") || $0.contains("requeue") })
  }

  @Test(arguments: ["slurm", "pbs", "local"]) func everyLineOfNoteIsExplained(system: String) throws {
    var configuration = JobConfiguration()
    try configuration.read(
      "cluster: {system: \(system)}\njob: {walltime: 2h, journal: j, epilogue: [date]}\n", from: "test.yaml")
    if system == "slurm" { try configuration.set("scheduler-node", to: "true", option: "--set") }
    let script = try configuration.checked().script(running: ["./heat"])
    let marks = [
      "--signal", "--requeue", "--open-mode", "MUSTER_DEADLINE=", "MUSTER_JOURNAL=", "muster_restart=0",
      "muster_script=",
      "muster_pid=''", "muster_drain()", "muster_timer()", "trap muster_drain", "while", "if [ \"$status\" -eq 85",
      "scontrol", "muster_nodes=", "muster_watch()", "until", "muster_version=", "if sed", "muster_id=",
      "[ \"$status\" -eq 0 ]", "muster_again=yes", "if [ -n \"${muster_again",
    ]
    for mark in marks {
      for line in script.lines where line.text.contains(mark) && !line.text.contains("muster_pid=$") {
        #expect(!line.reason.isEmpty, "\(line.text)")
      }
    }
  }

  @Test(arguments: [
    ("job: {walltime: 2h, drain-signal: USR1}", "drain-signal is for a program that keeps a journal", "Add journal"),
    ("job: {walltime: 2h, drain-lead: 1m}", "drain-lead is for a program", "Add journal"),
    ("job: {restarts: true}", "restarts is for a program", "Add journal"),
    ("job: {most-restarts: 3}", "most-restarts is for a program", "Add journal"),
    ("cluster: {system: slurm}\njob: {journal: j}", "before the walltime is over, and there is none", "walltime: 2h"),
    ("cluster: {system: pbs}\njob: {journal: j}", "before the walltime is over, and there is none", "walltime: 2h"),
    ("cluster: {system: local}\njob: {journal: j, drain-lead: 1m}", "and there is none", "leave out drain-lead"),
    ("job: {journal: j, walltime: 2m, drain-lead: 2m}", "drain-lead is 2m, and has to be shorter", "a shorter one"),
    ("job: {journal: j, walltime: 1m}", "drain-lead is 2m, and has to be shorter", "Give a drain-lead"),
    (
      "cluster: {system: slurm}\njob: {journal: j, walltime: 1d, drain-lead: 19h}", "more than 65535 s before the end",
      "18h"
    ),
    ("job: {journal: j, array: 1-3}", "all jobs of the array would write to the same journal", "{index} into"),
    ("job: {journal: \"j-{index}\"}", "job.journal has {index}, and there is no array", "add array"),
    ("job: {journal: ~/j}", "without ~", "name"),
    ("job: {journal: j, environment: {MUSTER_DEADLINE: 3}}", "environment has MUSTER_DEADLINE", "Leave it out"),
    ("job: {journal: j, restarts: false, most-restarts: 3}", "and restarts is false", "one of them"),
    ("cluster: {system: local}\njob: {journal: j, restarts: true}", "local has no restarts", "start the script again"),
    ("cluster: {system: local}\njob: {journal: j, most-restarts: 3}", "local has no most-restarts", "Leave it out"),
    (
      "cluster: {system: pbs, launcher: pals}\njob: {journal: j, walltime: 1h, drain-signal: USR1}",
      "launcher pals doesn't pass SIGUSR1 on", "goes by the time"
    ),
    (
      "cluster: {system: pbs, launcher: mpich}\njob: {journal: j, walltime: 1h, drain-signal: USR2}",
      "launcher mpich doesn't pass SIGUSR2 on", "Take USR1"
    ),
  ])
  func saysWhatCantBe(text: String, message: String, fix: String) {
    let error = refusal(text + "\n")
    #expect(error?.description.contains(message) == true, "\(error as Any)")
    #expect(error?.description.contains(fix) == true, "\(error as Any)")
    let line = text.split(separator: "\n").firstIndex { $0.hasPrefix("job") }! + 1
    #expect(error?.place == .init(source: "test.yaml", line: line), "\(error as Any)")
  }
}
