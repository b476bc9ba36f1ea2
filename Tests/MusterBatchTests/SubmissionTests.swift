import Foundation
import MusterBatch
import Testing

/// Submission, questions and cancelling with stand-ins for the batch systems' commands on the path.
struct SubmissionTests {
  private static let slurmSays = "echo 'sacct: Slurm accounting storage is disabled' >&2; exit 1"

  @Test func aJobIsSubmittedAndKnown() throws {
    // Odd output around the number.
    let site = try Site([
      "sbatch": #"cat "${@: -1}" >script; echo 'Welcome!'; echo '77;cluster'; echo 'Bye.'"#,
      "sacct": Self.slurmSays, "squeue": "echo '77|PENDING|Priority|heat'",
      "scancel": "exit 0",
    ])
    let submitted = try site.muster(
      "submit", "slurm", "--name", "heat", "--walltime", "2h", "--", "./heat", "--steps", "a b")
    #expect(submitted.status == 0 && submitted.output == "77\n", "\(submitted.output)")
    let script = try String(contentsOfFile: site.folder + "/script", encoding: .utf8)
    #expect(script.contains("#SBATCH --time=02:00:00\n") && script.hasSuffix("./heat --steps 'a b'\n"), "\(script)")
    #expect(site.calls().count == 1 && site.calls()[0].hasPrefix("sbatch --parsable /"))

    let jobs = try site.muster("jobs")
    #expect(jobs.output.contains(/\n77 +heat +\d{4}-\d\d-\d\d \d\d:\d\d +pending +Priority\n/), "\(jobs.output)")
    let json = try site.muster("jobs", "77", "--json")
    let entries = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect((entries[0]["status"] as? [String: Any])?["state"] as? String == "pending", "\(json.output)")
    #expect((entries[0]["job"] as? [String: Any])?["command"] as? [String] == ["./heat", "--steps", "a b"])

    let early = try site.muster("logs", "77")
    #expect(
      early.status != 0 && early.output.contains("heat-77.out, the output of job 77, isn't there"), "\(early.output)")
    try "step 1\n".write(toFile: site.folder + "/heat-77.out", atomically: true, encoding: .utf8)
    #expect(try site.muster("logs", "77").output == "step 1\n")
    #expect(try site.muster("logs", "77", "--json").output.contains(#""text" : "step 1\n""#))

    #expect(try site.muster("cancel", "77").status == 0)
    #expect(site.calls().last == "scancel 77")
  }

  @Test func errorsOfTheirOwn() throws {
    let site = try Site(["sbatch": "echo 77"])
    #expect(try site.muster("submit", "slurm", "--set", "job.error=e-{id}.txt", "--", "./heat").status == 0)
    try "step 1\n".write(toFile: site.folder + "/heat-77.out", atomically: true, encoding: .utf8)
    try "no mesh\n".write(toFile: site.folder + "/e-77.txt", atomically: true, encoding: .utf8)
    #expect(try site.muster("logs", "77").output == "step 1\n")
    #expect(try site.muster("logs", "77", "--errors").output == "no mesh\n")
    try site.note("5")
    let none = try site.muster("logs", "5", "--errors")
    #expect(none.status == 1 && none.output.contains("Leave out --errors"), "\(none.output)")
  }

  /// A job of a chain that goes on isn't one that has failed.
  @Test func aJobThatDrained() throws {
    let site = try Site([
      "qsub": "echo 5.server",
      "qstat": "printf 'Job Id: 5.server\\n    Job_Name = heat\\n    job_state = F\\n    Exit_status = 85\\n'",
    ])
    let journal = ["--set", "job.journal=j", "--walltime", "1h"]
    #expect(try site.muster(["submit", "pbs"] + journal + ["--", "./heat"]).status == 0)
    let drained = try site.muster("jobs").output
    #expect(drained.contains(/5.server +heat .* drained\n/), "\(drained)")
    let other = try Site([
      "qstat": "printf 'Job Id: 5\\n    Job_Name = heat\\n    job_state = F\\n    Exit_status = 85\\n'"
    ])
    try other.note("5", system: "pbs")
    let failed = try other.muster("jobs").output
    #expect(failed.contains("failed (status 85)"), "\(failed)")
  }

  /// Jobs of a batch system that isn't here any more don't hide the others.
  @Test func oneOfTwoBatchSystems() throws {
    let site = try Site([
      "sacct": "echo '6|RUNNING|None|heat|0:0'", "squeue": "exit 0",
      "scontrol": "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
      "qstat": "printf 'no route\\nto the server\\n' >&2; exit 1",
    ])
    try site.note("5", system: "pbs")
    #expect(try site.muster("jobs").status == 1)
    try site.note("6")
    let (status, output) = try site.muster("jobs")
    #expect(status == 0 && output.contains(/6 +heat .* running\n/), "\(output)")
    #expect(output.contains(/5 +heat .* unknown +qstat: no route; to the server\n/), "\(output)")
    for number in 10..<30 { try site.note("\(number)") }
    #expect(try site.muster("jobs").output.hasSuffix("\nand 2 before: muster jobs --all\n"))
    #expect(try !site.muster("jobs", "--all").output.contains("--all"))
  }

  /// On refusal the batch system has the word.
  @Test(arguments: [
    ("sbatch", "echo 'sbatch: error: Batch job submission failed: Invalid account' >&2; exit 1", "Invalid account"),
    ("sbatch", "echo 'out of quota'; exit 2", "sbatch: out of quota"),
    ("sbatch", "exit 4", "status 4, without a word"), ("sbatch", "echo 'Thank you'", "said nothing of a job's number"),
    ("qsub", "echo 'qsub: Unauthorized Request' >&2; exit 159", "qsub: qsub: Unauthorized Request"),
  ])
  func refusals(command: String, body: String, message: String) throws {
    let site = try Site([command: body])
    let system = command == "sbatch" ? "slurm" : "pbs"
    let (status, output) = try site.muster("submit", system, "--", "./heat")
    #expect(status == 1 && output.contains(message), "\(output)")
    // It was asked once, and nothing is noted.
    #expect(site.calls().count == 1)
    #expect(try site.muster("jobs").output == "no job was submitted yet\n")
  }

  @Test(arguments: [("slurm", "sbatch"), ("pbs", "qsub")])
  func aSubmissionIsntRepeated(system: String, command: String) throws {
    let site = try Site([command: "exec sleep 30"])
    let start = Date()
    let (status, output) = try site.muster("submit", system, "--patience", "0.5", "--", "./heat")
    #expect(
      status == 1 && output.contains("didn't answer") && output.contains("may be queued all the same"), "\(output)")
    #expect(site.calls().count == 1 && Date().timeIntervalSince(start) < 20)
  }

  /// A controller that is busy is asked again.
  @Test func questionsAreRepeated() throws {
    let site = try Site([
      "sacct": Self.slurmSays,
      "squeue": """
      if [ "$(grep -c squeue calls)" -lt 3 ]; then
        echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1
      fi
      echo '5|RUNNING|None|heat'
      """,
    ])
    try site.note("5")
    let (status, output) = try site.muster("jobs")
    #expect(status == 0 && output.contains("running"), "\(output)")
    #expect(site.calls().filter { $0.hasPrefix("squeue") }.count == 3)
  }

  @Test func aBatchSystemThatHangsIsGivenUp() throws {
    let site = try Site(["sacct": "exec sleep 100", "squeue": "exec sleep 100"])
    try site.note("5")
    let (status, output) = try site.muster("jobs", "--patience", "0.2")
    #expect(status == 1 && output.contains("squeue didn't answer within 1 s"), "\(output)")
    // Accounting once, since it may be down while the queue answers.
    #expect(site.calls().map { $0.prefix(6) } == ["sacct ", "squeue", "squeue", "squeue", "squeue"])
    #expect(try site.muster("jobs", "--patience=-1").output.contains("--patience is above 0"))
  }

  @Test func aPBSThatHangsIsGivenUp() throws {
    let site = try Site(["qstat": "exec sleep 100"])
    try site.note("5", system: "pbs")
    let (status, output) = try site.muster("jobs", "--patience", "0.2")
    #expect(status == 1 && output.contains("qstat didn't answer within 1 s"), "\(output)")
    #expect(site.calls().count == 4, "\(site.calls())")
  }

  @Test func accountingMayBeDown() throws {
    let site = try Site(["sacct": "exec sleep 100", "squeue": "echo '5|RUNNING|None|heat'"])
    try site.note("5")
    #expect(try site.muster("jobs", "--patience", "0.2").output.contains("running"))
  }

  /// An error that says nothing of the job isn't taken for one that says that there is none.
  @Test func aQuestionIsRefused() throws {
    let site = try Site(["sacct": Self.slurmSays, "squeue": "echo 'squeue: fatal: no configuration' >&2; exit 1"])
    try site.note("5")
    let (status, output) = try site.muster("jobs")
    #expect(status == 1 && output.contains("squeue: squeue: fatal: no configuration"), "\(output)")
  }

  /// Numbers begin anew, or are another cluster's.
  @Test func numbersComeAgain() throws {
    let site = try Site(["sacct": "echo '5|RUNNING|None|heat|0:0'; echo '6|RUNNING|None|other|0:0'"])
    for id in ["5", "6", "5"] { try site.note(id) }
    let states = try site.muster("jobs").output.split(separator: "\n").dropFirst().map {
      $0.split(separator: " ").last!
    }
    #expect(states == ["running", "gone", "gone"])
  }

  /// What accounting doesn't know the queue does, and what that has forgotten the controller.
  @Test func eachIsAskedForWhatTheOthersDontKnow() throws {
    let site = try Site([
      "sacct": "echo '1|OUT_OF_MEMORY|None|heat|0:125'", "squeue": "echo '2|RUNNING|None|heat'; echo 'error' >&2",
      "scontrol": """
      if [ "$4" = 3 ]; then echo 'JobId=3 JobName=heat JobState=COMPLETED Reason=None ExitCode=0:0'; exit 0; fi
      echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1
      """,
    ])
    for id in ["1", "2", "3", "4"] { try site.note(id) }
    let (status, output) = try site.muster("jobs")
    #expect(status == 0)
    for line in [/1 .*outOfMemory/, /2 .*running/, /3 .*completed/, /4 .*gone/] {
      #expect(output.contains(line), "\(output)")
    }
  }

  @Test func pbs() throws {
    let site = try Site([
      "qsub": #"cat "${@: -1}" >script; echo 4321.server"#,
      "qstat": """
      if [ "$1" = -x ]; then echo 'qstat: invalid option' >&2; exit 1; fi
      printf 'Job Id: 4321.server\\n    Job_Name = heat\\n    job_state = R\\n'
      """, "qdel": "echo 'qdel: Request invalid for state of job 4321.server' >&2; exit 138",
    ])
    #expect(try site.muster("submit", "pbs", "--", "./heat").output == "4321.server\n")
    #expect(try String(contentsOfFile: site.folder + "/script", encoding: .utf8).contains("#PBS -N heat\n"))
    #expect(try site.muster("jobs", "4321").output.contains("running"))
    let cancelled = try site.muster("cancel", "4321")
    #expect(
      cancelled.status == 1 && cancelled.output.contains("Request invalid for state of job"), "\(cancelled.output)")
    let dry = try site.muster("submit", "pbs", "--dry-run", "--", "./heat")
    #expect(dry.status == 1 && dry.output.contains("pbs has no test"), "\(dry.output)")
    try "done\n".write(toFile: site.folder + "/heat.o4321", atomically: true, encoding: .utf8)
    #expect(try site.muster("logs", "4321").output == "done\n")
  }

  /// One that is over isn't cancelled, and keeps no other from it.
  @Test func jobsAreCancelled() throws {
    let site = try Site([
      "sacct": "echo '1|COMPLETED|None|heat|0:0'; echo '2|RUNNING|None|heat|0:0'",
      "squeue": "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
      "scontrol": "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "scancel": "exit 0",
    ])
    for id in ["1", "2", "3"] { try site.note(id) }
    let (status, output) = try site.muster("cancel", "1", "3", "2")
    #expect(status == 1 && output.contains("job 1 is over: completed"), "\(output)")
    #expect(site.calls().filter { $0.hasPrefix("scancel") } == ["scancel 2"])
    #expect(try site.muster("cancel", "3").output.contains("isn't known to slurm any more"))
  }

  @Test func theOutputNeedsItsFolder() throws {
    let site = try Site(["sbatch": "echo 7"])
    let (status, output) = try site.muster("submit", "slurm", "--set", "job.output=logs/{id}", "--", "./heat")
    #expect(status == 1 && output.contains("there is no folder logs") && site.calls().isEmpty, "\(output)")
    try FileManager.default.createDirectory(atPath: site.folder + "/logs", withIntermediateDirectories: true)
    #expect(try site.muster("submit", "slurm", "--set", "job.output=logs/{id}", "--", "./heat").status == 0)
  }

  @Test func thereIsACapOnQueuedJobs() throws {
    let site = try Site(["sbatch": "echo 9", "squeue": "printf '1\\n2_1\\n2_2\\n'"])
    func submit(_ most: Int, _ array: String...) throws -> (status: Int32, output: String) {
      let more = array.flatMap { ["--set", "job.array=\($0)"] }
      return try Tool.run(
        Tool.muster,
        ["submit", "slurm", "--set", "cluster.most-queued-jobs=\(most)"] + more + ["--", "./heat"],
        environment: ["PATH": site.folder + "/bin:/usr/bin:/bin", "XDG_STATE_HOME": site.folder])
    }
    let refused = try submit(3)
    #expect(refused.status == 1 && refused.output.contains("3 jobs of yours are queued"), "\(refused.output)")
    #expect(try submit(5, "1-3").status == 1)
    #expect(!site.calls().contains { $0.hasPrefix("sbatch") })
    #expect(try submit(4).output == "9\n" && submit(5, "1-2").output == "9\n")
  }

  /// Each job of an array that PBS has counts, whichever PBS it is.
  @Test(arguments: [
    "case \"$1\" in -T) printf '7[1].s\\n7[2].s\\n8.s\\n' ;; *) exit 2 ;; esac",
    "case \"$1\" in -T) echo usage >&2; exit 2 ;; *) printf '7-1.s\\n7-2.s\\n8.s\\n' ;; esac",
  ]) func jobsOfArraysCount(qselect: String) throws {
    let site = try Site(["qsub": "echo 9.s", "qselect": qselect])
    for (most, status) in [(3, 1), (4, 0)] as [(Int, Int32)] {
      let said = try site.muster("submit", "pbs", "--set", "cluster.most-queued-jobs=\(most)", "--", "./heat")
      #expect(said.status == status && said.output.contains("3 jobs of yours are queued") == (status == 1), "\(said)")
    }
  }

  /// What a program does with jobs by calls of the library.
  @Test func byCalls() throws {
    let site = try Site([:])
    try site.note("5")
    let submission = Submission(ledger: JobLedger(path: site.folder + "/muster/jobs.jsonl"))
    #expect { try submission.output(of: "5") } throws: { ($0 as? BatchError)?.code == .unreadableFile }
    #expect { try submission.output(of: "6") } throws: { ($0 as? BatchError)?.code == .unknownJob }
    #expect { try submission.output(of: "5", index: 1) } throws: { ($0 as? BatchError)?.code == .invalidValue }
    try "written\n".write(toFile: site.folder + "/heat-5.out", atomically: true, encoding: .utf8)
    #expect(try submission.output(of: "5").text == "written\n")
    #expect { try LocalRun(ranks: 0).run(["true"]) } throws: { ($0 as? BatchError)?.code == .invalidValue }
    let script = try LocalRun(ranks: 4, threads: 2).script(running: ["./heat"], in: ["MUSTER_JOURNAL": "j"])
    // MPICH's launcher may not pass a drained program's status on.
    let other = LocalRun(launcher: .mpich)
    #expect(
      try other.script(running: ["./heat"], in: ["MUSTER_JOURNAL": "a j"]).contains("export MUSTER_JOURNAL='a j'"))
    #expect(try other.script(running: ["./heat"], in: ["MUSTER_JOURNAL": "j"]).contains("then status=85; fi"))
    #expect(try !other.script(running: ["./heat"], in: [:]).contains("status"))
    #expect(script.contains("mpirun -n 4 ") && script.contains("MUSTER_THREADS=2"), "\(script)")
  }

  /// What these commands say for programs.
  @Test func submittingAndCancellingAsJSON() throws {
    let site = try Site([
      "sbatch": "case \"$*\" in *--test-only*) echo 'to start at noon' >&2 ;; *) echo 9 ;; esac",
      "sacct": "echo '9|RUNNING|None|heat|0:0'", "squeue": "exit 0", "scancel": "exit 0",
    ])
    func decoded(_ arguments: String...) throws -> [String: Any] {
      let said = try site.muster(arguments)
      #expect(said.status == 0, "\(said)")
      return try #require(JSONSerialization.jsonObject(with: Data(said.output.utf8)) as? [String: Any])
    }
    #expect(
      try decoded("submit", "slurm", "--dry-run", "--json", "--", "./heat")["test"] as? String == "to start at noon")
    let record = try decoded("submit", "slurm", "--json", "--", "./heat")
    #expect(record["id"] as? String == "9" && record["command"] as? [String] == ["./heat"], "\(record)")
    #expect(try decoded("cancel", "9", "--json")["cancelled"] as? [String] == ["9"])
  }

  @Test func withoutABatchSystem() throws {
    let site = try Site([:])
    try site.note("5")
    for arguments in [["submit", "slurm", "--", "./heat"], ["cancel", "5"]] {
      let (status, output) = try Tool.run(
        Tool.muster, arguments, environment: ["PATH": site.folder + "/bin", "XDG_STATE_HOME": site.folder])
      #expect(status == 1 && output.contains("here. Run this where jobs are submitted"), "\(output)")
    }
    let local = try site.muster("submit", "local", "--", "./heat")
    #expect(local.status == 1 && local.output.contains("muster run"), "\(local.output)")
    let unknown = try site.muster("cancel", "6")
    #expect(unknown.status == 1 && unknown.output.contains("job 6 wasn't submitted"), "\(unknown.output)")
  }

  /// A job that can't be noted has a number all the same, and a line that was cut off hides no other.
  @Test func theLedgerMayBeDamaged() throws {
    let site = try Site(["sbatch": "echo 7", "sacct": "echo '7|RUNNING|None|x|0:0'; echo '5|RUNNING|None|x|0:0'"])
    try site.note("5")
    let path = site.folder + "/muster/jobs.jsonl"
    let line = try String(contentsOfFile: path, encoding: .utf8)
    try (line + #"{"command":["./he"#).write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try site.muster("submit", "slurm", "--", "./heat").status == 0)
    let jobs = try site.muster("jobs").output
    #expect(jobs.contains("\n7 ") && jobs.contains("\n5 "), "\(jobs)")

    try FileManager.default.removeItem(atPath: site.folder + "/muster")
    try "in the way".write(toFile: site.folder + "/muster", atomically: true, encoding: .utf8)
    let (status, output) = try site.muster("submit", "slurm", "--", "./heat")
    #expect(status == 1 && output.contains("job 7 was submitted, and"), "\(output)")
  }
}
