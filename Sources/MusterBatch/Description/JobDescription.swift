/// A job, described once for whatever batch system is to take it: what `muster script` makes a script of.
///
/// A job has `nodes` × `ranksPerNode` ranks of `coresPerRank` cores. The first of them, rank 0, schedules and the others
/// work; with `hasSchedulerNode` rank 0 comes in addition, on a node of its own.
public struct JobDescription: Hashable, Sendable {
  /// What another job has to have come to before this one begins.
  public struct Dependency: Hashable, Sendable {
    /// The conditions that SLURM and PBS have in common.
    public enum Condition: String, Hashable, Sendable, CaseIterable {
      /// It has begun.
      case after
      /// It has ended, well or not.
      case afterAny = "afterany"
      /// It has ended well.
      case afterOK = "afterok"
      /// It has failed.
      case afterNotOK = "afternotok"
    }
    /// What is waited for.
    public var condition: Condition
    /// The other jobs.
    public var jobs: [String]

    /// Waits for jobs.
    public init(_ condition: Condition, _ jobs: [String]) {
      self.condition = condition
      self.jobs = jobs
    }
  }

  /// The indices of a job array.
  public struct IndexRange: Hashable, Sendable {
    /// The first and the last index.
    public var bounds: ClosedRange<Int>
    /// From one index to the next.
    public var step: Int

    /// Indices from the first to the last.
    public init(_ bounds: ClosedRange<Int>, step: Int = 1) {
      self.bounds = bounds
      self.step = step
    }
  }

  /// When mail is sent.
  public enum MailEvent: String, Hashable, Sendable, CaseIterable {
    /// The job begins.
    case begin
    /// It ends.
    case end
    /// It fails; PBS tells of each end, with its status.
    case fail
  }

  /// Where the job is to run.
  public var cluster = Cluster()

  /// The name that the batch system shows; nil for the program's.
  public var name: String?
  /// What is charged: SLURM's account, PBS's project.
  public var account: String?
  /// SLURM's partition, PBS's queue.
  public var queue: String?
  /// SLURM's quality of service.
  public var qos: String?
  /// A reservation; under PBS it is a queue.
  public var reservation: String?
  /// What nodes have to have: features under SLURM, `name=value` resources under PBS.
  public var constraint: String?

  /// The number of nodes, but for that of the scheduler.
  public var nodes = 1
  /// The ranks of each node; nil for as many as its cores have room for, one on a cluster whose nodes aren't known.
  public var ranksPerNode: Int?
  /// The cores of each rank, on which it runs a thread each; nil for a node's cores shared out among its ranks, one on a
  /// cluster whose nodes aren't known.
  public var coresPerRank: Int?
  /// The GPUs of each node.
  public var gpusPerNode = 0
  /// The memory of each node, in bytes; nil for what the batch system gives.
  public var memory: Int?
  /// Whether nobody else is on the nodes.
  public var isExclusive = false
  /// Whether rank 0, which schedules, has a node of its own besides the others.
  public var hasSchedulerNode = false
  /// How long the job may take, in seconds; nil for what the queue gives.
  public var walltime: Int?

  /// The indices of an array of jobs; nil for a single job.
  public var array: IndexRange?
  /// How many jobs of the array may run at a time.
  public var arrayLimit: Int?
  /// What the job waits for: all of it.
  public var dependencies: [Dependency] = []

  /// Where mail goes.
  public var mailAddress: String?
  /// When it's sent.
  public var mailEvents: [MailEvent] = []
  /// The file of the standard output, relative to the folder of the submission. `{name}`, `{id}` and `{index}` (of an
  /// array) stand for the job's.
  public var output: String?
  /// The file of the standard error, as `output`; nil for the same file.
  public var error: String?
  /// The folder in which the program runs; nil for that of the submission.
  public var folder: String?

  /// The environment modules to load.
  public var modules: [String] = []
  /// Further variables.
  public var environment: [String: String] = [:]
  /// Lines of shell before the program, on the first node.
  public var prologue: [String] = []
  /// Lines of shell after the program, whatever came of it, on the first node.
  public var epilogue: [String] = []
  /// What the program is run by on every rank, such as `apptainer exec image.sif`.
  public var container: [String] = []

  /// The program's journal, by which it goes on where an earlier run has drained: a path relative to the folder in which
  /// the program runs, with `{name}` and `{index}` (of an array) for the job's; nil for a program that keeps none. With a
  /// journal the script tells the program before the walltime is over, and has the job run again until it is finished.
  public var journal: String?
  /// What tells the program to drain; nil for `USR1`.
  public var drainSignal: DrainSignal?
  /// How long before the end of the walltime it is told, in seconds; nil for two minutes.
  public var drainLead: Int?
  /// Whether a job that has drained runs again by itself; nil for yes, but for `local`, which has nobody who does it.
  public var restarts: Bool?
  /// How often, at most; nil for 100 times.
  public var mostRestarts: Int?

  /// Further directives, without `#SBATCH` or `#PBS`.
  public var extraDirectives: [String] = []
  /// Directives to leave out, by how they begin: `--mem`.
  public var skippedDirectives: [String] = []

  /// A job of one node.
  public init() {}
}
