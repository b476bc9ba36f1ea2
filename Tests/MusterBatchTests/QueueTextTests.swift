import MusterBatch
import Testing

/// What batch systems print, as they do and as some sites have them do.
struct QueueTextTests {
  @Test(
    arguments: [
      ("4321\n", "4321"), ("4321;cluster\n", "4321"), ("Submitted batch job 4321\n", "4321"),
      ("Welcome to the cluster!\nYou have 2 TB left.\n\nSubmitted batch job 17\n", "17"),
      ("sbatch: lua: using default account\n99\nHave a nice day\n", "99"), ("", nil), ("no job today\n", nil),
      ("2 nodes are down\n", nil),
    ] as [(String, String?)])
  func slurmNumbers(output: String, id: String?) { #expect(SLURMText.jobID(output) == id) }

  @Test(
    arguments: [
      ("4321.pbs01\n", "4321.pbs01"), ("4321[].server.site.org\n", "4321[].server.site.org"), ("17\n", "17"),
      ("Charging project ab12\n4321.gadi-pbs\n", "4321.gadi-pbs"), ("qsub: no\n", nil),
    ] as [(String, String?)])
  func pbsNumbers(output: String, id: String?) { #expect(PBSText.jobID(output) == id) }

  @Test(arguments: [
    ("PENDING", JobState.pending), ("PD", .pending), ("CF", .pending), ("REQUEUED", .pending), ("RUNNING", .running),
    ("COMPLETING", .running), ("R", .running), ("SUSPENDED", .suspended), ("COMPLETED", .completed), ("CD", .completed),
    ("CANCELLED by 1000", .cancelled), ("CANCELLED+", .cancelled), ("TIMEOUT", .timedOut), ("DEADLINE", .timedOut),
    ("OUT_OF_MEMORY", .outOfMemory), ("OUT_OF_ME+", .outOfMemory), ("NODE_FAIL", .nodeFailed),
    ("BOOT_FAIL", .nodeFailed),
    ("PREEMPTED", .preempted), ("FAILED", .failed), ("completed", .completed), ("HIBERNATING", .unknown),
    ("", .unknown),
  ])
  func slurmStates(word: String, state: JobState) { #expect(SLURMText.state(word) == state) }

  @Test func slurmJobs() throws {
    let jobs = SLURMText.statuses(
      """
      slurm_load_jobs: a word to all users
      10|RUNNING|None|heat|0:0
      11|PENDING|Resources|heat
      12|CANCELLED by 0|None|a b|0:15
      13|FAILED|NonZeroExitCode|x|3:0
      14_1|COMPLETED|None|many|0:0
      14_2|FAILED|NonZeroExitCode|many|1:0
      14_[3-9:2,20%2]|PENDING|JobArrayTaskLimit|many|0:0
      15_1|COMPLETED||all|0:0
      15_2|COMPLETED||all|0:0
      16+0|RUNNING|None|two parts|0:0

      """)
    #expect(jobs.count == 7)
    #expect(jobs["10"]?.state == .running && jobs["10"]?.reason == nil && jobs["10"]?.exitStatus == nil)
    #expect(jobs["11"]?.state == .pending && jobs["11"]?.reason == "Resources")
    #expect(jobs["12"]?.state == .cancelled && jobs["12"]?.signal == 15 && jobs["12"]?.name == "a b")
    #expect(jobs["13"]?.exitStatus == 3 && jobs["13"]?.signal == nil && jobs["13"]?.word == "FAILED")
    #expect(jobs["14"]?.jobsByState == ["completed": 1, "failed": 1, "pending": 5])
    #expect(jobs["14"]?.indicesByState == ["completed": "1", "failed": "2", "pending": "3-9:2,20"])
    #expect(jobs["14"]?.state == .pending && jobs["14"]?.reason == "JobArrayTaskLimit" && jobs["14"]?.id == "14")
    #expect(jobs["15"]?.state == .completed && jobs["15"]?.jobsByState == ["completed": 2])
    #expect(jobs["15"]?.indicesByState == ["completed": "1,2"] && jobs["16"]?.indicesByState == nil)
    #expect(jobs["16"]?.state == .running)
  }

  @Test func slurmController() {
    let jobs = SLURMText.described(
      """
      JobId=7 JobName=a job with spaces UserId=me(1000) GroupId=me(1000) MCS_label=N/A Priority=1 Nice=0 \
      JobState=TIMEOUT Reason=TimeLimit Dependency=(null) Requeue=1 Restarts=0 BatchFlag=1 ExitCode=0:15 RunTime=00:01:00
      JobId=9 ArrayJobId=8 ArrayTaskId=1 JobName=b JobState=RUNNING Reason=None ExitCode=0:0
      JobId=8 ArrayJobId=8 ArrayTaskId=2-4 JobName=b JobState=PENDING Reason=Priority ExitCode=0:0

      """)
    #expect(jobs["7"]?.state == .timedOut && jobs["7"]?.reason == "TimeLimit" && jobs["7"]?.signal == 15)
    #expect(jobs["7"]?.name == "a job with spaces")
    #expect(jobs["8"]?.jobsByState == ["running": 1, "pending": 3] && jobs["8"]?.state == .running)
    #expect(jobs["8"]?.indicesByState == ["running": "1", "pending": "2-4"])
  }

  @Test(arguments: [
    ("Q", "", JobState.pending), ("H", "", .pending), ("W", "", .pending), ("R", "", .running), ("E", "", .running),
    ("B", "", .running), ("S", "", .suspended), ("U", "", .suspended), ("F", "    Exit_status = 0", .completed),
    ("F", "    Exit_status = 3", .failed), ("C", "    exit_status = 0", .completed),
    ("F", "    Exit_status = -29", .timedOut),
    ("F", "    Exit_status = 271", .cancelled),
    ("F", "    Exit_status = 271\n    comment = exceeded walltime", .timedOut),
    ("F", "    comment = Not Running: job deleted", .cancelled), ("C", "", .unknown), ("?", "", .unknown),
  ])
  func pbsStates(letter: String, lines: String, state: JobState) {
    let jobs = PBSText.statuses("Job Id: 4321.server\n    Job_Name = heat\n    job_state = \(letter)\n\(lines)\n")
    #expect(jobs["4321"]?.state == state && jobs["4321"]?.name == "heat" && jobs["4321"]?.id == "4321.server")
  }

  @Test func pbsJobs() {
    let jobs = PBSText.statuses(
      """
      qstat: a word to all users
      Job Id: 1.server
          Job_Name = heat
          job_state = Q
          comment = Not Running: Insufficient amount of resource: ncpus (R: 128 A
      \t: 64 T: 256)
          Variable_List = PBS_O_HOME=/home/me,PBS_O_LANG=en,
      \tPBS_O_WORKDIR=/home/me/job_state = x

      Job Id: 2[].server
          job_state = F
          Exit_status = 265

      """)
    #expect(jobs["1"]?.state == .pending)
    #expect(jobs["1"]?.reason == "Not Running: Insufficient amount of resource: ncpus (R: 128 A: 64 T: 256)")
    #expect(jobs["2[]"]?.state == .cancelled && jobs["2[]"]?.signal == 9)
  }
}
