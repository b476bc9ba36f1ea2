import MusterRuntime
import MusterScheduling

struct Attempted: Hashable {
  var task: TaskID
  var attempt: Attempt
}

/// A worker: the state machine that ships, and threads whose tasks take virtual time. It does what `WorkerRole` and
/// `WorkQueue` do around the state machine.
struct SimulatedWorker {
  var slots: Int
  let memoryLimit: Int
  var state: WorkerState
  /// Whether it runs. A worker whose connection alone is lost does.
  var isRunning = true
  /// Whether the scheduler has been told that it's lost.
  var isLost = false
  /// Whether it has crashed or lost its connection.
  var isDoomed = false
  /// The tasks that no thread has begun.
  private var ready: [ReadyTask] = []
  /// The tasks that threads have begun, until the state machine hears of their end.
  var begun: Set<Attempted> = []
  /// Those that have failed here.
  var failed: Set<TaskID> = []
  var busySlots = 0
  var timeLimits = TimeLimits()
  /// By block, the number of the request by which it was asked for last.
  var requests: [TaskID: Int] = [:]
  /// The blocks that it held when last counted.
  var countedBlocks = 0
  /// What it last said that it holds.
  var reportedBytes = 0
  /// Large blocks that wait for room.
  var heldUp: [(task: TaskID, block: any Block)] = []
  /// What is coming of large blocks.
  var receivingBytes = 0
  /// What lies on its disk, by place.
  var disk: [SpillPlace: SimulatedBlock] = [:]
  var nextPlace = 0

  init(slots: Int, memoryLimit: Int, marks: BlockStore.Marks?) {
    self.slots = slots
    self.memoryLimit = memoryLimit
    state = WorkerState(memoryLimit: memoryLimit, marks: marks)
  }

  var hasWork: Bool { busySlots < slots && !ready.isEmpty }

  /// Whether a thread has begun what is assigned now.
  func hasBegun(_ task: TaskID) -> Bool {
    guard let attempt = state.attempt(ofAssigned: task) else { return false }
    return begun.contains(Attempted(task: task, attempt: attempt))
  }

  /// Whether a task was assigned to it, and what became of it isn't known everywhere yet.
  func hasHad(_ task: TaskID) -> Bool {
    state.isAssigned(task) || failed.contains(task) || state.early.contains { $0.task == task }
  }

  /// Whether a task that is ready or has begun takes a block.
  func isTaking(_ block: TaskID, in graph: TaskGraph) -> Bool {
    ready.contains { state.attempt(ofAssigned: $0.task) == $0.attempt && graph.inputs(of: $0.task).contains(block) }
      || begun.contains {
        state.attempt(ofAssigned: $0.task) == $0.attempt && graph.inputs(of: $0.task).contains(block)
      }
  }

  mutating func push(_ task: ReadyTask) { ready.append(task) }

  /// Takes a task back that no thread has begun.
  mutating func remove(_ task: TaskID, attempt: Attempt) -> Bool {
    guard let place = ready.firstIndex(where: { $0.task == task && $0.attempt == attempt }) else { return false }
    ready.remove(at: place)
    return true
  }

  /// The most urgent task, for a thread that is free.
  mutating func beginNext() -> ReadyTask? {
    guard busySlots < slots, let place = ready.indices.min(by: { ready[$0] < ready[$1] }) else { return nil }
    busySlots += 1
    let task = ready.remove(at: place)
    begun.insert(Attempted(task: task.task, attempt: task.attempt))
    return task
  }
}

/// What the tasks of a simulated graph yield.
struct SimulatedBlock: Block, Equatable {
  var value: UInt64
  var byteCount: Int

  func encode(into encoder: inout BlockEncoder) {
    encoder.append(value)
    encoder.append(byteCount)
  }

  static func decode(from decoder: inout BlockDecoder) throws -> SimulatedBlock {
    SimulatedBlock(value: try decoder.read(UInt64.self), byteCount: try decoder.read(Int.self))
  }
}

extension Plan {
  /// The tasks of a graph as workers run them, with numbers that depend on all that went into them.
  init(simulating graph: TaskGraph, _ options: SimulationOptions) {
    self.init()
    let bytes = options.bytes
    for (number, layer) in graph.layers.enumerated() {
      var simulated = Layer(
        name: layer.name, count: layer.count, yielding: SimulatedBlock.self, expectedBytes: layer.expectedBytes,
        inputs: layer.inputs,
        run: { inputs in
          let task = TaskID(layer: number, index: inputs.index)
          let values = inputs.blocks.indices.map { inputs.block($0, as: SimulatedBlock.self).value }
          return SimulatedBlock(value: simulatedValue(of: task, inputs: values), byteCount: bytes(task))
        })
      simulated.timeout = options.timeLimits[UInt32(number)].map { .nanoseconds($0) }
      _ = add(simulated)
    }
    results = graph.results
  }
}
