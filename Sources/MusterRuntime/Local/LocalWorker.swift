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

  private struct Ready: Comparable {
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
  private struct Waiting {
    var results: [TaskID]
    var layers: Range<Int>
    var completion: Completion
    var failure: MusterError?
  }

  private struct Asked {
    var tasks: [TaskID]
    var deadline: Int?
    var completion: @Sendable (Result<[UInt8], MusterError>) -> Void
  }

  private static let worker = WorkerID(0)
  /// What a thread takes at a time is meant to be about this much work.
  private static let batchNanoseconds = 20_000
  private static let largestBatch = 32

  private let condition = ConditionLock()
  /// What the program has no use for any more. Handles may go where a layer's closures do, with `condition` locked: it is
  /// looked at a moment later.
  private let dropped = Mutex<[(tasks: [TaskID], graph: GraphID)]>([])
  private let start = MonotonicClock.nanoseconds
  private let board: ProgressBoard?
  private let events: TraceRecorder?
  private let coordination: Coordination
  private let threads: Int
  private let isSynchronous: Bool

  private var conductor = Conductor()
  private var ready = Heap<Ready>()
  private var store = TaskMap<any Block>()
  /// What the stored blocks hold, in bytes.
  private var storedBytes = 0
  private var memoryReports: MemoryReports
  private var actions: [Action] = []
  private var inputIDs: [TaskID] = []
  /// Released blocks, dropped outside of the lock.
  private var garbage: [any Block] = []
  private var idle = 0
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
  private var waiting: [GraphID: Waiting] = [:]
  private var asked: [Asked] = []
  /// What is to be called once the lock is released.
  private var calls: [@Sendable () -> Void] = []
  /// The tasks that the collective shown on the board began with.
  private var boardTotal = 0
  private var isShutDown = false

  init(
    threads: Int, isSynchronous: Bool, memoryLimit: Int, board: ProgressBoard?, events: TraceRecorder?,
    coordination: Coordination
  ) {
    self.threads = threads
    self.isSynchronous = isSynchronous
    self.board = board
    self.events = events
    self.coordination = coordination
    places = SparePlaces(threads: threads, limit: isSynchronous ? 0 : SparePlaces.limit)
    memoryReports = MemoryReports(limit: memoryLimit)
    conductor.handle(.workerJoined(Self.worker, slots: threads, memoryLimit: memoryLimit), at: 0, into: &actions)
    actions.removeAll()
  }

  // MARK: The lock

  /// The thread that holds `condition`'s lock; 0 where none does.
  private let holder = Atomic<UInt>(0)
  private static var thread: UInt { UInt(pthread_self()) }

  private func acquire() {
    condition.lock()
    holder.store(Self.thread, ordering: .relaxed)
  }

  private func relinquish() {
    holder.store(0, ordering: .relaxed)
    condition.unlock()
  }

  private func rest() {
    holder.store(0, ordering: .relaxed)
    condition.wait()
    holder.store(Self.thread, ordering: .relaxed)
  }

  private var now: Int { MonotonicClock.nanoseconds - start }

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
    if !calls.isEmpty || !garbage.isEmpty || dropped.withLock({ !$0.isEmpty }) { condition.signal() }
    var due: [@Sendable () -> Void] = []
    if idle == 0 && !isSynchronous { swap(&due, &calls) }
    relinquish()
    guard !due.isEmpty else { return }
    SystemThread.start(name: "muster-call") { [due] in for call in due { call() } }
  }

  /// Releases the lock and makes the calls that are due.
  private func unlock() {
    var due: [@Sendable () -> Void] = []
    swap(&due, &calls)
    var dropped: [any Block] = []
    swap(&dropped, &garbage)
    relinquish()
    dropped.removeAll()
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
      if !calls.isEmpty || !garbage.isEmpty {
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
      if !runSome(batch) {
        unlock()
        acquire()
      }
    } while !ready.isEmpty || !calls.isEmpty || dropped.withLock { !$0.isEmpty }
    relinquish()
  }

  func shutDown() {
    acquire()
    isShutDown = true
    ready = Heap()
    condition.broadcast()
    relinquish()
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
    for task in batch.tasks { finish(task) }
    batch.tasks.removeAll(keepingCapacity: true)
    apply()
    events?.holds(storedBytes, at: end)
    if let bytes = memoryReports.report(of: storedBytes) {
      conductor.handle(.memory(Self.worker, bytes: bytes), at: now, into: &actions)
      apply()
    }
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
      guard let block = store[id] else { preconditionFailure("the block of \(id) isn't there for \(next.task)") }
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
      store[task] = block
      let bytes = block.byteCount
      storedBytes += bytes
      conductor.handle(
        .finished(Self.worker, task, attempt, bytes: bytes, nanoseconds: taken.nanoseconds), at: now, into: &actions)
      if boardTotal > 0 { board?.taskFinished() }
    case .failure(let error):
      let told = MusterError(
        taskError: error, layer: taken.layer.layer, task: task, rank: 0, attempt: Int(attempt))
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
    guard coordination.hasWaits, ready.isEmpty || places.isExhausted(running: running) else { return }
    let programWaits = !waiting.isEmpty || asked.contains { $0.deadline == nil }
    coordination.endStall(programWaits: programWaits, begun: takenCount)
  }

  // MARK: What follows

  private func apply() {
    var next = 0
    while next < actions.count {
      let action = actions[next]
      next += 1
      switch action {
      case .assign(_, let assignment):
        ready.insert(Ready(priority: assignment.priority, attempt: assignment.attempt, task: assignment.task))
      case .release(_, let task):
        if let block = store.removeValue(forKey: task) {
          storedBytes -= block.byteCount
          garbage.append(block)
        }
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
        let wasQueued = ready.unordered.contains { $0.task == task && $0.attempt == attempt }
        if wasQueued { ready = Heap(ready.unordered.filter { $0.task != task || $0.attempt != attempt }) }
        conductor.handle(.retracted(Self.worker, task, attempt, givenBack: wasQueued), at: now, into: &actions)
      case .resultReady, .resultFailed: break
      }
    }
    actions.removeAll(keepingCapacity: true)
    if !asked.isEmpty { answerAsked() }
    for _ in 0..<min(idle, ready.count) { condition.signal() }
    lookForStallLocked()
  }

  private func complete(_ graph: GraphID) {
    guard let ended = waiting[graph], ended.failure == nil else { return }
    end(graph, ended, .success(ended.results.map { store[$0]! }))
    conductor.handle(.released(graph), at: now, into: &actions)
  }

  private func end(_ graph: GraphID, _ ended: Waiting, _ result: Result<[any Block], MusterError>) {
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
