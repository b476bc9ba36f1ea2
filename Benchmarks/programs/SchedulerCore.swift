import Glibc
import Muster
import MusterScheduling

/// The scheduler alone, with workers that are simulated: every event of a graph's run, end to end, and no task.
enum SchedulerCore {
  /// Half of the tasks have no input, each of the others takes one of those.
  static func pairs(tasks: Int) -> TaskGraph {
    let half = tasks / 2
    return TaskGraph(
      layers: [
        TaskLayer(name: "make", count: half, expectedBytes: 8) { _, _ in },
        TaskLayer(name: "take", count: half, expectedBytes: 8) { index, inputs in
          inputs.append(TaskID(layer: 0, index: index))
        },
      ],
      results: (0..<half).map { TaskID(layer: 1, index: $0) })
  }

  /// Two fifths of the tasks read, two fifths take one of those each, and one fifth adds neighbours up.
  static func reduction(tasks: Int) -> TaskGraph {
    let part = tasks / 5
    return TaskGraph(
      layers: [
        TaskLayer(name: "read", count: 2 * part, expectedBytes: 8) { _, _ in },
        TaskLayer(name: "map", count: 2 * part, expectedBytes: 8) { index, inputs in
          inputs.append(TaskID(layer: 0, index: index))
        },
        TaskLayer(name: "add", count: part, expectedBytes: 8) { index, inputs in
          inputs.append(TaskID(layer: 1, index: 2 * index))
          inputs.append(TaskID(layer: 1, index: 2 * index + 1))
        },
      ],
      results: (0..<part).map { TaskID(layer: 2, index: $0) })
  }

  /// The most that this process has held of the machine's memory.
  private static var peakBytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss << 10
  }

  static func run(_ graph: TaskGraph, workers: Int) throws {
    let before = peakBytes
    let start = ContinuousClock.now
    var scheduler = Scheduler()
    var actions: [Action] = []
    try scheduler.add(graph, as: GraphID(0), at: .zero, into: &actions)
    let planned = seconds(since: start)
    var simulated = SimulatedWorkers(count: workers)
    let finished = try simulated.run(&scheduler)
    let total = seconds(since: start)
    guard scheduler.isComplete(GraphID(0)), finished == scheduler.taskCount else {
      throw MusterError(.internal, "\(finished) of \(scheduler.taskCount) tasks were run")
    }
    print(
      """
      {"seconds": \(total), "planned": \(planned), "tasks": \(finished), "events": \(simulated.events), \
      "bytes_per_task": \(scheduler.tableBytes / finished), "resident_per_task": \((peakBytes - before) / finished), "check": \(finished)}
      """)
  }
}

/// Workers with one thread each, that run what they are given in the order in which it comes, all at the same pace.
private struct SimulatedWorkers {
  private struct Held {
    var task: TaskID
    var attempt: Attempt
  }

  /// A queue that is taken from at its front.
  private struct Line<Element> {
    var elements: [Element] = []
    var front = 0
    var isEmpty: Bool { front == elements.count }
    mutating func removeFirst() -> Element {
      defer {
        front += 1
        if front == elements.count {
          elements.removeAll(keepingCapacity: true)
          front = 0
        }
      }
      return elements[front]
    }
  }

  private var queues: [Line<Held>]
  /// Who is to finish a task next: once for each worker that has any.
  private var turns = Line<Int>()
  private var answers = Line<Event>()
  private(set) var events = 0

  init(count: Int) { queues = Array(repeating: Line(), count: count) }

  /// Returns how many tasks were run.
  mutating func run(_ scheduler: inout Scheduler) throws -> Int {
    var actions: [Action] = []
    var finished = 0
    let offers = queues.indices.map { WorkerOffer(worker: WorkerID($0), slots: 1, memoryLimit: 0) }
    scheduler.handle(.workersJoined(offers), at: .zero, into: &actions)
    try take(&actions)
    while !answers.isEmpty || !turns.isEmpty {
      events += 1
      let now = Duration.nanoseconds(1000 * events / queues.count)
      if !answers.isEmpty {
        scheduler.handle(answers.removeFirst(), at: now, into: &actions)
      } else {
        let worker = turns.removeFirst()
        let held = queues[worker].removeFirst()
        if !queues[worker].isEmpty { turns.elements.append(worker) }
        finished += 1
        scheduler.handle(
          .finished(WorkerID(worker), held.task, held.attempt, bytes: 8, nanoseconds: 1000), at: now, into: &actions)
      }
      try take(&actions)
    }
    return finished
  }

  private mutating func take(_ actions: inout [Action]) throws {
    for action in actions {
      switch action {
      case .assign(let worker, let assignment):
        let number = Int(worker.number)
        if queues[number].isEmpty { turns.elements.append(number) }
        queues[number].elements.append(Held(task: assignment.task, attempt: assignment.attempt))
      case .retract(let worker, let task, let attempt):
        let number = Int(worker.number)
        // The first one is being run.
        let place = queues[number].elements.indices.dropFirst(queues[number].front + 1).first {
          queues[number].elements[$0].task == task
        }
        if let place { queues[number].elements.remove(at: place) }
        answers.elements.append(.retracted(worker, task, attempt, givenBack: place != nil))
      case .fail(_, let failure): throw MusterError(.internal, "the graph failed: \(failure)")
      case .release, .complete, .resultReady, .resultFailed, .forget: break
      }
    }
    actions.removeAll(keepingCapacity: true)
  }
}
