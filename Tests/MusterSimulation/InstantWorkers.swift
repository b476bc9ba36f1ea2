package import MusterScheduling

/// Workers that finish what they are assigned at once, one after the other in turns: what a graph costs the scheduler
/// itself. No clock, no delays, no values.
package struct InstantWorkers {
  package var scheduler: Scheduler
  private var queues: [[Assignment]]
  private var heads: [Int]
  private var actions: [Action] = []
  /// Events handled and actions taken.
  package private(set) var events = 0
  package private(set) var actionCount = 0

  package init(_ scheduler: Scheduler, workers: Int, slots: Int) {
    self.scheduler = scheduler
    queues = Array(repeating: [], count: workers)
    heads = Array(repeating: 0, count: workers)
    for worker in 0..<workers {
      handle(.workerJoined(WorkerID(worker), slots: slots, memoryLimit: 0))
    }
  }

  /// Runs the graph.
  /// - Parameter batch: How many tasks a worker finishes at a turn.
  /// - Returns: whether it completed.
  package mutating func run(batch: Int = 16, nanoseconds: Int = 1000) -> Bool {
    var isStuck = false
    while !scheduler.isComplete && !isStuck {
      isStuck = true
      for worker in queues.indices {
        for _ in 0..<batch where heads[worker] < queues[worker].count {
          isStuck = false
          let assignment = queues[worker][heads[worker]]
          heads[worker] += 1
          if heads[worker] == queues[worker].count {
            queues[worker].removeAll(keepingCapacity: true)
            heads[worker] = 0
          }
          handle(
            .finished(
              WorkerID(worker), assignment.task, assignment.attempt, bytes: 8, nanoseconds: nanoseconds))
        }
      }
    }
    return scheduler.isComplete
  }

  private mutating func handle(_ event: Event) {
    var event: Event? = event
    while let next = event {
      events += 1
      event = nil
      scheduler.handle(next, at: .zero, into: &actions)
      actionCount += actions.count
      for action in actions {
        switch action {
        case .assign(let worker, let assignment): queues[Int(worker.number)].append(assignment)
        // Always too late.
        case .retract(let worker, let task, let attempt):
          event = .retracted(worker, task, attempt, givenBack: false)
        case .release, .complete, .fail: break
        }
      }
      actions.removeAll(keepingCapacity: true)
    }
  }
}
