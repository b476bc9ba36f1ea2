internal import CMPI
internal import Glibc

/// What every rank knows of another from the start.
struct Member: BitwiseCopyable, Sendable {
  var pid: Int32
  /// The lowest rank on the same node.
  var node: Int32
  /// Tells process namespaces apart: a pid means something within one only.
  var pidNamespace: UInt64
  /// When the process started, in clock ticks: a pid with another start is another process.
  var startTime: UInt64
  /// The threads that run tasks.
  var threads: Int32
  /// The memory that the worker's blocks may take, in bytes.
  var memoryLimit: Int
}

/// The ranks of the job, as MPI says.
struct World: Sendable {
  var comm: cmpi_comm
  var rank: Int
  var size: Int
  var members: [Member]
  /// More ranks on this node than processors: then waiting gives the processor up at once.
  var isOversubscribed: Bool

  /// Starts MPI. To be called on the thread that makes all of the process's MPI calls.
  static func start(configuration: SessionConfiguration, environment: [String: String]) -> World {
    var isRunning: Int32 = 0
    MPI.check(cmpi_is_initialized(&isRunning), "MPI_Initialized")
    guard isRunning == 0 else {
      fatalError("MPI is running already. Muster starts and ends it: call Session.run before, and instead of, MPI_Init")
    }
    SingleNode.preferSharedMemory(environment)
    MPI.check(cmpi_init(), "MPI_Init_thread")
    var world: cmpi_comm = 0
    var comm: cmpi_comm = 0
    cmpi_comm_world(&world)
    MPI.check(cmpi_comm_dup(world, &comm), "MPI_Comm_dup")
    MPI.check(cmpi_comm_return_errors(comm), "MPI_Comm_set_errhandler")
    var rank: Int32 = 0
    var size: Int32 = 0
    MPI.check(cmpi_comm_rank(comm, &rank), "MPI_Comm_rank")
    MPI.check(cmpi_comm_size(comm, &size), "MPI_Comm_size")

    var node: cmpi_comm = 0
    MPI.check(cmpi_comm_split_shared(comm, &node), "MPI_Comm_split_type")
    var nodeSize: Int32 = 0
    MPI.check(cmpi_comm_size(node, &nodeSize), "MPI_Comm_size")
    var leader = rank
    MPI.check(cmpi_bcast(&leader, 4, 0, node), "MPI_Bcast")
    MPI.check(cmpi_comm_free(&node), "MPI_Comm_free")

    // Rank 0 runs no tasks, so the cores of its node are for the others there.
    let workersHere = max(1, Int(nodeSize) - (leader == 0 && size > 1 ? 1 : 0))
    let threads = Self.threads(
      configuration: configuration, environment: environment, ranksHere: Int(nodeSize), workersHere: workersHere)
    let status = ProcessStatus.read(pid: getpid())
    let own = Member(
      pid: getpid(), node: leader, pidNamespace: ProcessStatus.pidNamespace, startTime: status?.startTime ?? 0,
      threads: Int32(threads),
      memoryLimit: configuration.memoryLimit ?? MachineMemory.workerLimit(workersHere: workersHere))
    let members = [Member](unsafeUninitializedCapacity: Int(size)) { buffer, count in
      withUnsafeBytes(of: own) { bytes in
        // The padding within a member is never looked at; MPI copies it along.
        MPI.check(
          cmpi_allgather(bytes.baseAddress, Int32(MemoryLayout<Member>.stride), buffer.baseAddress, comm),
          "MPI_Allgather")
      }
      count = Int(size)
    }
    return World(
      comm: comm, rank: Int(rank), size: Int(size), members: members,
      isOversubscribed: Int(nodeSize) > Processors.online)
  }

  private static func threads(
    configuration: SessionConfiguration, environment: [String: String], ranksHere: Int, workersHere: Int
  ) -> Int {
    if let threads = configuration.threads { return threads }
    if let granted = Processors.grantedByBatchSystem(environment) { return granted }
    // A mask narrower than the machine is this rank's own share; else the ranks here share the machine.
    if Processors.allowed < Processors.online { return Processors.allowed }
    return max(1, Processors.online / workersHere)
  }

  /// Whether a launcher of MPI programs started this process: only then is MPI asked how many ranks there are.
  static func isLaunched(_ environment: [String: String]) -> Bool {
    ["OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS"].contains {
      environment[$0] != nil
    }
  }

  /// How many tasks `srun` started, where it started this process.
  static func stepTasks(_ environment: [String: String]) -> Int {
    guard environment["SLURM_PROCID"] != nil, environment["OMPI_COMM_WORLD_SIZE"] == nil else { return 1 }
    return environment["SLURM_STEP_NUM_TASKS"].flatMap { Int($0) } ?? 1
  }
}
