internal import MusterScheduling

/// What the rank that schedules keeps around the scheduler: the layers, why tasks failed, and what became of futures. A
/// value; `LocalWorker` and `RootRole` carry its actions out.
struct Conductor {
  /// What became of a future.
  struct Settlement: Sendable {
    /// The how manieth future that came to an end it is.
    var order: Int
    var error: MusterError?
  }

  private(set) var scheduler: Scheduler
  private(set) var layers = LayerBook()
  private var kinds = LayerKinds()
  /// Layers whose tasks have ended, which other ranks are to be told of.
  private var ended: [UInt32] = []
  /// Whether there are other ranks.
  private let hasOthers: Bool
  /// By task, what it threw; for as long as anything has failed because of it.
  private var taskErrors: [TaskID: MusterError] = [:]
  /// Why other tasks have failed whose layers are forgotten, while what depended on them isn't.
  private var lateErrors: [TaskID: MusterError] = [:]
  private var watches = FutureWatches()
  private(set) var settlements: [TaskID: Settlement] = [:]
  private var settledCount = 0
  /// The futures of each graph, of which something may be noted.
  private var futures: [GraphID: [TaskID]] = [:]

  /// - Parameter assignsAhead: whether workers wait for inputs that they, or others, are still to compute.
  ///   Other ranks do, each with layers of its own.
  init(assignsAhead: Bool) {
    hasOthers = assignsAhead
    var configuration = SchedulerConfiguration()
    // A worker that is lost ends the job, and so does the process: nothing is ever computed again. So what a graph was
    // made of needn't outlive its tasks, and a loop in which each step builds on the last keeps the last ones only.
    configuration.recoversLostBlocks = false
    configuration.assignsAhead = assignsAhead
    scheduler = Scheduler(configuration: configuration)
  }

  /// What is kept now.
  var counts: GraphCounts {
    GraphCounts(
      graphs: scheduler.graphCount, tasks: scheduler.taskCount, layers: layers.count,
      layerPlaces: layers.placeCount, settledFutures: settlements.count,
      watches: watches.count, watchedFutures: watches.namedCount)
  }

  /// How many layers have ended since `takeEnded` was called.
  var endedCount: Int { ended.count }

  /// Takes the numbers of the layers whose functions other ranks may drop, which aren't forgotten: in runs, ascending.
  mutating func takeEnded() -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for number in ended.sorted() where layers[number] != nil {
      if let last = runs.last, last.upperBound == Int(number) {
        runs[runs.count - 1] = last.lowerBound..<Int(number) + 1
      } else {
        runs.append(Int(number)..<Int(number) + 1)
      }
    }
    ended.removeAll(keepingCapacity: true)
    return runs
  }

  /// Drops the functions of layers whose tasks have ended: what they have captured may be large, and their results may
  /// stay for long.
  private mutating func endLayers() {
    let numbers = scheduler.takeEndedLayers()
    guard !numbers.isEmpty else { return }
    for number in numbers { layers.end(Int(number)) }
    if hasOthers { ended += numbers }
  }

  /// Whether there are layers to be dropped, with no lock held.
  var hasRetired: Bool { !layers.retired.isEmpty }
  mutating func takeRetired() -> [RegisteredLayer] { layers.takeRetired() }
  /// The session is over.
  mutating func retireAll() { layers.forgetAll() }

  /// Adds a graph.
  ///
  /// - Throws: `MusterError` with code `invalidArgument` where no scheduler takes the plan: a fault of whoever built it.
  mutating func add(_ submission: Submission, at now: Int, into actions: inout [Action]) throws(MusterError) {
    layers.register(submission.plan.layers, from: submission.firstLayer)
    if submission.isOfFutures { futures[submission.graph] = submission.plan.results }
    do {
      try scheduler.add(
        submission.taskGraph(kinds: &kinds), as: submission.graph, at: .nanoseconds(now), into: &actions)
    } catch {
      let error = MusterError(
        .invalidArgument, "the plan can't be scheduled: \(error)", fix: "Check the layers' inputs")
      if submission.isOfFutures { for task in submission.plan.results { settle(task, error) } }
      throw error
    }
    note(&actions)
    endLayers()
  }

  mutating func handle(_ event: Event, at now: Int, into actions: inout [Action]) {
    let first = actions.count
    scheduler.handle(event, at: .nanoseconds(now), into: &actions)
    if actions.count > first { note(&actions, from: first) }
    endLayers()
  }

  /// Tasks that workers still have though all that needed them has failed: they are to end.
  mutating func takeAbandoned() -> [TaskID] { scheduler.takeAbandoned() }

  /// A task threw.
  mutating func failed(
    _ worker: WorkerID, _ task: TaskID, _ attempt: Attempt, _ error: MusterError, at now: Int,
    into actions: inout [Action]
  ) {
    taskErrors[task] = error
    handle(.failed(worker, task, attempt), at: now, into: &actions)
  }

  /// Why something can't be computed.
  func error(_ failure: SchedulingFailure) -> MusterError {
    if case .taskFailed(let task, _, _) = failure, let error = taskErrors[task] { return error }
    if let error = lateErrors[failure.task] { return error }
    return MusterError(failure, layer: layers[failure.task.layer]?.layer)
  }

  /// Takes note of what concerns futures, and of graphs that are over.
  private mutating func note(_ actions: inout [Action], from first: Int = 0) {
    for action in actions[first...] {
      switch action {
      case .resultReady(_, let task): settle(task, nil)
      case .resultFailed(_, let task, let failure): settle(task, error(failure))
      case .forget(let graph, let numbers):
        forgetErrors(of: numbers)
        layers.forget(numbers)
        for task in futures.removeValue(forKey: graph) ?? [] { settlements[task] = nil }
      case .assign, .retract, .release, .complete, .fail: break
      }
    }
  }

  /// Layers are about to go. What has failed because of their tasks, and stays, may be asked for its reason later.
  private mutating func forgetErrors(of numbers: Range<Int>) {
    let failures = scheduler.standingFailures
    guard !taskErrors.isEmpty || !lateErrors.isEmpty || !failures.isEmpty else { return }
    var standing = Set<TaskID>()
    for failure in failures {
      let task = failure.task
      standing.insert(task)
      if numbers.contains(Int(task.layer)) && lateErrors[task] == nil { lateErrors[task] = error(failure) }
    }
    taskErrors = taskErrors.filter { standing.contains($0.key) }
    lateErrors = lateErrors.filter { standing.contains($0.key) }
  }

  private mutating func settle(_ task: TaskID, _ error: MusterError?) {
    guard settlements[task] == nil else { return }
    settlements[task] = Settlement(order: settledCount, error: error)
    settledCount += 1
    watches.settled(task)
  }

  /// What the first of some futures to fail threw.
  func firstError(of tasks: [TaskID]) -> MusterError? {
    tasks.compactMap { settlements[$0] }.filter { $0.error != nil }.min { $0.order < $1.order }?.error
  }

  /// How far a future is.
  func status(of task: TaskID) -> FutureStatus {
    if let settlement = settlements[task] {
      return settlement.error.map { $0.code == .cancelled ? .cancelled : .failed } ?? .finished
    }
    return scheduler.isAssigned(task) ? .assigned : .pending
  }

  // MARK: Futures in the order of their ends

  /// The program wants to know of futures as they come to an end. Asked for again, the same watch goes on.
  mutating func watch(_ watch: FutureWatch) {
    watches.add(watch.number, watch.tasks, told: watch.toldPlaces) { settlements[$0]?.order }
  }

  mutating func endWatch(_ number: Int) { watches.remove(number) }

  func hasSettled(of number: Int) -> Bool { watches.hasNews(of: number) }

  /// Which futures of a watch have come to an end since this was last asked, by their places, in the order in which they
  /// did, as bytes of `UInt32`; nil where none has.
  mutating func takeSettled(of number: Int) -> [UInt8]? {
    guard let places = watches.takeNews(of: number) else { return nil }
    return places.withUnsafeBytes { Array($0) }
  }
}
