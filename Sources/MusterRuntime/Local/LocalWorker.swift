internal import Glibc
internal import HeapModule
internal import MusterScheduling
internal import Synchronization

/// The one worker of a session without ranks: threads that share memory. Each takes the most urgent tasks, runs them, and
/// tells the scheduler itself, under one lock. Tasks that are short are taken and told of several at a time.
///
/// The lock is what the threads wait for where tasks are short, so that little is done with it held that could be left out:
/// Swift's checks of overlapping access to what every task passes through, for one. No function that changes such a
/// variable is given another that could use it meanwhile.
///
/// `@unchecked Sendable` is safe: every stored variable is read and written with `condition` locked only.
final class LocalWorker: @unchecked Sendable {
  typealias Completion = @Sendable (Result<ComputedBlocks, MusterError>) -> Void

  struct Ready: Comparable {
    var priority: Int64
    var attempt: Attempt
    var task: TaskID
    static func < (a: Ready, b: Ready) -> Bool { a.priority < b.priority }
    static func == (a: Ready, b: Ready) -> Bool { a.priority == b.priority }
  }

  /// A task that a thread has taken, with what came of it.
  struct Taken {
    var ready: Ready
    var layer: RegisteredLayer
    var inputs: [any Block]
    var result: Result<any Block, any Error>?
    var nanoseconds = 0
    /// It was to be given back before it had begun.
    var isWithdrawn = false
  }

  /// The tasks that a thread has taken.
  ///
  /// `@unchecked Sendable` is safe: it's used by that thread only. Its variables are never used while they are changed:
  /// a task that waits is run with neither in hand.
  final class Batch: TaskPlaces, @unchecked Sendable {
    let worker: LocalWorker
    @exclusivity(unchecked) var tasks: [Taken] = []
    /// The place of the one that runs.
    @exclusivity(unchecked) var current = 0
    /// `recallCount`, when the thread last looked whether it has one of `recalls`.
    var seenRecalls = 0
    init(worker: LocalWorker) { self.worker = worker }
    func asks(_ run: TaskRun) {}
    func lend(_ run: TaskRun) throws(MusterError) { try worker.lend(self) }
    func takeBack(_ run: TaskRun) { worker.takeBack(run) }
  }

  /// A collective that waits for a graph, or for the end of its tasks where it failed.
  struct Waiting {
    var results: [TaskID]
    var layers: Range<Int> = 0..<0
    /// Futures that haven't come to an end, where it waits for such.
    var unsettled: Set<TaskID> = []
    var completion: Completion
    var failure: MusterError?
  }

  /// What the program has no use for any more.
  enum Dropped {
    case results([TaskID], of: GraphID)
    case watch(Int)
  }

  struct Asked {
    var watch: Int
    var deadline: Int?
    var completion: @Sendable (Result<[UInt8], MusterError>) -> Void
  }

  static let worker = WorkerID(0)

  let condition = ConditionLock()
  /// For layers, with what their functions hold. In the synchronous backend the calling thread does that.
  private let disposal = Disposal()
  /// What the program has no use for any more. Handles may go where a layer's closures do, with `condition` locked: it is
  /// looked at a moment later.
  let dropped = Mutex<[Dropped]>([])
  let start = MonotonicClock.nanoseconds
  let board: ProgressBoard?
  let events: TraceRecorder?
  let coordination: Coordination
  let threads: Int
  let isSynchronous: Bool

  @exclusivity(unchecked) var conductor = Conductor(assignsAhead: false)
  @exclusivity(unchecked) var ready = Heap<Ready>()
  @exclusivity(unchecked) var store: BlockStore
  @exclusivity(unchecked) var storeActions: [BlockStore.Action] = []
  /// Tasks that wait for memory, or for their inputs to be read from disk.
  @exclusivity(unchecked) var blocked: [TaskID: Ready] = [:]
  /// The graphs whose results are being read from disk.
  var resultsAwaited: Set<GraphID> = []
  let scratch: Scratch
  /// Made when the first block goes to disk.
  var spiller: Spiller?
  @exclusivity(unchecked) var budget: MemoryBudget
  @exclusivity(unchecked) var memoryReports: MemoryReports
  @exclusivity(unchecked) var actions: [Action] = []
  @exclusivity(unchecked) var inputIDs: [TaskID] = []
  /// Blocks that have left, dropped outside of the lock.
  @exclusivity(unchecked) var garbage = Garbage()
  /// Layers are dropped there, too: what a function holds may call anything when it goes.
  var hasGarbage: Bool { !garbage.blocks.isEmpty || conductor.hasRetired || !ended.isEmpty }
  /// What tasks of layers that are gone have left.
  @exclusivity(unchecked) var ended: [RegisteredLayer] = []
  /// Tasks to be given back that threads have taken, and may not have begun: each is answered for by the thread that has it.
  @exclusivity(unchecked) var recalls: [TaskID: Attempt] = [:]
  /// How many there have been. A thread that has taken several tasks looks at it before each: for that it needs no lock.
  let recallCount = Atomic<Int>(0)
  var idle = 0
  /// The threads that run tasks, those whose task waits included.
  @exclusivity(unchecked) var running = 0
  /// The tasks that threads have taken, and whose end hasn't been told.
  @exclusivity(unchecked) var takenCount = 0
  @exclusivity(unchecked) var places: SparePlaces
  @exclusivity(unchecked) var pace = TaskPace()
  @exclusivity(unchecked) var timeLimits = TimeLimits()
  /// A thread looks at the time.
  var hasTimer = false
  /// When to look again whether all tasks wait in vain.
  var stallLook: Int?
  @exclusivity(unchecked) var waiting: [GraphID: Waiting] = [:]
  var asked: [Asked] = []
  /// What is to be called once the lock is released.
  @exclusivity(unchecked) var calls: [@Sendable () -> Void] = []
  /// The tasks that the collective shown on the board began with.
  var boardTotal = 0
  var isShutDown = false
  /// How long the longest task took, in nanoseconds.
  @exclusivity(unchecked) var longestTask = 0

  init(
    threads: Int, isSynchronous: Bool, memoryLimit: Int, scratch: Scratch, board: ProgressBoard?,
    events: TraceRecorder?, coordination: Coordination
  ) {
    self.scratch = scratch
    self.threads = threads
    self.isSynchronous = isSynchronous
    self.board = board
    self.events = events
    self.coordination = coordination
    places = SparePlaces(threads: threads, limit: isSynchronous ? 0 : SparePlaces.limit)
    memoryReports = MemoryReports(limit: memoryLimit)
    budget = MemoryBudget(limit: memoryLimit, threads: threads)
    store = BlockStore(marks: BlockStore.Marks(budget))
    conductor.handle(.workerJoined(Self.worker, slots: threads, memoryLimit: memoryLimit), at: 0, into: &actions)
    actions.removeAll()
  }

  // MARK: The lock

  /// The thread that holds `condition`'s lock; 0 where none does.
  let holder = Atomic<UInt>(0)
  static var thread: UInt { UInt(pthread_self()) }

  func acquire() {
    condition.lock()
    holder.store(Self.thread, ordering: .relaxed)
  }

  func relinquish() {
    holder.store(0, ordering: .relaxed)
    condition.unlock()
  }

  func rest() {
    holder.store(0, ordering: .relaxed)
    if let events { events.rests { condition.wait() } } else { condition.wait() }
    holder.store(Self.thread, ordering: .relaxed)
  }

  var now: Int { MonotonicClock.nanoseconds - start }

  /// Changes something with the lock held, and what follows from it. The calls that are due are left to another thread,
  /// or to `drain`: the caller may hold a lock that they need. Where all threads run tasks, which may take long, it's a
  /// thread for that alone.
  func change(_ body: () -> Void) {
    acquire()
    body()
    finishChange()
  }

  /// Draws the conclusions from a change, and releases the lock.
  func finishChange() {
    let isBusy = idle == 0 && !isSynchronous
    // Who else would look at it does so when a task ends.
    if isBusy && !isShutDown { takeDropped() }
    apply()
    if !calls.isEmpty || hasGarbage || dropped.withLock({ !$0.isEmpty }) { condition.signal() }
    var due: [@Sendable () -> Void] = []
    if isBusy { swap(&due, &calls) }
    // Blocks may wait for the room.
    let isRoomDue = isBusy && garbage.leavingBytes > 0
    relinquish()
    guard !due.isEmpty || isRoomDue else { return }
    SystemThread.start(name: "muster-call") { [due] in
      if isRoomDue { self.dropGarbage() }
      for call in due { call() }
    }
  }

  /// Releases the lock and makes the calls that are due.
  func unlock() {
    var due: [@Sendable () -> Void] = []
    swap(&due, &calls)
    var garbage = takeGarbage()
    var layers = conductor.takeRetired() + ended
    ended = []
    relinquish()
    drop(&garbage)
    if !isSynchronous && !layers.isEmpty { disposal.drop(layers) }
    layers.removeAll()
    for call in due { call() }
  }

  /// What has to be known where the session leaves before its work is done.
  var drainView: (longestTask: Int, isIdle: Bool) {
    acquire()
    defer { relinquish() }
    return (longestTask, running == 0 && calls.isEmpty && resultsAwaited.isEmpty)
  }

  var hasEnded: Bool {
    acquire()
    defer { relinquish() }
    return isShutDown
  }

  /// Lets no task begin any more.
  func stop() {
    acquire()
    places.isStopped = true
    relinquish()
  }

  func shutDown() {
    acquire()
    isShutDown = true
    ready = Heap()
    blocked = [:]
    // Nobody is told any more what is late; a function that never returns keeps its thread, and no other one.
    timeLimits = TimeLimits()
    (asked, stallLook) = ([], nil)
    let spiller = spiller
    self.spiller = nil
    // What is left holds what the program gave it, and that perhaps the session.
    var leftOver = (Conductor(assignsAhead: false), BlockStore(marks: store.marks), Garbage(), [RegisteredLayer]())
    swap(&leftOver.0, &conductor)
    swap(&leftOver.1, &store)
    swap(&leftOver.2, &garbage)
    swap(&leftOver.3, &ended)
    condition.broadcast()
    relinquish()
    // Waits for its threads, which may wait for the lock.
    spiller?.shutDown()
    extendLifetime(leftOver)
  }
}
