import DequeModule
import HeapModule

/// Decides which worker runs which task when: a value that takes events and returns actions. It does no input or
/// output, starts no thread and reads no clock, so the same code runs under threads, under MPI and in a simulator.
///
/// Tasks are numbered depth-first from the results (`TaskTable`); the number is the priority. A task goes where its
/// inputs are, unless waiting there would cost more than moving them (`Scheduler+Placement`). A worker is handed more
/// than it runs, about a millisecond's worth, and an idle worker gets what another has queued
/// (`Scheduler+Balance`). Tasks without inputs, *roots*, are withheld until a worker can take what follows them
/// (`Scheduler+Roots`).
///
/// Only a worker with a slot or more, and a number of 0 or more, is a valid offer.
///
/// # The protocol
///
/// What a worker and the runtime around the scheduler must keep to. Messages between one worker and the scheduler
/// arrive in the order in which they were sent, in each direction; nothing is assumed of any others.
///
/// 1. **Assign.** The worker notes the task with its attempt. It asks the `holder` of each source for the blocks of
///    the run, except those that it holds already or has asked for already. Every input that no source names it
///    holds, or was assigned before and is to compute. Where a source is still to compute a block, it answers when it
///    has. With all inputs there the task is queued; whenever a slot is free the queued task of the lowest
///    `priority` begins. A worker never has two assignments of one task at a time, and no two workers that aren't
///    lost have the same task. A worker may hold a copy of the very block that it's told to compute, from before the
///    block was lost elsewhere: it computes it all the same.
/// 2. **Finished.** The worker stores the block, then reports `finished` with the attempt of the assignment, once. It
///    keeps the inputs, those fetched too: from this report on the scheduler counts it among their holders.
/// 3. **Release.** The worker drops the block. It holds blocks until told so, whatever becomes of the tasks for which
///    they were fetched. A release of a block that it doesn't hold (one that it was to fetch, for a task that it then
///    gave back) is ignored. A task that runs keeps its inputs alive by itself.
/// 4. **Retract.** The worker answers every retract, with `retracted`. If the task with this attempt hasn't begun,
///    whether or not its inputs are there, the worker forgets it and answers `givenBack: true`; fetches that only this
///    task waited for are forgotten too (a later assignment asks anew), and a block that arrives with no task waiting
///    for it is dropped. If the task has begun or finished, the answer is `givenBack: false` and nothing changes.
/// 5. **A fetch that fails**, because the holder is lost or doesn't hold the block any more, isn't reported and isn't
///    repeated: the task stays where it is, not begun. On `workerLost` the scheduler retracts every task that might
///    wait for a lost block and assigns it anew, with a new attempt, when its inputs are available.
/// 6. **A lost worker** is lost for good. Nothing that it says is heeded, its number isn't used again, and it should
///    stop. What comes back is a new worker.
/// 7. **Graphs** may be added at any time, and build on kept results of those before. **Complete** means that every
///    result of a graph is there; the results stay with `holders(of:)` until they are released. Where a result can't be
///    computed, because a task that it needs threw, was cancelled or kept losing its workers, its graph has **failed**;
///    what others need of it goes on. Releasing a graph takes back what only it needs: workers are asked for the tasks
///    that they haven't begun. **Forget** comes when none of its tasks is needed or runs any more.
/// 8. **Slots.** A worker may say at any time that it can run more tasks at a time, or fewer, and how many of those that
///    have begun wait for others. What has begun goes on.
/// 9. A **finished** report of a task that is needed no more is answered by a release, so that its block goes.
///
/// Reports that name an old attempt, a lost worker or a task that the worker doesn't have are ignored.
///
/// Handling an event costs O(1) for each dependency that it touches, amortised, whatever the number of tasks and
/// workers; the loss of a worker costs O(tasks).
public struct Scheduler: Sendable {
  let configuration: SchedulerConfiguration
  var now = Duration.zero
  var tasks = TaskTable()
  /// By slot.
  var layers: ContiguousArray<LayerRecord> = []
  /// By kind of layer. The caller sees to it that there are few.
  var paces: ContiguousArray<Pace> = []
  /// In the order in which they were added, which is that of their tasks' ordinals.
  var graphs: ContiguousArray<GraphRecord> = []
  /// Where a graph is in `graphs`.
  var graphPlaces: [GraphID: Int] = [:]
  /// The graphs that keep a task's block as a result, though it's another's task.
  var borrowers: [UInt32: [GraphID]] = [:]
  /// Why tasks failed that were the first to.
  var failures: [UInt32: SchedulingFailure] = [:]
  /// What `takeAbandoned` gives.
  var abandoned: [TaskID] = []
  /// What `takeEndedLayers` gives.
  var endedLayers: [UInt32] = []
  /// What is needed no more just now is so since something has failed.
  var isFailing = false
  /// How often tasks threw that were run again.
  var tries: [UInt32: Int] = [:]
  /// Released graphs of which workers still have tasks.
  var lingeringGraphs = 0
  /// Those whose last task has come back.
  var endable: [GraphID] = []
  /// The tasks of graphs that are gone, still in the table.
  var goneTasks = 0

  /// By number. Those not alive never joined or are lost.
  var workers: ContiguousArray<WorkerRecord> = []
  /// The numbers of the workers that are alive, ascending.
  var live: ContiguousArray<Int32> = []
  var totalSlots = 0
  /// Tasks that have begun, and wait for others.
  var totalWaiting = 0
  /// The workers that are alive, by load.
  var loads = LoadIndex()
  /// The workers to look at before the event is done with.
  var touched: ContiguousArray<Int32> = []

  /// Tasks that became ready and have no place yet.
  var unplaced: ContiguousArray<UInt32> = []
  /// Tasks of which an input was assigned: they may go ahead.
  var followers: ContiguousArray<UInt32> = []
  /// Those of them that could go ahead, but for which there was no room.
  var crowdedOut = Deque<UInt32>()
  /// Ready tasks in backlogs.
  var backlogged = 0
  /// Runs of roots that belong to no worker.
  var rootRuns = Heap<RootRun>()
  /// Roots in state `withheld`.
  var withheld = 0
  /// Tasks assigned.
  var assigned = 0
  /// How many of them were assigned ahead and still miss inputs.
  var totalAhead = 0
  /// Retracts that workers owe an answer to.
  var unanswered = 0
  /// Tasks that a worker was asked to give back, and for which worker (-1: not for another's sake).
  var retractions: [UInt32: Int32] = [:]
  /// The holders of blocks that more than one worker holds.
  var replicas: [UInt32: HolderSet] = [:]
  /// The tasks that are to be computed.
  var outstanding = 0
  /// By worker, bytes of the inputs of the task being placed; all 0 between placements.
  var inputBytes: ContiguousArray<Int> = []
  /// The workers whose `inputBytes` were set.
  var candidates: ContiguousArray<Int32> = []

  /// A scheduler without graphs and workers.
  public init(configuration: SchedulerConfiguration = .init()) {
    self.configuration = configuration
  }

  /// Takes an event and appends what is to be done, in order.
  /// - Parameter now: The time since the start. Only differences count; it never goes back.
  public mutating func handle(_ event: Event, at now: Duration, into actions: inout [Action]) {
    self.now = now
    switch event {
    case .workersJoined(let offers):
      for offer in offers { join(Int(offer.worker.number), slots: offer.slots, memoryLimit: offer.memoryLimit) }
    case .workerJoined(let worker, let slots, let memoryLimit):
      join(Int(worker.number), slots: slots, memoryLimit: memoryLimit)
    case .workerLost(let worker):
      lose(Int(worker.number), into: &actions)
    case .finished(let worker, let id, let attempt, let bytes, let nanoseconds):
      guard let task = assignedTask(id, attempt, to: worker) else {
        return releaseUnknown(id, on: worker, into: &actions)
      }
      finish(task, on: Int(worker.number), bytes: bytes, nanoseconds: nanoseconds, into: &actions)
    case .failed(let worker, let id, let attempt):
      guard let task = assignedTask(id, attempt, to: worker) else { return }
      threw(task, attempt: attempt, on: Int(worker.number), into: &actions)
    case .released(let graph):
      releaseAll(graph, into: &actions)
    case .resultReleased(let id, let graph):
      release(id, of: graph, into: &actions)
    case .cancelled(let id):
      cancel(id, into: &actions)
    case .retracted(let worker, let id, let attempt, let givenBack):
      guard isAlive(Int(worker.number)) else { return }
      answer(from: Int(worker.number), assignedTask(id, attempt, to: worker), givenBack: givenBack, into: &actions)
    case .memory(let worker, let bytes):
      guard isAlive(Int(worker.number)) else { return }
      workers[Int(worker.number)].held = max(0, bytes)
      touch(Int(worker.number))
    case .slots(let worker, let slots, let waiting):
      setSlots(of: Int(worker.number), to: slots, waiting: waiting)
    case .timePassed:
      touchAll()
    }
    settle(into: &actions)
  }

  /// Draws the conclusions from what an event changed.
  mutating func settle(into actions: inout [Action]) {
    if !endable.isEmpty { endLingering(into: &actions) }
    repeat {
      placeReadyTasks(into: &actions)
      while let worker = touched.popLast() {
        workers[Int(worker)].isTouched = false
        if workers[Int(worker)].isAlive { supply(Int(worker), into: &actions) }
      }
      balance(into: &actions)
      if !followers.isEmpty { assignFollowers(into: &actions) }
      if withheld > 0 && assigned - totalAhead <= totalWaiting { forceRoot(into: &actions) }
    } while !touched.isEmpty || (!unplaced.isEmpty && !live.isEmpty)
  }
}

extension Scheduler {
  /// How far a layer is. Only tasks that some result needs count.
  public struct LayerProgress: Sendable, Equatable {
    /// The layer's number.
    public var layer: Int
    /// The tasks of the layer that the results need.
    public var total: Int
    /// How many of them are done.
    public var finished: Int
    /// Tasks handed to workers, running or queued there.
    public var running: Int
  }

  /// The tasks that are needed and not done yet. Grows when a lost worker takes blocks with it that are needed again.
  public var outstandingCount: Int { outstanding }

  /// The number of tasks of the graphs that were added and aren't forgotten.
  public var taskCount: Int { tasks.count - goneTasks }

  /// How many of them are done.
  public var finishedCount: Int { taskCount - outstanding }

  /// The number of graphs that were added and aren't forgotten.
  package var graphCount: Int { graphPlaces.count }

  /// What the scheduler keeps for tasks and dependencies, in bytes.
  package var tableBytes: Int { tasks.byteCount }

  /// Whether every result of a graph is there; also where it was never added, or has been released.
  public func isComplete(_ graph: GraphID) -> Bool { record(of: graph).map { $0.outstanding == 0 } ?? true }

  /// The layers of which anything is needed, in order, with how far each is. O(layers).
  public func progress() -> [LayerProgress] {
    layers.indices.compactMap { number in
      let layer = layers[number]
      guard layer.total > 0 else { return nil }
      return LayerProgress(
        layer: Int(tasks.ordinals.number(ofSlot: number)), total: layer.total, finished: layer.finished,
        running: layer.assigned)
    }
  }

  /// The workers that hold the block of a task, ascending; none where it isn't computed or was released.
  public func holders(of id: TaskID) -> [WorkerID] {
    guard let task = tasks.ordinals[id], tasks.records[task].state == .finished else { return [] }
    guard let set = replicas[UInt32(task)] else { return [WorkerID(Int(tasks.records[task].worker))] }
    return set.map { WorkerID($0) }
  }

  /// Whether a worker has been given a task and hasn't finished it.
  public func isAssigned(_ id: TaskID) -> Bool {
    tasks.ordinals[id].map { tasks.records[$0].state == .assigned } ?? false
  }

  /// What a worker has been assigned and hasn't finished, in priority order; of a lost worker, what it had.
  public func assigned(to worker: WorkerID) -> [TaskID] { assigned(to: worker, evenIfLost: false) }

  /// How many tasks a worker has been assigned and hasn't finished, but for those that miss inputs still. O(1).
  public func startableCount(on worker: WorkerID) -> Int {
    isAlive(Int(worker.number)) ? startable(on: Int(worker.number)) : 0
  }

  func assigned(to worker: WorkerID, evenIfLost: Bool) -> [TaskID] {
    let number = Int(worker.number)
    guard workers.indices.contains(number) else { return [] }
    guard workers[number].isAlive || evenIfLost else { return workers[number].hadWhenLost }
    return workers[number].queue.map { ($0, key(of: Int($0))) }.sorted { $0.1 < $1.1 }.map { tasks.id(of: Int($0.0)) }
  }
}
