/// What takes jobs.
public enum BatchSystem: String, Hashable, Sendable, CaseIterable {
  /// SLURM, 20.11 or later.
  case slurm
  /// PBS Pro and OpenPBS.
  case pbs
  /// No batch system: this machine, by `mpirun`.
  case local
}

/// What launches the ranks within a job.
public enum Launcher: String, Hashable, Sendable, CaseIterable {
  /// SLURM's own.
  case srun
  /// Open MPI 4's `mpirun`.
  case openmpi4
  /// Open MPI 5's `mpirun`.
  case openmpi5
  /// MPICH's `mpiexec`, Hydra, and those of its relatives.
  case mpich
  /// `mpiexec` of HPE's parallel application launch service, on Cray machines with PBS.
  case pals
}

/// A cluster as far as jobs have to know it: one for all jobs that run there.
public struct Cluster: Hashable, Sendable {
  /// Whether jobs of a configuration have run on the cluster.
  public enum Status: String, Hashable, Sendable, CaseIterable {
    /// Jobs have run there.
    case run
    /// Made from the cluster's manual; scripts were rendered, and none was run there.
    case rendered
  }

  /// How a PBS job says what it wants.
  public enum ResourceStyle: String, Hashable, Sendable, CaseIterable {
    /// `-l select=4:ncpus=128:mem=200gb`: nodes, and what each has.
    case select
    /// `-l ncpus=512 -l mem=800gb`: the sums over all nodes.
    case totals
  }

  /// What takes jobs; nil where it isn't said.
  public var system: BatchSystem?
  /// Whether the configuration was run.
  public var status: Status?
  /// The address of the manual that the configuration is made from.
  public var manual: String?

  /// The cores of a node that a job may use.
  public var nodeCores: Int?
  /// What the batch system counts as CPUs for each core: 2 where it counts hardware threads. A rank is given whole cores, and
  /// runs one thread on each.
  public var cpusPerCore = 1
  /// The memory of a node that a job may use, in bytes.
  public var nodeMemory: Int?
  /// The GPUs of a node.
  public var nodeGPUs: Int?

  /// The longest walltime, in seconds.
  public var longestWalltime: Int?
  /// The most nodes of a job.
  public var mostNodes: Int?

  /// The most jobs that one user may have in the queue.
  public var mostQueuedJobs: Int?

  /// What launches ranks; nil for `srun` under SLURM and Open MPI's `mpirun` elsewhere.
  public var launcher: Launcher?
  /// The kind of MPI that `srun` is told (`srun --mpi=list` names them); nil leaves it to the cluster's default.
  public var mpi: String?
  /// Whether each rank is bound to its cores.
  public var bindsRanks = true
  /// Further options of the launcher.
  public var launcherOptions: [String] = []
  /// The option of `qsub` that says what is charged, where it isn't `-A`.
  public var accountOption: String?
  /// How PBS is told what a job wants.
  public var resourceStyle = ResourceStyle.select

  /// The keys of a job that the cluster insists on, such as `account`.
  public var required: [String] = []

  /// What launches ranks, where nothing is said too.
  var resolvedLauncher: Launcher { launcher ?? (system == .slurm ? .srun : .openmpi4) }

  /// A cluster of which nothing is known.
  public init() {}
}
