internal import Glibc
internal import HeapModule
internal import MusterScheduling
internal import Synchronization

/// The one worker of a session without ranks: threads that share memory. Each takes the most urgent tasks, runs them, and
/// tells the scheduler itself, under one lock. Tasks that are short are taken and told of several at a time.
///
/// `@unchecked Sendable` is safe: every stored variable is read and written with `condition` locked only.
final class LocalWorker: @unchecked Sendable {
  typealias Completion = @Sendable (Result<[any Block], MusterError>) -> Void

  struct Ready: Comparable {
    var priority: Int64
    var attempt: Attempt
    var task: TaskID
    static func < (a: Ready, b: Ready) -> Bool { a.priority < b.priority }
    static func == (a: Ready, b: Ready) -> Bool { a.priority == b.priority }
  }

  /// A task that a thread has taken, with what came of it.
  private struct Taken {
    var ready: Ready
    var layer: RegisteredLayer
    var inputs: [any Block]
    var result: Result<any Block, any Error>?
    var nanoseconds = 0
  }

  /// The tasks that a thread has taken.
  ///
  /// `@unchecked Sendable` is safe: it's used by that thread only. Its variables are never used while they are changed:
  /// a task that waits is run with neither in hand.
  private final class Batch: TaskPlaces, @unchecked Sendable {
    let worker: LocalWorker
    @exclusivity(unchecked) var tasks: [Taken] = []
    /// The place of the one that runs.
    @exclusivity(unchecked) var current = 0
    init(worker: LocalWorker) { self.worker = worker }
    func lend() throws(MusterError) { try worker.lend(self) }
    func takeBack() { worker.takeBack() }
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

  private struct Asked {
    var tasks: [TaskID]
    var deadline: Int?
    var completion: @Sendable (Result<[UInt8], MusterError>) -> Void
  }

  static let worker = WorkerID(0)
  /// What a thread takes at a time is meant to be about this much work.
  private static let batchNanoseconds = 20_000
  private static let largestBatch = 32

  let condition = ConditionLock()
  /// What the program has no use for any more. Handles may go where a layer's closures do, with `condition` locked: it is
  /// looked at a moment later.
  private let dropped = Mutex<[(tasks: [TaskID], graph: GraphID)]>([])
  private let start = MonotonicClock.nanoseconds
  private let board: ProgressBoard?
  let events: TraceRecorder?
  private let coordination: Coordination
  private let threads: Int
  let isSynchronous: Bool

  var conductor = Conductor()
  var ready = Heap<Ready>()
  var store: BlockStore
  var storeActions: [BlockStore.Action] = []
  /// Tasks that wait for memory, or for their inputs to be read from disk.
  var blocked: [TaskID: Ready] = [:]
  /// The graphs whose results are being read from disk.
  var resultsAwaited: Set<GraphID> = []
  let scratch: Scratch
  /// Made when the first block goes to disk.
  var spiller: Spiller?
  var budget: MemoryBudget
  private var memoryReports: MemoryReports
  var actions: [Action] = []
  private var inputIDs: [TaskID] = []
  /// Blocks that have left, dropped outside of the lock.
  var garbage: [any Block] = []
  /// Layers are dropped there, too: what a function holds may call anything when it goes.
  private var hasGarbage: Bool { !garbage.isEmpty || !conductor.retired.isEmpty || !ended.isEmpty }
  /// What tasks of layers that are gone have left.
  private var ended: [RegisteredLayer] = []
  var idle = 0
  /// The threads that run tasks, those whose task waits included.
  private var running = 0
  /// The tasks that threads have taken, and whose end hasn't been told.
  private var takenCount = 0
  private var places: SparePlaces
  /// A running mean of what tasks take, in nanoseconds.
  private var meanNanoseconds = LocalWorker.batchNanoseconds
  private var timeLimits = TimeLimits()
  /// A thread looks at the time.
  private var hasTimer = false
  var waiting: [GraphID: Waiting] = [:]
  private var asked: [Asked] = []
  /// What is to be called once the lock is released.
  var calls: [@Sendable () -> Void] = []
  /// The tasks that the collective shown on the board began with.
  private var boardTotal = 0
  var isShutDown = false

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
    budget = MemoryBudget(limit: memoryLimit, baseline: ProcessMemory.resident?.total ?? 0)
    store = BlockStore(
      marks: BlockStore.Marks(limit: memoryLimit == 0 ? 0 : budget.blockLimit, taskLimit: memoryLimit))
    conductor.handle(.workerJoined(Self.worker, slots: threads, memoryLimit: memoryLimit), at: 0, into: &actions)
    actions.removeAll()
  }

  // MARK: The lock

  /// The thread that holds `condition`'s lock; 0 where none does.
  private let holder = Atomic<UInt>(0)
  private static var thread: UInt { UInt(pthread_self()) }

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
    condition.wait()
    holder.store(Self.thread, ordering: .relaxed)
  }

  var now: Int { MonotonicClock.nanoseconds - start }

  // MARK: What the program asks for

  /// Runs a graph and lets go of it.
  ///
  /// The completion isn't called before this returns.
  func compute(_ submission: Submission, completion: @escaping Completion) {
    change {
      waiting[submission.graph] = Waiting(
        results: submission.plan.results, layers: submission.layers, completion: completion)
      do throws(MusterError) {
        try conductor.add(submission, at: now, into: &actions)
        boardTotal = conductor.scheduler.outstandingCount
        board?.begin(total: boardTotal)
      } catch {
        waiting[submission.graph] = nil
        calls.append { completion(.failure(error)) }
      }
    }
  }

  /// Stands for the graph of a collective that has none.
  static let gathering = GraphID(Int(UInt32.max))

  /// Waits for futures.
  ///
  /// The completion isn't called before this returns.
  func gather(_ tasks: [TaskID], completion: @escaping Completion) {
    change {
      var new = Waiting(results: tasks, completion: completion)
      new.unsettled = Set(tasks.filter { conductor.settlements[$0] == nil })
      boardTotal = conductor.scheduler.outstandingCount
      board?.begin(total: boardTotal)
      waiting[Self.gathering] = new
      if let error = conductor.firstError(of: tasks) {
        end(Self.gathering, new, .failure(error))
      } else if new.unsettled.isEmpty {
        complete(Self.gathering)
      }
    }
  }

  private func futureReady(_ task: TaskID) {
    guard waiting[Self.gathering]?.unsettled.remove(task) != nil, waiting[Self.gathering]!.unsettled.isEmpty else {
      return
    }
    complete(Self.gathering)
  }

  private func futureFailed(_ task: TaskID, _ failure: SchedulingFailure) {
    guard let gathering = waiting[Self.gathering], gathering.unsettled.contains(task) else { return }
    end(Self.gathering, gathering, .failure(conductor.error(failure)))
  }

  /// Begins to run a graph whose results stay.
  func submit(_ submission: Submission) {
    change {
      // What is wrong with it is for whoever asks for its results.
      try? conductor.add(submission, at: now, into: &actions)
    }
  }

  func release(_ tasks: [TaskID], of graph: GraphID) {
    self.dropped.withLock { $0.append((tasks, graph)) }
    // Whoever holds the lock looks before it rests.
    guard holder.load(ordering: .relaxed) != Self.thread else { return }
    acquire()
    condition.signal()
    relinquish()
  }

  /// Does what `release` asked for.
  private func takeDropped() {
    let taken = dropped.withLock { list in
      defer { list = [] }
      return list
    }
    guard !taken.isEmpty else { return }
    for (tasks, graph) in taken {
      for task in tasks { conductor.handle(.resultReleased(task, of: graph), at: now, into: &actions) }
    }
    apply()
  }

  func cancel(_ tasks: [TaskID]) {
    change { for task in tasks { conductor.handle(.cancelled(task), at: now, into: &actions) } }
    coordination.tasksCancelled(tasks)
  }

  func ask(_ question: FutureQuestion, completion: @escaping @Sendable (Result<[UInt8], MusterError>) -> Void) {
    change {
      switch question {
      case .settled(let tasks, let timeout):
        asked.append(Asked(tasks: tasks, deadline: timeout.map { now + $0 }, completion: completion))
        if timeout != nil { startTimer() }
      case .status(let tasks):
        let answer = tasks.map { conductor.status(of: $0).rawValue }
        calls.append { completion(.success(answer)) }
      }
    }
  }

  /// Has a thread look at the time, for as long as anything waits for a time. With the lock held.
  private func startTimer() {
    guard !hasTimer else { return }
    hasTimer = true
    SystemThread.start(name: "muster-timer") { [self] in
      // In steps: what is waited for may come long before its time.
      while let left = tellTime() { usleep(UInt32(min(max(left / 1000, 1), 20_000))) }
    }
  }

  /// Does what is due. Returns when to look again, in nanoseconds from now; nil where nothing waits for a time.
  private func tellTime() -> Int? {
    acquire()
    for late in timeLimits.takeOverdue(at: now) {
      let error = MusterError(timeoutOf: late.task, layer: late.layer.layer, rank: 0, attempt: Int(late.attempt))
      store.end(.task(late.task), into: &storeActions)
      conductor.failed(Self.worker, late.task, late.attempt, error, at: now, into: &actions)
    }
    apply()
    answerAsked()
    let next = ([timeLimits.next] + asked.map(\.deadline)).compactMap { $0 }.min()
    let left = next.map { max(0, $0 - now) }
    hasTimer = left != nil
    unlock()
    return left
  }

  /// Changes something with the lock held, and what follows from it. The calls that are due are left to another thread,
  /// or to `drain`: the caller may hold a lock that they need. Where all threads run tasks, which may take long, it's a
  /// thread for that alone.
  private func change(_ body: () -> Void) {
    acquire()
    body()
    finishChange()
  }

  /// Draws the conclusions from a change, and releases the lock.
  private func finishChange() {
    apply()
    if !calls.isEmpty || hasGarbage || dropped.withLock({ !$0.isEmpty }) { condition.signal() }
    var due: [@Sendable () -> Void] = []
    if idle == 0 && !isSynchronous { swap(&due, &calls) }
    relinquish()
    guard !due.isEmpty else { return }
    SystemThread.start(name: "muster-call") { [due] in for call in due { call() } }
  }

  /// Releases the lock and makes the calls that are due.
  func unlock() {
    var due: [@Sendable () -> Void] = []
    swap(&due, &calls)
    var dropped: [any Block] = []
    swap(&dropped, &garbage)
    var layers = conductor.takeRetired() + ended
    ended = []
    relinquish()
    dropped.removeAll()
    layers.removeAll()
    for call in due { call() }
  }

  // MARK: The threads

  /// Runs tasks until the session's end; every thread calls it.
  func work() {
    let batch = Batch(worker: self)
    acquire()
    while !isShutDown {
      takeDropped()
      if runSome(batch) { continue }
      if !calls.isEmpty || hasGarbage {
        unlock()
        acquire()
        continue
      }
      if dropped.withLock({ !$0.isEmpty }) { continue }
      idle += 1
      rest()
      idle -= 1
    }
    relinquish()
  }

  /// Runs tasks on the calling thread until none is ready.
  func drain() {
    let batch = Batch(worker: self)
    acquire()
    repeat {
      takeDropped()
      if runSome(batch) { continue }
      if calls.isEmpty && !hasGarbage && isWaitingForDisk {
        idle += 1
        rest()
        idle -= 1
      } else {
        unlock()
        acquire()
      }
    } while !ready.isEmpty || !calls.isEmpty || hasGarbage || isWaitingForDisk || dropped.withLock { !$0.isEmpty }
    relinquish()
  }

  func shutDown() {
    acquire()
    isShutDown = true
    ready = Heap()
    blocked = [:]
    let spiller = spiller
    self.spiller = nil
    // What is left holds what the program gave it, and that perhaps the session.
    var leftOver = (Conductor(), BlockStore(marks: store.marks), [any Block](), [RegisteredLayer]())
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

  /// Takes some tasks and runs them, with the lock released meanwhile. Returns whether there were any, and room for them.
  private func runSome(_ batch: Batch) -> Bool {
    guard !ready.isEmpty, places.hasRoom(running: running) else { return false }
    // A share of what there is: the other threads want some too.
    let share = max(1, ready.count / (2 * threads))
    var count = max(1, min(share, Self.largestBatch, Self.batchNanoseconds / max(1, meanNanoseconds)))
    // A task that waits may wait for one of those taken with it, and another for one that has been run.
    if coordination.isUsed { count = 1 }
    while batch.tasks.count < count, let next = ready.popMin() {
      let task = take(next)
      if task.layer.layer.timeout == nil {
        batch.tasks.append(task)
        continue
      }
      // Its time is its own.
      guard batch.tasks.isEmpty else {
        ready.insert(next)
        break
      }
      batch.tasks.append(task)
      timeLimits.began(next.task, next.attempt, task.layer, at: now)
      startTimer()
      break
    }
    running += 1
    takenCount += batch.tasks.count
    unlock()
    let end = run(batch)
    acquire()
    running -= 1
    guard !isShutDown else {
      // Nobody waits for it any more.
      unlock()
      batch.tasks.removeAll()
      acquire()
      return true
    }
    for task in batch.tasks {
      finish(task)
      if conductor.layers[task.ready.task.layer] == nil { ended.append(task.layer) }
    }
    batch.tasks.removeAll(keepingCapacity: true)
    apply()
    events?.holds(store.memoryBytes, at: end)
    reportMemory()
    if !calls.isEmpty {
      unlock()
      acquire()
    }
    return true
  }

  /// Returns when the last of the tasks ended.
  private func run(_ batch: Batch) -> Int {
    CurrentTask.withThread(coordination, batch) { current in
      var begin = MonotonicClock.nanoseconds
      batch.current = 0
      while batch.current < batch.tasks.count {
        let ready = batch.tasks[batch.current].ready
        var inputs: [any Block] = []
        swap(&inputs, &batch.tasks[batch.current].inputs)
        let result = current.run(
          ready.task, ready.attempt, of: batch.tasks[batch.current].layer, inputs: inputs, at: begin)
        let end = MonotonicClock.nanoseconds
        events?.ran(ready.task, attempt: ready.attempt, begin: begin, end: end, bytes: result.byteCount)
        // Its place may be another one than before: where it has waited the others are gone.
        batch.tasks[batch.current].result = result
        batch.tasks[batch.current].nanoseconds = end - begin
        batch.current += 1
        begin = end
      }
      return begin
    }
  }

  private func take(_ next: Ready) -> Taken {
    guard let layer = conductor.layers[next.task.layer] else {
      preconditionFailure("\(next.task) is of a layer that was forgotten")
    }
    inputIDs.removeAll(keepingCapacity: true)
    layer.layer.tasks.inputs(Int(next.task.index), &inputIDs)
    let inputs = inputIDs.map { id in
      guard let block = store.block(of: id) else {
        preconditionFailure("the block of \(id) isn't there for \(next.task)")
      }
      return block
    }
    return Taken(ready: next, layer: layer, inputs: inputs)
  }

  private func finish(_ taken: Taken) {
    takenCount -= 1
    let (task, attempt) = (taken.ready.task, taken.ready.attempt)
    meanNanoseconds += (taken.nanoseconds - meanNanoseconds) / 8
    guard timeLimits.ended(task, attempt, taken.layer) else { return }
    switch taken.result! {
    case .success(let block):
      let bytes = block.byteCount
      store.finish(task, with: block, byteCount: bytes, into: &storeActions)
      conductor.handle(
        .finished(Self.worker, task, attempt, bytes: bytes, nanoseconds: taken.nanoseconds), at: now, into: &actions)
      if boardTotal > 0 { board?.taskFinished() }
    case .failure(let error):
      let told = MusterError(
        taskError: error, layer: taken.layer.layer, task: task, rank: 0, attempt: Int(attempt))
      store.end(.task(task), into: &storeActions)
      conductor.failed(Self.worker, task, attempt, told, at: now, into: &actions)
    }
  }

  // MARK: Tasks that wait

  /// The task that the calling thread runs waits: another one may run meanwhile. Those that the thread has taken with it
  /// are for others, and what it has run before is told.
  private func lend(_ batch: Batch) throws(MusterError) {
    acquire()
    let spare: Int?
    do throws(MusterError) {
      spare = try places.lend()
    } catch {
      relinquish()
      throw error
    }
    let waits = batch.tasks[batch.current]
    for task in batch.tasks[..<batch.current] { finish(task) }
    for task in batch.tasks[(batch.current + 1)...] {
      ready.insert(task.ready)
      takenCount -= 1
    }
    batch.tasks = [waits]
    batch.current = 0
    conductor.handle(.slots(Self.worker, places.slots), at: now, into: &actions)
    condition.signal()
    finishChange()
    if let spare { SystemThread.start(name: "muster-spare-\(spare)") { self.work() } }
  }

  private func takeBack() {
    acquire()
    places.takeBack()
    conductor.handle(.slots(Self.worker, places.slots), at: now, into: &actions)
    finishChange()
  }

  /// The program waits for something that a task may tell it: perhaps none is left.
  func lookForStall() {
    acquire()
    lookForStallLocked()
    relinquish()
  }

  /// Ends waits while nobody is left to end them. While the program doesn't wait itself it may submit a task that does.
  private func lookForStallLocked() {
    guard coordination.hasWaits, !isWaitingForDisk, ready.isEmpty || places.isExhausted(running: running) else {
      return
    }
    let programWaits = !waiting.isEmpty || asked.contains { $0.deadline == nil }
    coordination.endStall(programWaits: programWaits, begun: takenCount)
  }

  // MARK: What follows

  func apply() {
    var next = 0
    repeat {
      while next < actions.count {
        next += 1
        apply(actions[next - 1])
      }
      // What comes to and from disk may end tasks and graphs.
      applyStoreActions()
    } while next < actions.count
    actions.removeAll(keepingCapacity: true)
    if !asked.isEmpty { answerAsked() }
    for _ in 0..<min(idle, ready.count) { condition.signal() }
    lookForStallLocked()
  }

  @inline(__always)  // one call for each task and more
  private func apply(_ action: Action) {
    switch action {
    case .assign(_, let assignment): assign(assignment)
    case .release(_, let task):
      if let block = store.take(task, into: &storeActions) { garbage.append(block) }
    case .complete(let graph): complete(graph)
    case .fail(let graph, let failure):
      guard let failed = waiting[graph] else { break }
      waiting[graph]?.failure = conductor.error(failure)
      coordination.graphFailed(failed.layers)
      conductor.handle(.released(graph), at: now, into: &actions)
    case .forget(let graph, let layers):
      coordination.forget(layers)
      // Nothing that a failed collective began outlives it.
      if let ended = waiting[graph], let failure = ended.failure { end(graph, ended, .failure(failure)) }
    case .retract(_, let task, let attempt):
      var wasQueued = ready.unordered.contains { $0.task == task && $0.attempt == attempt }
      if wasQueued { ready = Heap(ready.unordered.filter { $0.task != task || $0.attempt != attempt }) }
      if blocked[task]?.attempt == attempt {
        blocked[task] = nil
        wasQueued = true
      }
      if wasQueued { store.end(.task(task), into: &storeActions) }
      conductor.handle(.retracted(Self.worker, task, attempt, givenBack: wasQueued), at: now, into: &actions)
    case .resultReady(_, let task): futureReady(task)
    case .resultFailed(_, let task, let failure): futureFailed(task, failure)
    }
  }

  @inline(__always)
  private func assign(_ assignment: Assignment) {
    let task = assignment.task
    let next = Ready(priority: assignment.priority, attempt: assignment.attempt, task: task)
    guard let layer = conductor.layers[task.layer] else {
      preconditionFailure("\(task) is of a layer that was forgotten")
    }
    let outputBytes = layer.expectedBytes
    // The inputs are asked for only where it matters: most graphs without large blocks are of many tasks.
    if store.isLight(task, outputBytes: outputBytes) { return ready.insert(next) }
    inputIDs.removeAll(keepingCapacity: true)
    layer.layer.tasks.inputs(Int(task.index), &inputIDs)
    if store.isLight(task, inputs: inputIDs, outputBytes: outputBytes) { return ready.insert(next) }
    blocked[task] = next
    store.want(.task(task), inputs: inputIDs, priority: assignment.priority, outputBytes: outputBytes)
    store.prepare(.task(task), into: &storeActions)
  }

  /// Tells the scheduler what blocks hold in memory, where that has changed much.
  func reportMemory() {
    guard let bytes = memoryReports.report(of: store.memoryBytes) else { return }
    conductor.handle(.memory(Self.worker, bytes: bytes), at: now, into: &actions)
    observeMemory()
    apply()
  }

  private func complete(_ graph: GraphID) {
    guard let ended = waiting[graph], ended.failure == nil else { return }
    let blocks = ended.results.compactMap { store.block(of: $0) }
    guard blocks.count == ended.results.count else { return awaitResults(of: graph, ended.results) }
    end(graph, ended, .success(blocks))
    release(graph)
  }

  /// What a collective computed isn't needed any more.
  func release(_ graph: GraphID) {
    if graph != Self.gathering { conductor.handle(.released(graph), at: now, into: &actions) }
  }

  func end(_ graph: GraphID, _ ended: Waiting, _ result: Result<[any Block], MusterError>) {
    waiting[graph] = nil
    board?.end()
    boardTotal = 0
    calls.append { ended.completion(result) }
  }

  private func answerAsked() {
    let now = self.now
    asked.removeAll { question in
      let answer = conductor.settled(of: question.tasks)
      guard answer != nil || question.deadline.map({ $0 <= now }) == true else { return false }
      calls.append { question.completion(.success(answer ?? [])) }
      return true
    }
  }
}
