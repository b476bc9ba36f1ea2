import MusterScheduling
import Testing

/// A scheduler under test whose workers are played by hand. Invariants are checked after every event.
struct Harness {
  var scheduler: Scheduler
  var now = Duration.zero
  /// What the last event led to.
  var actions: [Action] = []
  /// The assignment in force of each task, and where.
  var assignments: [TaskID: (worker: Int, assignment: Assignment)] = [:]
  var isComplete = false

  init(_ graph: TaskGraph, _ configure: (inout SchedulerConfiguration) -> Void = { _ in }) throws {
    var configuration = SchedulerConfiguration()
    configure(&configuration)
    scheduler = Scheduler(configuration: configuration)
    try scheduler.add(graph, as: GraphID(0), at: .zero, into: &actions)
  }

  /// Another graph comes.
  mutating func add(_ graph: TaskGraph, as number: Int) throws {
    actions = []
    try scheduler.add(graph, as: GraphID(number), at: now, into: &actions)
    try look()
  }

  /// The assignments that the last event led to.
  var assigned: [Assignment] {
    actions.compactMap { if case .assign(_, let assignment) = $0 { assignment } else { nil } }
  }
  var retracted: [TaskID] {
    actions.compactMap { if case .retract(_, let task, _) = $0 { task } else { nil } }
  }
  var released: [TaskID] {
    actions.compactMap { if case .release(_, let task) = $0 { task } else { nil } }
  }

  mutating func handle(_ event: Event) throws {
    actions = []
    scheduler.handle(event, at: now, into: &actions)
    try look()
  }

  private mutating func look() throws {
    try scheduler.checkInvariants()
    for action in actions {
      switch action {
      case .assign(let worker, let assignment):
        assignments[assignment.task] = (Int(worker.number), assignment)
      case .complete(GraphID(0)): isComplete = true
      default: break
      }
    }
  }

  mutating func join(_ worker: Int, slots: Int = 1, memoryLimit: Int = 0) throws {
    try handle(.workerJoined(WorkerID(worker), slots: slots, memoryLimit: memoryLimit))
  }

  mutating func lose(_ worker: Int) throws {
    try handle(.workerLost(WorkerID(worker)))
  }

  /// The worker that has the task reports it finished.
  mutating func finish(_ task: TaskID, bytes: Int = 1000, nanoseconds: Int = 10_000_000) throws {
    let (worker, assignment) = try #require(assignments[task], "\(task) isn't assigned")
    try handle(
      .finished(WorkerID(worker), task, assignment.attempt, bytes: bytes, nanoseconds: nanoseconds))
  }

  mutating func answerRetract(of task: TaskID, givenBack: Bool) throws {
    let (worker, assignment) = try #require(assignments[task], "\(task) isn't assigned")
    try handle(.retracted(WorkerID(worker), task, assignment.attempt, givenBack: givenBack))
  }

  func worker(of task: TaskID) -> Int? { assignments[task]?.worker }
}

/// A graph from inputs written down: a layer is a list of tasks, a task a list of inputs.
func graph(_ layers: [[[TaskID]]], results: [TaskID], expectedBytes: Int = 0) -> TaskGraph {
  TaskGraph(
    layers: layers.enumerated().map { number, tasks in
      TaskLayer(name: "layer \(number)", count: tasks.count, expectedBytes: expectedBytes) { index, into in
        into += tasks[index]
      }
    }, results: results)
}

func id(_ layer: Int, _ index: Int) -> TaskID { TaskID(layer: layer, index: index) }

/// Roots, and nothing else, all wanted.
func rootsGraph(_ count: Int, expectedBytes: Int = 0) -> TaskGraph {
  TaskGraph(
    layers: [TaskLayer(name: "roots", count: count, expectedBytes: expectedBytes) { _, _ in }],
    results: (0..<count).map { id(0, $0) })
}

/// Roots reduced by a tree of the given fan-in to one result.
func treeGraph(roots: Int, fanIn: Int) -> TaskGraph {
  var layers = [TaskLayer(name: "read", count: roots) { _, _ in }]
  var width = roots
  while width > 1 {
    let below = layers.count - 1
    let belowCount = width
    width = (width + fanIn - 1) / fanIn
    layers.append(
      TaskLayer(name: "reduce", count: width) { index, into in
        for input in index * fanIn..<min(belowCount, (index + 1) * fanIn) { into.append(id(below, input)) }
      })
  }
  return TaskGraph(layers: layers, results: [id(layers.count - 1, 0)])
}

extension Scheduler {
  /// A scheduler with one graph.
  init(graph: TaskGraph) throws {
    self.init()
    var actions: [Action] = []
    try add(graph, as: GraphID(0), at: .zero, into: &actions)
  }
}

extension Harness: CustomStringConvertible {
  var description: String { "\(scheduler.finishedCount) of \(scheduler.taskCount) finished, last \(actions)" }
}
