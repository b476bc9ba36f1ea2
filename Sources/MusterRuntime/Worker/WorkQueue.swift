internal import HeapModule
package import MusterScheduling

/// A task with all of its inputs, ready to run.
package struct ReadyTask: Comparable, Sendable {
  package var task: TaskID
  package var attempt: Attempt
  package var priority: Int64
  /// Whether it's expected to end in no time.
  var isBrief = false
  /// Whether nothing large is expected of it, so that no room was made.
  var isLight = false
  package var layer: RegisteredLayer
  package var inputs: [any Block]

  package init(
    task: TaskID, attempt: Attempt, priority: Int64, isBrief: Bool = false, isLight: Bool = false,
    layer: RegisteredLayer, inputs: [any Block]
  ) {
    (self.task, self.attempt, self.priority) = (task, attempt, priority)
    (self.isBrief, self.isLight) = (isBrief, isLight)
    (self.layer, self.inputs) = (layer, inputs)
  }

  package static func < (a: ReadyTask, b: ReadyTask) -> Bool { a.priority < b.priority }
  package static func == (a: ReadyTask, b: ReadyTask) -> Bool { a.priority == b.priority }
}

/// What became of a task.
package struct Completion: Sendable {
  package var task: TaskID
  package var attempt: Attempt
  package var result: Result<any Block, MusterError>
  /// What its block holds; 0 where it has failed. To count that may take a while, and is done where the task ran.
  package let byteCount: Int
  package var nanoseconds: Int
  /// Whether a block as large wasn't expected, and tasks that may make others wait until it has been stored.
  package internal(set) var isUnexpected = false

  package init(task: TaskID, attempt: Attempt, result: Result<any Block, MusterError>, nanoseconds: Int) {
    self.task = task
    self.attempt = attempt
    self.result = result
    byteCount = result.byteCount ?? 0
    self.nanoseconds = nanoseconds
  }
}

/// Ready tasks on their way to a worker's threads, the most urgent first, and completions on their way back.
///
/// `@unchecked Sendable` is safe: the variables are used with `condition` locked only.
package final class WorkQueue: TaskPlaces, @unchecked Sendable {
  /// A task begins to wait for others, or doesn't any more.
  package struct IdleChange {
    var run: TaskRun
    var isIdle: Bool
  }

  let condition = ConditionLock()
  let doorbell: Doorbell
  private let rank: Int
  let events: TraceRecorder?
  let coordination: Coordination
  var places: SparePlaces
  /// What `takeNews` told last.
  private var toldOffer: PlaceOffer
  private var idleChanges: [IdleChange] = []
  var ready = Heap<ReadyTask>()
  var completions: [Completion] = []
  var idle = 0
  /// For the report: since when a thread has had nothing to do, and when MPI's thread last ran tasks.
  var idleSince = 0
  var lastBrief = 0
  /// The threads that run a task.
  var running = 0
  private var timeLimits = TimeLimits()
  var unexpected: UnexpectedBlocks
  var isShutDown = false

  /// Whether MPI's thread runs brief tasks. With several threads it has enough to do as it is.
  let runsBrief: Bool
  var standIn = StandIn()
  /// Plays the part of MPI's thread until it is to hand back (then it returns false), or the session is over.
  let standInWork: @Sendable () -> Bool

  /// - Parameters:
  ///   - smallestBlock: from how many bytes on room has to be made for a block; nil where there is no limit.
  ///   - mayStandIn: whether other threads than MPI's may make MPI calls, one at a time.
  ///   - standInWork: plays the part of MPI's thread until `isStandInRecalled` (then it returns false), or the session is
  ///     over.
  package init(
    threads: Int, rank: Int, smallestBlock: Int?, doorbell: Doorbell, events: TraceRecorder?,
    coordination: Coordination, mayStandIn: Bool,
    standInWork: @escaping @Sendable () -> Bool
  ) {
    unexpected = UnexpectedBlocks(smallestBlock: smallestBlock)
    runsBrief = mayStandIn && threads == 1
    self.standInWork = standInWork
    self.events = events
    self.coordination = coordination
    places = SparePlaces(threads: threads)
    toldOffer = places.offer
    self.doorbell = doorbell
    self.rank = rank
    for number in 0..<threads {
      SystemThread.start(name: "muster-task-\(number)") { self.work() }
    }
  }

  package func push(_ tasks: [ReadyTask]) {
    guard !tasks.isEmpty else { return }
    condition.withLock {
      for task in tasks { ready.insert(task) }
      let others = runsBrief ? tasks.count { !mayRunHere($0) } : tasks.count
      for _ in 0..<min(idle, others) { condition.signal() }
    }
  }

  /// Takes a task back that no thread has begun.
  func remove(_ task: TaskID, attempt: Attempt) -> Bool {
    condition.withLock {
      guard ready.unordered.contains(where: { $0.task == task && $0.attempt == attempt }) else { return false }
      ready = Heap(ready.unordered.filter { $0.task != task || $0.attempt != attempt })
      return true
    }
  }

  /// Takes the ends of tasks, and which have begun to wait for others or don't any more, in their order.
  ///
  /// - Returns: how many tasks can run at a time, where that has changed since it was last told.
  package func takeNews(_ list: inout [Completion], _ changes: inout [IdleChange]) -> PlaceOffer? {
    list.removeAll(keepingCapacity: true)
    changes.removeAll(keepingCapacity: true)
    return condition.withLock {
      for late in timeLimits.takeOverdue(at: MonotonicClock.nanoseconds) {
        // Others run in its place from now on, until it returns.
        startThread(places.lendOverdue(late.run, named: late.name(rank: rank)))
        condition.signal()
        let error = MusterError(timeoutOf: late.task, layer: late.layer.layer, rank: rank, attempt: Int(late.attempt))
        completions.append(
          Completion(
            task: late.task, attempt: late.attempt, result: .failure(error),
            nanoseconds: late.layer.layer.timeout?.nanoseconds ?? 0))
      }
      if places.areLost { failReady() }
      swap(&list, &completions)
      swap(&changes, &idleChanges)
      let offer = places.offer
      guard offer != toldOffer else { return nil }
      toldOffer = offer
      return offer
    }
  }

  /// Unexpected blocks have been stored, and what was to be held back for them has been.
  package func stored(unexpected count: Int) {
    condition.withLock {
      unexpected.stored(count)
      for _ in 0..<min(idle, ready.count) { condition.signal() }
    }
  }

  /// No thread is left for what is ready.
  private func failReady() {
    while let next = ready.popMin() {
      let error = MusterError(
        taskError: places.exhaustion, layer: next.layer.layer, task: next.task, rank: rank, attempt: Int(next.attempt))
      completions.append(
        Completion(task: next.task, attempt: next.attempt, result: .failure(error), nanoseconds: 0))
    }
  }

  /// There is something for `takeNews`.
  var hasNews: Bool {
    condition.withLock {
      !completions.isEmpty || !idleChanges.isEmpty || places.offer != toldOffer || standIn.isRecalled || hasBrief
    }
  }
  /// Whether a thread runs a task, or is about to.
  var isBusy: Bool { condition.withLock { running > 0 || !ready.isEmpty } }

  /// Whether a thread runs a task.
  var runsTasks: Bool { condition.withLock { running > 0 } }

  /// Lets no task begin any more.
  func stop() { condition.withLock { places.isStopped = true } }

  /// Lets the threads end. What hasn't begun is forgotten.
  package func shutDown() {
    condition.withLock {
      ready = Heap()
      isShutDown = true
      condition.broadcast()
    }
  }

  func asks(_ run: TaskRun) {
    guard runsBrief else { return }
    condition.withLock { if standIn.waits(run) { condition.signal() } }
  }

  func lend(_ run: TaskRun) throws(MusterError) {
    condition.lock()
    let spare: Int?
    do throws(MusterError) {
      spare = try places.lend(run)
    } catch {
      condition.unlock()
      throw error
    }
    idleChanges.append(IdleChange(run: run, isIdle: true))
    // One to stand in, where it's MPI's thread that waits, and one for a task.
    if standIn.waits(run) { condition.signal() }
    condition.signal()
    condition.unlock()
    startThread(spare)
    // Rank 0 hears that there is room for another task.
    doorbell.ring()
  }

  func takeBack(_ run: TaskRun) {
    condition.withLock {
      places.takeBack(run)
      idleChanges.append(IdleChange(run: run, isIdle: false))
    }
    doorbell.ring()
  }

  private func startThread(_ spare: Int?) {
    if let spare { SystemThread.start(name: "muster-spare-\(spare)") { self.work() } }
  }

  private func work() {
    let isMPIThread = CurrentTask.withThread(coordination, self) { work($0) }
    if isMPIThread { MPIThread.shared.succeed() }
  }

  /// Runs tasks until the session is over. Returns whether the calling thread has to make the MPI calls from now on.
  private func work(_ current: UnsafeMutablePointer<CurrentTask>) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    while !isShutDown {
      if standIn.isDue(at: MonotonicClock.nanoseconds) {
        if standForMPIThread() { return true }
        continue
      }
      guard let next = takeReady() else {
        if let events { events.rests { rest() } } else { rest() }
        continue
      }
      let isLimited = next.layer.layer.timeout != nil
      if isLimited { timeLimits.began(next.task, next.attempt, next.layer, at: MonotonicClock.nanoseconds) }
      let ended = TaskRun(next.task, next.attempt)
      // Optional, since it may be dropped where the lock isn't held.
      var completion: Completion? = runUnlocked(consume next, current)
      guard timeLimits.ended(ended, isLimited: isLimited) else {
        // It has failed before. What comes of it now is of no interest, but it gives its place back.
        places.takeBackOverdue(ended)
        condition.unlock()
        completion = nil
        doorbell.ring()
        condition.lock()
        continue
      }
      // What it made is to be gone when it's said to be on disk, however late this thread goes on.
      append(completion.take()!)
      if completions.count == 1 {
        condition.unlock()
        doorbell.ring()
        condition.lock()
      }
    }
    return false
  }

  /// With the lock held: what a thread other than MPI's is to run now.
  private func takeReady() -> ReadyTask? {
    guard places.hasRoom(running: running), let next = ready.min, !mayRunHere(next),
      unexpected.mayBegin(isLight: next.isLight)
    else {
      return nil
    }
    return ready.removeMin()
  }

  /// With the lock held: a task has ended.
  func append(_ completion: Completion) {
    if completion.isUnexpected { unexpected.made() }
    completions.append(completion)
  }

  /// With the lock held: runs a task without it. What the task holds may go with this, which may take long, or call
  /// anything: that is done without the lock, too.
  func runUnlocked(_ next: consuming ReadyTask, _ current: UnsafeMutablePointer<CurrentTask>) -> Completion {
    running += 1
    condition.unlock()
    var completion = run(next, current)
    let isLight = next.isLight
    _ = consume next
    condition.lock()
    completion.isUnexpected = unexpected.isUnexpected(byteCount: completion.byteCount, isLight: isLight)
    running -= 1
    return completion
  }

  private func run(_ next: borrowing ReadyTask, _ current: UnsafeMutablePointer<CurrentTask>) -> Completion {
    let begin = MonotonicClock.nanoseconds
    let layer = next.layer.layer
    let result = current.run(next.task, next.attempt, of: next.layer, inputs: next.inputs, at: begin).mapError {
      MusterError(taskError: $0, layer: layer, task: next.task, rank: rank, attempt: Int(next.attempt))
    }
    let end = MonotonicClock.nanoseconds
    events?.ran(
      next.task, attempt: next.attempt, begin: begin, end: end,
      bytes: layer.exceedsTimeout(end - begin) ? nil : result.byteCount)
    return Completion(
      task: next.task, attempt: next.attempt, result: result, nanoseconds: end - begin)
  }
}
