internal import CMPI
internal import Glibc

/// What every rank knows of another from the start.
struct Member: BitwiseCopyable, Sendable {
  var pid: Int32 = 0
  /// The lowest rank on the same node.
  var node: Int32 = 0
  /// Tells process namespaces apart: a pid means something within one only.
  var pidNamespace: UInt64 = 0
  /// When the process started, in clock ticks: a pid with another start is another process.
  var startTime: UInt64 = 0
  /// The threads that run tasks.
  var threads: Int32 = 0
  /// The memory that the worker's blocks may take, in bytes.
  var memoryLimit: Int = 0
  /// The longest message that it was told to send, in bytes.
  var pieceSize: Int = 0
  /// How often it was told to give a sign, and after how long without one to take another for dead, in nanoseconds; 0
  /// for never.
  var heartbeatInterval: Int = 0
  var heartbeatPatience: Int = 0
  /// How long it was told to wait for one that doesn't come, in nanoseconds; 0 for ever.
  var progressDeadline: Int = 0
  /// How many events each thread was told to keep; 0 where nothing is traced.
  var traceCapacity: Int = 0
  /// Whether it was told to report; not 0 where it was.
  var reports: Int32 = 0
}

/// The ranks of a session.
struct World: Sendable {
  var comm: cmpi_comm
  var rank: Int
  var size: Int
  var members: [Member]
  /// The name of each rank's node.
  var nodeNames: [String]
  /// Muster started MPI, and so ends it.
  var ownsMPI: Bool
  /// Another thread than the one that began may make the MPI calls, as long as only one does at a time.
  var mayChangeThread: Bool
  /// More ranks on this node than processors: then waiting gives the processor up at once.
  var isOversubscribed: Bool
  /// The longest message; sender and receiver cut alike, so all go by rank 0.
  var pieceSize: Int { members[0].pieceSize }
  /// How often a rank gives a sign, in nanoseconds. A setting in the environment may have reached some ranks only: all
  /// go by rank 0, or one would wait less long than another takes between two signs.
  var heartbeatInterval: Int { members[0].heartbeatInterval }
  /// After how many nanoseconds without a sign a rank is taken for dead; nil where none ever is.
  var heartbeatPatience: Int? { members[0].heartbeatPatience > 0 ? members[0].heartbeatPatience : nil }
  /// How many events each thread keeps; nil where nothing is traced. All go by rank 0, which writes the trace.
  var traceCapacity: Int? { members[0].traceCapacity > 0 ? members[0].traceCapacity : nil }

  /// Whether there is to be a report, which rank 0 writes.
  var reports: Bool { members[0].reports != 0 }

  /// Brings the ranks together for a session. To be called on MPI's thread.
  ///
  /// - Throws: `MusterError` with code `session`, where MPI can't be used.
  static func start(configuration: SessionConfiguration, environment: [String: String]) throws(MusterError) -> World {
    let connection = try Connection.open(environment: environment)
    let size = connection.size
    let threads =
      configuration.threads ?? Processors.grantedByBatchSystem(environment) ?? connection.processors.threads
    let own = Member(
      pid: getpid(), node: Int32(connection.node), pidNamespace: ProcessStatus.pidNamespace,
      startTime: ProcessStatus.read(pid: getpid())?.startTime ?? 0, threads: Int32(threads),
      memoryLimit: configuration.memoryLimit ?? MachineMemory.workerLimit(workersHere: connection.workersHere),
      pieceSize: configuration.pieceSize ?? MPI.longestPiece,
      heartbeatInterval: (configuration.heartbeatInterval ?? SessionConfiguration.defaultHeartbeatInterval).nanoseconds,
      heartbeatPatience: (configuration.heartbeatPatience ?? SessionConfiguration.defaultHeartbeatPatience).nanoseconds,
      progressDeadline: configuration.progressDeadline?.nanoseconds ?? 0,
      traceCapacity: configuration.traceCapacity ?? 0, reports: configuration.report == nil ? 0 : 1)
    let deadline = startDeadline(configuration, connection)
    let members = size == 1 ? [own] : connection.meet(for: .session, as: own, deadline: deadline) ?? []
    return World(
      comm: connection.comm, rank: connection.rank, size: size, members: members,
      nodeNames: connection.nodeNames, ownsMPI: connection.isOwner, mayChangeThread: connection.mayChangeThread,
      isOversubscribed: connection.processors.isOversubscribed)
  }

  /// How long to wait for the others at a session's start. Other ranks than 0 may have the setting where rank 0 hasn't.
  private static func startDeadline(_ configuration: SessionConfiguration, _ connection: Connection) -> Int? {
    guard let own = configuration.progressDeadline?.nanoseconds else { return nil }
    if connection.rank == 0 { return own }
    let roots = Connection.formerMembers.first?.progressDeadline ?? 0
    return roots > 0 ? max(own, roots) : nil
  }

  /// Whether a launcher of MPI programs started this process: only then is MPI asked how many ranks there are.
  static func isLaunched(_ environment: [String: String]) -> Bool {
    ["OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS"].contains {
      environment[$0] != nil
    }
  }

  /// This process's rank, where the launcher says it, for when MPI can't be asked. Never from Slurm's variables: under
  /// mpirun every rank has the same.
  static func launchedRank(_ environment: [String: String]) -> Int? {
    for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"] {
      if let rank = environment[name].flatMap({ Int($0) }) { return rank }
    }
    return nil
  }

  /// How many tasks `srun` started, where it started this process.
  static func stepTasks(_ environment: [String: String]) -> Int {
    guard environment["SLURM_PROCID"] != nil, environment["OMPI_COMM_WORLD_SIZE"] == nil else { return 1 }
    return environment["SLURM_STEP_NUM_TASKS"].flatMap { Int($0) } ?? 1
  }
}
