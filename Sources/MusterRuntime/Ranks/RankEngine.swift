internal import MusterScheduling
internal import Synchronization

/// The engine of several ranks. The program's thread hands requests to one thread that makes all MPI calls.
final class RankEngine: Engine {
  /// What the program asks of the engine.
  enum Request: Sendable {
    case submit(Submission)
    case release([TaskID], of: GraphID)
    case cancel([TaskID])
    case endWatch(Int)
    case count(@Sendable (GraphCounts) -> Void)
    case compute(Submission, Arrival, @Sendable (Result<ComputedBlocks, MusterError>) -> Void)
    case gather([TaskID], Arrival, @Sendable (Result<ComputedBlocks, MusterError>) -> Void)
    case ask(FutureQuestion, Arrival, @Sendable (Result<[UInt8], MusterError>) -> Void)
    case rootValue(Result<[UInt8], MusterError>?, Arrival, @Sendable (Result<[UInt8], MusterError>) -> Void)
    case finish(Arrival, @Sendable () -> Void)

    /// How the program comes to a collective; nil where it doesn't.
    var arrival: Arrival? {
      switch self {
      case .compute(_, let arrival, _), .gather(_, let arrival, _), .ask(_, let arrival, _),
        .rootValue(_, let arrival, _), .finish(let arrival, _):
        arrival
      case .submit, .release, .cancel, .endWatch, .count: nil
      }
    }
  }

  let world: World
  let doorbell = Doorbell()
  let disposal = Disposal()
  let traffic = Traffic()
  let coordination: Coordination
  /// As it was when the session began: MPI and libraries may change it while other threads run.
  let environment: [String: String]
  let board: ProgressBoard?
  let events: TraceRecorder?
  private let log: @Sendable () -> [CallTrace]
  private let requests = Mutex(FIFO<Request>())
  /// What is to be added to the journal, on its way to rank 0.
  private let notes = Mutex<[[UInt8]]>([])
  /// On rank 0: what adds to the journal.
  private let noteTaker = Mutex<(@Sendable ([UInt8]) -> Void)?>(nil)

  var rank: Int { world.rank }
  var rankCount: Int { world.size }
  var workerCount: Int { world.size - 1 }
  var threadCount: Int { world.members.dropFirst().reduce(0) { $0 + Int($1.threads) } }
  /// Where ranks wait for processors, a program that looks takes one from them.
  var patience: Int { world.isOversubscribed ? 0 : 50_000 }

  /// A collective has come to its end: what its functions hold is dropped where that may take long.
  func letGo(of request: inout Request?) {
    if case .compute? = request { disposal.drop(request) }
    request = nil
  }

  /// The calls that the program has made on this rank.
  func calls() -> [CallTrace] { log() }

  private init(
    world: World, environment: [String: String], board: ProgressBoard?, log: @escaping @Sendable () -> [CallTrace]
  ) {
    self.environment = environment
    self.world = world
    self.board = board
    self.log = log
    coordination = Coordination(rank: world.rank, doorbell: doorbell)
    events = TraceRecorder(rank: world.rank, capacity: world.traceCapacity, reports: world.reports)
    BlockAllocator.shared.memoryLimit = world.members[world.rank].memoryLimit
    // Before there are threads.
    let own = world.members[world.rank]
    ProcessMemory.boundHeaps(threads: Int(own.threads), memoryLimit: own.memoryLimit, environment: environment)
    if world.rank > 0 { Scratch.removeRemainsInBackground(environment: environment) }
  }

  /// Brings the ranks together, on MPI's thread. Returns nil where there is one rank only.
  ///
  /// - Throws: `MusterError` with code `session`, where MPI can't be used.
  static func start(
    configuration: SessionConfiguration, environment: [String: String], board: ProgressBoard?,
    log: @escaping @Sendable () -> [CallTrace]
  ) throws(MusterError) -> RankEngine? {
    let started = Reply<Result<RankEngine?, MusterError>>()
    MPIThread.shared.run {
      let world: World
      do throws(MusterError) {
        world = try World.start(configuration: configuration, environment: environment)
      } catch {
        started.give(.failure(error))
        return
      }
      guard world.size > 1 else {
        started.give(.success(nil))
        return
      }
      let engine = RankEngine(
        world: world, environment: environment, board: world.rank == 0 ? board : nil, log: log)
      started.give(.success(engine))
      RankLoop(engine: engine, configuration: configuration).run()
    }
    return try started.wait().get()
  }

  private func post(_ request: Request) {
    requests.withLock { $0.append(request) }
    doorbell.ring()
  }

  /// Sends rank 0 a note for the journal.
  func post(note: [UInt8]) {
    notes.withLock { $0.append(note) }
    doorbell.ring()
  }

  func takeNotes() -> [[UInt8]] {
    notes.withLock { notes in
      defer { notes = [] }
      return notes
    }
  }

  var hasNotes: Bool { notes.withLock { !$0.isEmpty } }

  func takeNotes(by taker: @escaping @Sendable ([UInt8]) -> Void) { noteTaker.withLock { $0 = taker } }
  func received(note: [UInt8]) { noteTaker.withLock { $0 }?(note) }

  /// Set once, before the program's first call.
  private let plan = Mutex<DrainPlan?>(nil)
  private let hasPlan = Atomic(false)
  /// How the session leaves before its work is done; nil where it doesn't.
  var drainPlan: DrainPlan? { hasPlan.load(ordering: .acquiring) ? plan.withLock { $0 } : nil }

  func drains(by plan: DrainPlan) {
    self.plan.withLock { $0 = plan }
    hasPlan.store(true, ordering: .releasing)
  }

  func takeRequest() -> Request? { requests.withLock { $0.popFirst() } }
  var hasRequest: Bool { requests.withLock { !$0.isEmpty } }

  func compute(
    _ submission: Submission, arrival: Arrival,
    completion: @escaping @Sendable (Result<ComputedBlocks, MusterError>) -> Void
  ) {
    post(.compute(submission, arrival, completion))
  }

  func submit(_ submission: Submission) { post(.submit(submission)) }

  func gather(
    _ tasks: [TaskID], arrival: Arrival, completion: @escaping @Sendable (Result<ComputedBlocks, MusterError>) -> Void
  ) {
    post(.gather(tasks, arrival, completion))
  }

  func runReady() {}

  func release(_ tasks: [TaskID], of graph: GraphID) {
    if rank == 0 { post(.release(tasks, of: graph)) }
  }

  func cancel(_ tasks: [TaskID]) {
    if rank == 0 { post(.cancel(tasks)) }
  }

  func endWatch(_ number: Int) {
    if rank == 0 { post(.endWatch(number)) }
  }

  func graphCounts() -> GraphCounts {
    let reply = Reply<GraphCounts>()
    post(.count { reply.give($0) })
    return reply.wait()
  }

  func ask(
    _ question: FutureQuestion, arrival: Arrival,
    completion: @escaping @Sendable (Result<[UInt8], MusterError>) -> Void
  ) {
    post(.ask(question, arrival, completion))
  }

  func shareFromRoot(_ outcome: Result<[UInt8], MusterError>?, arrival: Arrival) -> Result<[UInt8], MusterError> {
    let reply = Reply<Result<[UInt8], MusterError>>()
    post(.rootValue(outcome, arrival) { reply.give($0) })
    return reply.wait()
  }

  func finish(arrival: Arrival) {
    let reply = Reply<Void>()
    post(.finish(arrival) { reply.give(()) })
    reply.wait()
    BlockAllocator.shared.releaseKept()
  }
}
