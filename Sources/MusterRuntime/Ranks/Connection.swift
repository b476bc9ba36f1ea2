internal import CMPI
internal import Glibc
internal import Synchronization

/// This process's part in the job as MPI knows it: made at the first session of several ranks, and kept to the end of
/// the process. Used on MPI's thread only.
struct Connection: Sendable {
  var comm: cmpi_comm
  var rank: Int
  var size: Int
  /// The lowest rank on this node.
  var node: Int
  /// How the ranks here share the node's processors.
  var processors: NodeProcessors
  /// The ranks here that run tasks.
  var workersHere: Int
  /// The name of each rank's node.
  var nodeNames: [String]
  /// Muster started MPI, and so ends it.
  var isOwner: Bool
  /// Another thread than the one that began may make the MPI calls, as long as only one does at a time.
  var mayChangeThread: Bool
  /// The process that made it: a fork of that has no thread for MPI, and no part in the job.
  private let process = getpid()

  private static let current = Mutex<Connection?>(nil)
  /// The ranks as the last session saw them, whose processes are watched between sessions.
  private static let lastMembers = Mutex<[Member]>([])
  static var formerMembers: [Member] { lastMembers.withLock { $0 } }

  /// Connects, where that hasn't happened; starts MPI, where nobody has.
  ///
  /// - Throws: `MusterError` with code `session`, the same on every rank, where MPI can't be used by a thread of
  ///   Muster's.
  static func open(environment: [String: String]) throws(MusterError) -> Connection {
    guard !MPI.isFinalized else {
      throw MusterError(
        .session, "MPI has been ended in this process, and can't be started again",
        fix: "Call MPI_Finalize after the last session")
    }
    if let open = current.withLock({ $0 }) { return open }
    let isOwner = !MPI.isInitialized
    if isOwner {
      try initialize(environment: environment)
    } else {
      try checkThreadLevel()
    }
    let connection = connect(isOwner: isOwner, environment: environment)
    if isOwner && connection.size == 1 {
      MPI.check(cmpi_finalize(), "MPI_Finalize")
      return connection
    }
    current.withLock { $0 = connection }
    if isOwner { endAtExit() }
    return connection
  }

  private static func initialize(environment: [String: String]) throws(MusterError) {
    SingleNode.preferSharedMemory(environment)
    var level = CMPI_SINGLE
    MPI.check(cmpi_init(CMPI_SERIALIZED, &level), "MPI_Init_thread")
    guard level.rawValue >= CMPI_FUNNELED.rawValue else {
      MPI.check(cmpi_finalize(), "MPI_Finalize")
      throw MusterError(
        .session, "this MPI gives the level MPI_THREAD_SINGLE only: a process may not have threads",
        fix: "Build Muster with an MPI that gives MPI_THREAD_FUNNELED")
    }
  }

  /// The program has started MPI, on a thread of its own: calls on Muster's thread need a level that allows them.
  private static func checkThreadLevel() throws(MusterError) {
    var level = CMPI_SINGLE
    MPI.check(cmpi_query_thread(&level), "MPI_Query_thread")
    guard level.rawValue < CMPI_SERIALIZED.rawValue else { return }
    throw MusterError(
      .session,
      "the program has started MPI with the level \(level == CMPI_SINGLE ? "MPI_THREAD_SINGLE" : "MPI_THREAD_FUNNELED"),"
        + " which keeps Muster's thread from calling it",
      fix:
        "Start it by MPI_Init_thread with MPI_THREAD_MULTIPLE, or with MPI_THREAD_SERIALIZED where the program itself"
        + " makes no MPI calls during the session; or leave it to Session.run to start MPI")
  }

  private static func connect(isOwner: Bool, environment: [String: String]) -> Connection {
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
    var nodeRank: Int32 = 0
    MPI.check(cmpi_comm_rank(node, &nodeRank), "MPI_Comm_rank")
    var leader = rank
    MPI.check(cmpi_bcast(&leader, 4, 0, node), "MPI_Bcast")
    var level = CMPI_SINGLE
    MPI.check(cmpi_query_thread(&level), "MPI_Query_thread")
    // Rank 0 runs no tasks, so the processors of its node are for the others there.
    let workers = (leader == 0 && size > 1 ? 1 : 0)..<Int(nodeSize)
    let processors = NodeProcessors(
      gatherAllowances(size: Int(nodeSize), comm: node), own: Int(nodeRank), workers: workers,
      limit: Processors.grantedByControlGroup)
    MPI.check(cmpi_comm_free(&node), "MPI_Comm_free")
    // For tests: as if each rank were on a node of its own.
    if environment["MUSTER_TEST_SEPARATE_NODES"] == "1" { leader = rank }

    return Connection(
      comm: comm, rank: Int(rank), size: Int(size), node: Int(leader), processors: processors,
      workersHere: max(1, workers.count), nodeNames: gatherNodeNames(size: Int(size), comm: comm), isOwner: isOwner,
      mayChangeThread: level.rawValue >= CMPI_SERIALIZED.rawValue)
  }

  private static func gatherAllowances(size: Int, comm: cmpi_comm) -> [NodeProcessors.Allowance] {
    var group = ControlGroup.own
    let own = ProcessorMask.own.bytes + withUnsafeBytes(of: &group) { Array($0) }
    var all = [UInt8](repeating: 0, count: own.count * size)
    MPI.check(cmpi_allgather(own, Int32(own.count), &all, comm), "MPI_Allgather")
    return (0..<size).map { rank in
      let part = all[rank * own.count..<(rank + 1) * own.count]
      return NodeProcessors.Allowance(
        mask: ProcessorMask(bytes: Array(part.prefix(ProcessorMask.byteCount))),
        group: part.dropFirst(ProcessorMask.byteCount).reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
  }

  private static func gatherNodeNames(size: Int, comm: cmpi_comm) -> [String] {
    let length = 64
    // The last byte stays 0.
    var own = [CChar](repeating: 0, count: length)
    gethostname(&own, length - 1)
    var all = [UInt8](repeating: 0, count: length * size)
    MPI.check(cmpi_allgather(own, Int32(length), &all, comm), "MPI_Allgather")
    return (0..<size).map { rank in
      String(decoding: all[rank * length..<(rank + 1) * length].prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  // MARK: Coming together

  /// What a rank has come for.
  enum Purpose: Int32 {
    /// The start of a session.
    case session = 1
    /// The end of the process.
    case end = 2
  }

  /// What a rank brings along.
  private struct Visitor: BitwiseCopyable {
    var purpose: Int32
    /// Stands for the error that has left `main`; 0 where there is none.
    var error: UInt64
    var member: Member
  }

  /// Comes together with all other ranks, outside of sessions, and learns what they say of themselves. A job whose ranks
  /// have come for different things can't go on.
  ///
  /// - Parameters:
  ///   - limit: how many nanoseconds to wait for the others; nil where that doesn't matter.
  ///   - deadline: after how many nanoseconds the job ends where not all have come to a session's start; nil for never.
  /// - Returns: nil where the limit has passed.
  func meet(for purpose: Purpose, as member: Member, limit: Int? = nil, deadline: Int? = nil) -> [Member]? {
    var sessionStart = purpose == .session ? SessionStart(self, deadline: deadline) : nil
    // MPI writes into the buffer until all have come: where the limit passes it stays allocated.
    let own = UnsafeMutablePointer<Visitor>.allocate(capacity: 1)
    let all = UnsafeMutablePointer<Visitor>.allocate(capacity: size)
    own.initialize(to: Visitor(purpose: purpose.rawValue, error: ErrorInMain.textDigest, member: member))
    var request: cmpi_request = 0
    // The padding within a visitor is never looked at; MPI copies it along.
    MPI.check(cmpi_iallgather(own, Int32(MemoryLayout<Visitor>.stride), all, comm, &request), "MPI_Iallgather")
    let start = MonotonicClock.nanoseconds
    let members = Self.formerMembers
    var watch = members.isEmpty ? nil : RankWatch(members, rank: rank)
    var lost: (rank: Int, time: Int)?
    var rounds = 0
    while true {
      var flag: Int32 = 0
      MPI.check(cmpi_test(&request, &flag), "MPI_Test")
      if flag != 0 { break }
      let now = MonotonicClock.nanoseconds
      if let limit, now - start > limit { return nil }
      sessionStart?.check(waited: now - start)
      MPIThread.shared.keepVigil()
      // Who has been here leaves when all have come: a process that is gone, with no end in sight, is one that died.
      if lost == nil, let dead = watch?.deaths(now: now).first { lost = (dead, now) }
      // Rank 0 is the first to say so, where it sees it.
      if let lost, now - lost.time > (rank == 0 ? 200_000_000 : 1_000_000_000) {
        let dead = lost.rank
        ErrorInMain.tell()
        FatalEnd.end("rank \(dead) (node \(nodeNames[dead])) died outside of any session", comm: comm)
      }
      rounds += 1
      // A rank that has ended may wait long for one that works on by itself: it leaves the processor to others.
      if rounds < 2000 { sched_yield() } else { usleep(rounds < 4000 ? 100 : 2000) }
    }
    let visitors = Array(UnsafeBufferPointer(start: all, count: size))
    own.deallocate()
    all.deallocate()
    tellError(visitors)
    if let other = visitors.firstIndex(where: { $0.purpose != visitors[0].purpose }) { endDiverged(visitors, other) }
    sessionStart?.end()
    let present = visitors.map(\.member)
    if purpose == .session { Self.lastMembers.withLock { $0 = present } }
    return present
  }

  /// Of the ranks that end with the same error the lowest tells it.
  private func tellError(_ visitors: [Visitor]) {
    let error = visitors[rank].error
    guard error != 0 else { return }
    if visitors.firstIndex(where: { $0.error == error }) == rank {
      ErrorInMain.tell()
    } else {
      ErrorInMain.leaveToAnother()
    }
  }

  private func endDiverged(_ visitors: [Visitor], _ other: Int) -> Never {
    if rank != 0 {
      // Rank 0 tells.
      sleep(1)
      FatalEnd.abort(comm: comm)
    }
    // A rank that ends by an error says so first.
    if visitors.contains(where: { $0.error != 0 && $0.error != visitors[0].error }) { usleep(200_000) }
    let (ending, going) = visitors[0].purpose == Purpose.end.rawValue ? (0, other) : (other, 0)
    let reason = visitors[ending].error == 0 ? "" : " with an error"
    FatalEnd.end(
      "ranks 0 and \(other) diverged: rank \(ending) has come to the end of the program\(reason), rank \(going) starts"
        + " another session. Every rank has to make the same calls", comm: comm)
  }

  // MARK: The end

  /// Has MPI ended when the process exits, where Muster started it.
  private static func endAtExit() {
    atexit {
      guard let open = Connection.openAtExit else { return }
      // The job may be ended while this rank waits for one that still works.
      StandardStreams.flushOutput()
      let reply = Reply<Void>()
      MPIThread.shared.run {
        open.close()
        reply.give(())
      }
      reply.wait()
    }
  }

  /// The connection that is to be closed when the process exits. MPI_Abort may exit too, on MPI's thread.
  private static var openAtExit: Connection? {
    guard !FatalEnd.hasBegun, !Session.ranksAreInUse, let open = current.withLock({ $0 }), open.isOwner,
      open.process == getpid()
    else { return nil }
    return open
  }

  /// This rank comes together with the others when the process exits.
  static var meetsAtExit: Bool { openAtExit != nil && !MPI.isFinalized }

  /// With an error that has left `main` the others needn't come: the launcher ends them.
  private static let hurriedLimit = 1_000_000_000

  private func close() {
    Signals.dropLastWord()
    guard !MPI.isFinalized else { return }
    let limit = ErrorInMain.hasEndedProgram ? Self.hurriedLimit : nil
    guard meet(for: .end, as: Member(), limit: limit) != nil else {
      // The others don't come, and hear of it from the launcher.
      MPIThread.shared.vigil = nil
      return ErrorInMain.tell()
    }
    MPIThread.shared.vigil?.close()
    MPIThread.shared.vigil = nil
    IncomingPackets.drain(comm)
    MPI.check(cmpi_finalize(), "MPI_Finalize")
    if ErrorInMain.hasEndedProgram { TurnToLeave.wait() }
  }
}
