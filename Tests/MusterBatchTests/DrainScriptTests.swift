import Foundation
import MusterBatch
import Testing

/// Scripts of jobs with a journal, run for real, with stand-ins for the batch system and the launcher: a bash program that
/// works through steps, which it counts in its journal, and drains on SIGUSR1.
struct DrainScriptTests {
  /// Steps of a tenth of a second. `$1` is their number, `$2` the status at the end; `pace` how long the drain takes, and
  /// `late` how long it doesn't know the signal, and with `mark` it says so in a file, as programs of Muster's do.
  private static let program = """
    #!/bin/bash
    if [ -n "${late:-}" ]; then touch begun; sleep "$late"; fi
    trap 'echo told; told=yes' USR1
    trap 'echo ended; exit 143' TERM
    step=$(cat "$MUSTER_JOURNAL" 2>/dev/null || echo 0)
    echo "begins after $step, until $((MUSTER_DEADLINE - $(date +%s)))"
    echo "start: ${MUSTER_JOURNAL_START:-}" >>starts
    touch begun
    while [ "$step" -lt "$1" ]; do
      sleep 0.1
      step=$((step + 1))
      echo "$step" >"$MUSTER_JOURNAL"
      if [ -n "${told:-}" ]; then
        sleep "${pace:-0}"
        if [ -n "${mark:-}" ]; then touch "$MUSTER_JOURNAL.drained"; fi
        exit 85
      fi
    done
    echo "all $step steps"
    exit "$2"

    """

  /// What a launcher is told before the program isn't looked at.
  private static let launcher = "while [ \"$1\" != ./steps ]; do shift; done; exec \"$@\""

  /// A folder with the program and the script of a job.
  private func site(
    _ system: String, _ job: String, program arguments: [String], commands: [String: String] = [:],
    launcher: String = "openmpi4", mpi: String = ""
  ) throws -> Site {
    var all = commands
    for name in ["srun", "mpirun", "mpiexec"] { all[name] = all[name] ?? Self.launcher }
    let site = try Site(all)
    let kind = system == "slurm" ? "srun" : launcher
    var configuration = JobConfiguration()
    try configuration.read(
      "cluster: {system: \(system), launcher: \(kind), bind-ranks: false\(mpi)}\njob: {\(job)}\n", from: "test.yaml")
    let script = try configuration.checked().script(running: ["./steps"] + arguments).text()
    for (name, text) in [("job", script), ("steps", Self.program)] {
      let path = "\(site.folder)/\(name)"
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }
    return site
  }

  /// Runs the job once: `during` is done, with the script's number in `job`, when the program has begun.
  private func run(
    _ site: Site, during: String = "", environment: [String: String] = [:], script: String = "job"
  ) throws -> (status: Int32, output: String) {
    let driver = """
      rm -f begun
      bash \(script) >said 2>&1 & job=$!
      until [ -e begun ] || ! kill -0 $job 2>/dev/null; do sleep 0.02; done
      \(during)
      status=0
      wait $job || status=$?
      cat said
      exit $status
      """
    return try Tool.run(
      "bash", ["-c", driver], environment: ids(site).merging(environment) { $1 }, in: site.folder)
  }

  /// What the batch system tells a job.
  private func ids(_ site: Site) -> [String: String] {
    [
      "PATH": site.folder + "/bin:/usr/bin:/bin", "SLURM_JOB_ID": "77", "PBS_JOBID": "77.server",
      "PBS_O_WORKDIR": site.folder,
    ]
  }

  private func requeues(_ site: Site) -> [String] { site.calls().filter { $0.hasPrefix("scontrol") } }

  // MARK: SLURM

  @Test func drainsAndGoesOn() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j, epilogue: [echo epilogue]", program: ["20", "0"],
      commands: ["scontrol": "exit 0"])
    let first = try run(site, during: "sleep 0.3; kill -USR1 $job")
    #expect(first.status == 85 && first.output.contains("begins after 0, until 3600\ntold\n"), "\(first.output)")
    #expect(first.output.hasSuffix("muster: drained, and requeued: restart 1 of 100 at most\n"), "\(first.output)")
    #expect(requeues(site) == ["scontrol requeue Incomplete 77"])
    // It isn't the job's end.
    #expect(!first.output.contains("epilogue"))

    let second = try run(site, environment: ["SLURM_RESTART_COUNT": "1", "SLURM_JOB_END_TIME": "2000000000"])
    #expect(second.status == 0 && second.output.hasSuffix("all 20 steps\nepilogue\n"), "\(second.output)")
    #expect(!second.output.contains("begins after 0") && !second.output.contains("until 3600"), "\(second.output)")
    #expect(requeues(site).count == 1)
  }

  /// SLURM ends what is there of a job when it's back in the queue: that may be the command which put it there.
  @Test func whoRequeuesIsEnded() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j, epilogue: [echo epilogue]", program: ["20", "0"],
      commands: ["scontrol": "kill -TERM $PPID $$; sleep 5"])
    let run = try run(site, during: "sleep 0.3; kill -USR1 $job")
    #expect(run.status == 85 && run.output.contains("muster: drained, and requeued: restart 1 of 100"), "\(run.output)")
    #expect(!run.output.contains("wasn't requeued") && !run.output.contains("epilogue"), "\(run.output)")
  }

  /// A launcher that doesn't end when the ranks have is ended, and the job goes on.
  @Test func theLauncherStays() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j, drain-lead: 8s, scheduler-node: true, shape: 1x1x1", program: ["20", "0"],
      commands: [
        "scontrol": "exit 0",
        "srun": "trap 'kill -USR1 $!' USR1; ./steps 20 0 & wait $!; wait $!; exec sleep 40",
      ],
      mpi: ", mpi: pmix")
    let start = Date()
    let end = Int(start.timeIntervalSince1970) + 14
    let first = try run(
      site, during: "sleep 0.3; kill -USR1 $job", environment: ["mark": "yes", "SLURM_JOB_END_TIME": "\(end)"])
    #expect(first.status == 85, "\(first.output)")
    #expect(
      first.output.contains(" s after the ranks have left: it is killed"),
      "\(first.output)")
    #expect(first.output.hasSuffix("muster: drained, and requeued: restart 1 of 100 at most\n"), "\(first.output)")
    #expect(Date().timeIntervalSince(start) < 25)
    // One that ends isn't waited for by what would end it.
    let again = Date()
    try "#!/bin/bash\nexec ./steps 20 0\n".write(toFile: site.folder + "/bin/srun", atomically: false, encoding: .utf8)
    // Whatever holds the pipe holds it up.
    let last = try Tool.run(
      "bash", ["-c", "set -o pipefail; bash job 2>&1 | cat"],
      environment: ids(site).merging(["SLURM_RESTART_COUNT": "1"]) { $1 }, in: site.folder)
    #expect(last.status == 0 && last.output.hasSuffix("all 20 steps\n"), "\(last.output)")
    #expect(Date().timeIntervalSince(again) < 10)
  }

  /// No other status makes a job run again, and the job has the program's.
  @Test(arguments: [0, 1, 86]) func otherEnds(status: Int32) throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j, epilogue: [echo epilogue]", program: ["1", "\(status)"],
      commands: ["scontrol": "exit 0"])
    let ended = try run(site)
    #expect(ended.status == status && ended.output.hasSuffix("all 1 steps\nepilogue\n"), "\(ended.output)")
    #expect(requeues(site).isEmpty)
  }

  /// Launchers don't always pass the status on: MPICH's may tell that it killed the ranks that were still there, or
  /// nothing, and Open MPI's may crash.
  @Test(arguments: [0, 9, 139]) func theLauncherTellsAnotherStatus(status: Int32) throws {
    let launcher = """
      if [ -n "${fails:-}" ]; then exit 1; fi
      while [ "$1" != ./steps ]; do shift; done
      trap 'kill -USR1 $ranks' USR1
      "$@" & ranks=$!
      while wait $ranks; [ $? -gt 128 ] && kill -0 $ranks 2>/dev/null; do :; done
      exit \(status)
      """
    let site = try site(
      "slurm", "walltime: 1h, journal: \"its journal\"", program: ["20", "0"],
      commands: ["scontrol": "exit 0", "srun": launcher])
    let first = try run(site, during: "sleep 0.3; kill -USR1 $job", environment: ["mark": "yes"])
    #expect(first.status == 85 && requeues(site).count == 1, "\(first)")
    let mark = site.folder + "/its journal.drained"
    #expect(FileManager.default.fileExists(atPath: mark))
    // One that fails before it has begun isn't taken for the one before.
    let second = try run(site, environment: ["fails": "yes"])
    #expect(second.status == 1 && requeues(site).count == 1, "\(second)")
    #expect(!FileManager.default.fileExists(atPath: mark))
  }

  /// A program that goes by the time itself is told nothing.
  @Test func drainsByItself() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: \"j-{index}\", array: 1-9", program: ["1", "85"],
      commands: ["scontrol": "exit 0"])
    let ended = try run(site, environment: ["SLURM_ARRAY_JOB_ID": "70", "SLURM_ARRAY_TASK_ID": "3"])
    #expect(ended.status == 85 && requeues(site) == ["scontrol requeue Incomplete 70_3"], "\(ended.output)")
    #expect(try String(contentsOfFile: site.folder + "/j-3", encoding: .utf8) == "1\n")
  }

  @Test func thereIsABound() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j, most-restarts: 3, epilogue: [echo epilogue]", program: ["1", "85"],
      commands: ["scontrol": "exit 0"])
    #expect(try run(site, environment: ["SLURM_RESTART_COUNT": "2"]).output.contains("restart 3 of 3 at most"))
    let last = try run(site, environment: ["SLURM_RESTART_COUNT": "3"])
    #expect(last.status == 85 && requeues(site).count == 1, "\(last.output)")
    #expect(
      last.output.hasSuffix(
        "muster: drained, and restarted 3 times already (most-restarts): submit it again to go on\nepilogue\n"),
      "\(last.output)")
  }

  @Test func aRefusedRequeueIsSaid() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j, epilogue: [echo epilogue]", program: ["1", "85"],
      commands: ["scontrol": "exit 1"])
    let ended = try run(site)
    #expect(
      ended.status == 85 && ended.output.hasSuffix("wasn't requeued: submit it again to go on\nepilogue\n"),
      "\(ended.output)")
  }

  @Test func withoutRestarts() throws {
    let site = try site("slurm", "walltime: 1h, journal: j, restarts: false", program: ["1", "85"])
    let ended = try run(site)
    #expect(ended.status == 85 && ended.output.hasSuffix("not finished: submit the job again to go on\n"))
  }

  /// However many signals come during the drain, the script waits for the program's own end.
  @Test func signalsDuringTheDrain() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j", program: ["500", "0"], commands: ["scontrol": "exit 0"])
    let ended = try run(
      site, during: "for n in 1 2 3 4 5; do kill -USR1 $job; sleep 0.2; done", environment: ["pace": "2"])
    #expect(ended.status == 85 && requeues(site).count == 1, "\(ended.output)")
  }

  /// Signals up to the last moment leave the status alone.
  @Test func theProgramEndsJustBefore() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j", program: ["1", "0"],
      commands: [
        "scontrol": "exit 0",
        "srun": "trap '' USR1; touch begun; for n in {1..200}; do :; done; exit 0",
      ])
    for _ in 0..<20 {
      let ended = try run(site, during: "while kill -USR1 $job 2>/dev/null; do :; done")
      #expect(ended.status == 0, "\(ended.output)")
    }
    #expect(requeues(site).isEmpty)
  }

  /// A signal during the prologue: nothing is begun that would have to be ended at once.
  @Test func aSignalBeforeTheProgram() throws {
    let site = try site(
      "slurm", "walltime: 1h, journal: j, prologue: [touch begun, sleep 0.5]", program: ["500", "0"],
      commands: ["scontrol": "exit 0"])
    let ended = try run(site, during: "kill -USR1 $job")
    #expect(ended.status == 85 && site.calls() == ["scontrol requeue Incomplete 77"], "\(ended.output) \(site.calls())")
  }

  /// A signal before the program knows it: one that has a journal goes on from it; of another nobody knows whether it
  /// ever would, and so it's said.
  @Test(arguments: ["slurm", "pbs"]) func aSignalBeforeTheSession(system: String) throws {
    let site = try site(
      system, "walltime: 1h, journal: j, name: heat", program: ["20", "0"],
      commands: ["qsub": Self.qsub, "scontrol": "exit 0"])
    let early = "sleep 0.2; kill -USR1 $job"
    let first = try run(site, during: early, environment: ["late": "1"])
    #expect(
      first.status == 138 && first.output.contains("USR1 ended the program, and there is no journal 'j'"), "\(first)")
    #expect(site.calls().allSatisfy { !$0.hasPrefix("qsub") && !$0.hasPrefix("scontrol") }, "\(site.calls())")
    #expect(try run(site, during: "sleep 0.3; kill -USR1 $job").status == 85)
    let again = try run(site, during: early, environment: ["late": "1"])
    #expect(again.status == 85 && again.output.contains(": restart 1 of 100"), "\(again)")
    #expect(site.calls().count { $0.hasPrefix("qsub") || $0.hasPrefix("scontrol") } == 2, "\(site.calls())")
    let last = try run(site)
    #expect(last.status == 0 && last.output.hasSuffix("all 20 steps\n"), "\(last)")
    // A program that ends so by itself has failed.
    let other = try self.site(system, "walltime: 1h, journal: j", program: ["1", "138"])
    #expect(try run(other).status == 138 && other.calls().allSatisfy { !$0.hasPrefix("scontrol") })
  }

  // MARK: PBS

  /// As PBS does: the script is copied, and its copy gone when the job ends.
  private static let qsub = """
    cp "$1" queued
    grep -c '' "$1" >>lengths
    echo 78.server
    """

  @Test func aChainOfJobs() throws {
    let site = try site(
      "pbs",
      "walltime: 5s, drain-lead: 2s, journal: j, name: heat, output: log, most-restarts: 2, epilogue: [echo epilogue]",
      program: ["65", "0"], commands: ["qsub": Self.qsub])
    var script = "job"
    for restart in 1...2 {
      let start = Date()
      let ended = try run(site, script: script)
      #expect(ended.status == 85 && ended.output.isEmpty, "\(ended.output)")
      // Told after two or three seconds, by the script's own timer.
      #expect(Date().timeIntervalSince(start) < 10)
      let calls = site.calls().filter { $0.hasPrefix("qsub") }
      #expect(calls == Array(repeating: "qsub \(site.folder)/heat-77.pbs", count: restart), "\(calls)")
      script = "spooled-\(restart)"
      try FileManager.default.moveItem(atPath: site.folder + "/queued", toPath: "\(site.folder)/\(script)")
      let next = try String(contentsOfFile: "\(site.folder)/\(script)", encoding: .utf8)
      #expect(next.contains("\nmuster_restart=\(restart)\n") && next.contains("#PBS -l walltime=00:00:05\n"), "\(next)")
    }
    let last = try run(site, script: script)
    let log = try String(contentsOfFile: site.folder + "/log", encoding: .utf8)
    #expect(last.status == 0, "\(log)")
    // All runs have written to one file, and the epilogue is the last one's.
    #expect(log.ranges(of: "begins after ").count == 3 && log.hasSuffix("all 65 steps\nepilogue\n"), "\(log)")
    #expect(log.contains("goes on as job 78.server: restart 2 of 2 at most\n"), "\(log)")
    #expect(log.ranges(of: "epilogue").count == 1 && log.ranges(of: "told").count == 2, "\(log)")
    #expect(!FileManager.default.fileExists(atPath: site.folder + "/heat-77.pbs"))
  }

  @Test func aChainHasABound() throws {
    let site = try site(
      "pbs", "walltime: 1h, journal: j, most-restarts: 1", program: ["1", "85"], commands: ["qsub": Self.qsub])
    #expect(try run(site).output.contains("restart 1 of 1 at most"))
    let last = try run(site, script: "queued")
    #expect(last.status == 85 && last.output.contains("restarted 1 times already"), "\(last.output)")
    #expect(site.calls().filter { $0.hasPrefix("qsub") }.count == 1)
  }

  /// Of an array the one index that isn't finished goes on.
  @Test func anIndexGoesOn() throws {
    let site = try site(
      "pbs", "walltime: 1h, journal: \"j-{index}\", array: 1-9, name: heat", program: ["1", "85"],
      commands: ["qsub": Self.qsub])
    let first = try run(site, environment: ["PBS_JOBID": "77[4].server", "PBS_ARRAY_INDEX": "4"])
    #expect(first.status == 85 && site.calls().last == "qsub \(site.folder)/heat-77-4.pbs", "\(first.output)")
    let next = try String(contentsOfFile: site.folder + "/queued", encoding: .utf8)
    #expect(!next.contains("\n#PBS -J") && next.contains("\nmuster_restart=1; export PBS_ARRAY_INDEX=4\n"), "\(next)")
    let second = try run(site, script: "queued")
    #expect(second.status == 85 && second.output.contains("begins after 1,"), "\(second.output)")
    #expect(
      try String(contentsOfFile: site.folder + "/queued", encoding: .utf8).contains(
        "\nmuster_restart=2; export PBS_ARRAY_INDEX=4\n"))
  }

  @Test func aRefusedSubmissionIsSaid() throws {
    let site = try site(
      "pbs", "walltime: 1h, journal: j, name: heat, epilogue: [echo epilogue]", program: ["1", "85"],
      commands: ["qsub": "echo 'qsub: not from here' >&2; exit 1"])
    let ended = try run(site)
    #expect(
      ended.status == 85
        && ended.output.hasSuffix("wasn't submitted again: qsub \(site.folder)/heat-77.pbs to go on\nepilogue\n"),
      "\(ended.output)")
    #expect(FileManager.default.fileExists(atPath: site.folder + "/heat-77.pbs"))
  }

  /// The script is read at the start, not when it's wanted; a shell that reads it from its input has no name for it.
  @Test func aScriptWithoutAName() throws {
    let site = try site("pbs", "walltime: 1h, journal: j", program: ["1", "0"])
    let ended = try Tool.run(
      "bash", [], input: try String(contentsOfFile: site.folder + "/job", encoding: .utf8),
      environment: ["PBS_O_WORKDIR": site.folder, "PBS_JOBID": "7", "PATH": site.folder + "/bin:/usr/bin:/bin"],
      in: site.folder)
    #expect(
      ended.status == 1 && ended.output.contains("no script to submit again") && site.calls().isEmpty, "\(ended.output)"
    )
  }

  /// Only the first run of a job begins anew.
  @Test(arguments: ["slurm", "pbs"], ["there", "made", "linked"])
  func beginningAnew(system: String, journal: String) throws {
    let place = journal == "made" ? "made/j, prologue: [mkdir -p made]" : "j"
    let site = try site(
      system, "walltime: 1h, environment: {MUSTER_JOURNAL_START: anew}, journal: \(place)", program: ["1", "85"],
      commands: ["qsub": Self.qsub, "scontrol": "exit 0"])
    if journal == "linked" {
      try "0\n".write(toFile: site.folder + "/real", atomically: true, encoding: .utf8)
      try FileManager.default.createSymbolicLink(atPath: site.folder + "/j", withDestinationPath: "real")
    }
    _ = try run(site)
    _ = try run(site, environment: ["SLURM_RESTART_COUNT": "1"], script: system == "pbs" ? "queued" : "job")
    #expect(try String(contentsOfFile: site.folder + "/starts", encoding: .utf8) == "start: anew\nstart: resume\n")
  }

  /// A job that is told before its program has begun still begins anew when it runs again: the journal is another job's.
  @Test(arguments: ["slurm", "pbs"], ["prologue", "program"]) func beginningAnewLate(system: String, place: String)
    throws
  {
    let prologue = place == "prologue" ? ", prologue: [\"if [ ! -e once ]; then touch begun once; sleep 2; fi\"]" : ""
    let site = try site(
      system, "walltime: 1h, journal: j, environment: {MUSTER_JOURNAL_START: anew}" + prologue, program: ["9", "85"],
      commands: ["qsub": Self.qsub, "scontrol": "exit 0"])
    try "7\n".write(toFile: site.folder + "/j", atomically: true, encoding: .utf8)
    func isRunAgain(_ number: Int) -> Bool {
      site.calls().count { $0.hasPrefix("qsub") || $0.hasPrefix("scontrol") } == number
    }
    let told = try run(
      site, during: "sleep 0.2; kill -USR1 $job", environment: place == "program" ? ["late": "1"] : [:])
    #expect(told.status == 85 && isRunAgain(1), "\(told)")
    for restart in 1...2 {
      if system == "pbs" {
        try FileManager.default.moveItem(atPath: site.folder + "/queued", toPath: site.folder + "/next-\(restart)")
      }
      let next = try run(
        site, environment: ["SLURM_RESTART_COUNT": "\(restart)"], script: system == "pbs" ? "next-\(restart)" : "job")
      #expect(next.status == 85 && isRunAgain(restart + 1), "\(next)")
    }
    #expect(try String(contentsOfFile: site.folder + "/starts", encoding: .utf8) == "start: anew\nstart: resume\n")
    // Submitted again the job is another one.
    _ = try run(site, environment: ["SLURM_JOB_ID": "78", "PBS_JOBID": "79.server"])
    #expect(try String(contentsOfFile: site.folder + "/starts", encoding: .utf8).hasSuffix("resume\nstart: anew\n"))
  }

  /// Where it can't be noted that it has begun so the job would begin anew each time.
  @Test(arguments: ["slurm", "pbs"]) func beginningAnewIsNotNoted(system: String) throws {
    let site = try site(
      system, "walltime: 1h, journal: missing/j, environment: {MUSTER_JOURNAL_START: anew}", program: ["9", "85"])
    let ended = try run(site)
    #expect(
      ended.status == 1 && ended.output.contains("muster: without 'missing/j.anew' the job would begin anew"),
      "\(ended)")
    #expect(!FileManager.default.fileExists(atPath: site.folder + "/starts"))
  }

  // MARK: The end

  /// Whoever cancels a job doesn't want it back. The program has its time to drain: at SIGTERM a launcher would kill the
  /// ranks.
  @Test(arguments: ["slurm", "pbs"]) func aJobIsCancelled(system: String) throws {
    let site = try site(
      system, "walltime: 1h, journal: j, epilogue: [echo epilogue]", program: ["500", "0"],
      commands: ["qsub": Self.qsub, "scontrol": "exit 0"])
    let ended = try run(site, during: "kill -USR1 $job; sleep 0.2; kill -TERM $job", environment: ["pace": "1"])
    #expect(
      ended.status == 85 && ended.output.hasSuffix("told to end: submit it again to go on\nepilogue\n"),
      "\(ended.output)")
    #expect(ended.output.contains("told\n") && !ended.output.contains("ended\n"), "\(ended.output)")
    #expect(!site.calls().contains { $0.hasPrefix("qsub") || $0.hasPrefix("scontrol") })
  }

  // MARK: This machine

  /// The timer ends with the program: whatever holds the output open is waited for here.
  @Test(arguments: ["pbs", "local"]) func aTimerLeavesNothingBehind(system: String) throws {
    let site = try site(system, "walltime: 40s, drain-lead: 1s, journal: j", program: ["1", "0"])
    let start = Date()
    #expect(try Tool.run("bash", ["job"], environment: ids(site), in: site.folder).status == 0)
    #expect(Date().timeIntervalSince(start) < 20)
  }

  /// The timer goes by the job's end, whatever was done before the launch.
  @Test(arguments: ["pbs", "local"])
  func thePrologueTakesLong(system: String) throws {
    let site = try site(
      system, "walltime: 6s, drain-lead: 3s, journal: j, name: heat, restarts: false, prologue: [sleep 2]",
      program: ["500", "0"])
    let start = Date()
    let run = try run(site, environment: ["pace": "0.1"])
    let seconds = Date().timeIntervalSince(start)
    #expect(run.status == 85 && run.output.contains("drained, and not finished"), "\(run.output)")
    // Three seconds after the start, by a clock of whole seconds, and not three after the launch.
    #expect(seconds > 1.9 && seconds < 4.7, "\(seconds)")
  }

  @Test func onThisMachine() throws {
    let site = try site(
      "local", "walltime: 5s, drain-lead: 2s, journal: j, epilogue: [echo epilogue]", program: ["35", "0"])
    let first = try run(site)
    #expect(
      first.status == 85
        && first.output.hasSuffix("drained, and not finished: start this script again to go on\nepilogue\n"),
      "\(first.output)")
    let second = try run(site)
    #expect(second.status == 0 && second.output.hasSuffix("all 35 steps\nepilogue\n"), "\(second.output)")
  }

  /// One that doesn't drain is ended at the walltime.
  @Test func theWalltimeIsOver() throws {
    let site = try site("local", "walltime: 3s, drain-lead: 1s, journal: j", program: ["500", "0"])
    let start = Date()
    let ended = try run(site, environment: ["pace": "4"])
    #expect(ended.status == 143 && ended.output.contains("told\n"), "\(ended.output)")
    #expect(Date().timeIntervalSince(start) > 1.5)
  }

  // MARK: Launchers

  private static let launchers = [("openmpi4", "mpirun.openmpi"), ("mpich", "mpiexec.hydra")].filter {
    Tool.exists($0.1)
  }

  /// What each launcher here does with the signals that it is sent: all ranks are told, and its status is theirs as far as they have one.
  @Test(
    .enabled(if: !launchers.isEmpty, "there is neither Open MPI's launcher here nor MPICH's"), arguments: launchers)
  func theRanksAreTold(launcher: String, command: String) throws {
    let name = launcher == "mpich" ? "mpiexec" : "mpirun"
    let site = try site(
      "local", "journal: j, ranks-per-node: 3", program: ["500", "0"],
      commands: [name: "exec \(command) \"$@\""], launcher: launcher)
    var ended: (status: Int32, output: String) = (0, "")
    // MPICH's launcher now and then says 0.
    for _ in 0..<(launcher == "mpich" ? 3 : 1) where ended.status == 0 {
      ended = try run(
        site, during: "sleep 1; kill -USR1 $job",
        environment: ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "MUSTER_DEADLINE": "0"])
      #expect(ended.output.ranges(of: "told\n").count == 3, "\(ended.output)")
    }
    // MPICH's launcher kills the others once one has left, unless they all have left MPI: which these aren't in.
    #expect(launcher == "mpich" ? ended.status != 0 : ended.status == 85, "\(ended.status): \(ended.output)")

    // Ranks that don't know the signal yet: their end is told apart from another one.
    var environment = ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]
    environment["late"] = "3"
    var early: (status: Int32, output: String) = (0, "")
    // MPICH's launcher now and then says 0, or that it killed the others.
    for _ in 0..<(launcher == "mpich" ? 6 : 1) where early.status != 85 {
      early = try run(site, during: "sleep 1; kill -USR1 $job", environment: environment)
    }
    #expect(early.status == 85 && early.output.contains("start this script again to go on"), "\(early)")
  }
}
