import MusterRuntime
import MusterScheduling

/// An assignment that the scheduler counts on.
struct Given: Equatable {
  var worker: Int
  var attempt: Attempt
}

/// What the simulation knows by itself of what has to come: which reports count, how often tasks are tried, and what the
/// results are.
extension Simulation {
  // MARK: Attempts

  mutating func note(_ assignment: Assignment, to worker: Int) throws {
    let new = Given(worker: worker, attempt: assignment.attempt)
    if let old = given.updateValue(new, forKey: assignment.task) {
      throw fault("\(assignment.task) is assigned to worker \(worker), while worker \(old.worker) has it")
    }
    if heardFailures[assignment.task] != nil { report.retries += 1 }
  }

  /// Takes note of which assignment an event ends.
  mutating func note(_ event: Event) {
    switch event {
    case .finished(let worker, let task, let attempt, _, _): take(task, attempt, worker)
    case .retracted(let worker, let task, let attempt, givenBack: true): take(task, attempt, worker)
    case .failed(let worker, let task, let attempt):
      if take(task, attempt, worker) {
        heardFailures[task, default: 0] += 1
        report.heardFailures += 1
      }
    case .workerLost(let worker): given = given.filter { $0.value.worker != Int(worker.number) }
    default: break
    }
  }

  @discardableResult
  private mutating func take(_ task: TaskID, _ attempt: Attempt, _ worker: WorkerID) -> Bool {
    guard given[task] == Given(worker: Int(worker.number), attempt: attempt) else { return false }
    given[task] = nil
    return true
  }

  /// The scheduler has heeded an event that counts, and no other.
  func check(_ event: Event) throws {
    switch event {
    case .finished(_, let task, _, _, _), .failed(_, let task, _), .retracted(_, let task, _, _):
      guard scheduler.isAssigned(task) == (given[task] != nil) else {
        throw fault("after \(event), \(task) is \(given[task] == nil ? "" : "not ")assigned, as the scheduler sees it")
      }
    default: break
    }
  }

  // MARK: Mishaps

  /// Whether a run of a task throws, or takes too long.
  func meets(_ kind: Mishap.Kind, _ task: TaskID) -> Bool {
    guard let mishap = options.mishaps[task], mishap.kind == kind else { return false }
    return heardFailures[task, default: 0] < mishap.times
  }

  func retries(of task: TaskID) -> Int { graph.layers[Int(task.layer)].retries }

  /// The tasks that can't be computed, however often they are tried, and all that take them.
  private var doomed: Set<TaskID> {
    graph.doomed(by: Set(options.mishaps.filter { $0.value.times > retries(of: $0.key) }.keys))
  }

  /// What a graph or a result is said to fail of has happened, as often as it has to.
  mutating func examine(_ failure: SchedulingFailure) throws {
    switch failure {
    case .taskFailed(let task, _, _):
      // More often where it threw while nothing needed it, before a worker was lost.
      let (tries, most) = (heardFailures[task] ?? 0, retries(of: task) + 1)
      guard tries == most || tries > most && report.losses > 0 else {
        throw fault("\(task) has failed after \(tries) tries, and has \(retries(of: task)) retries")
      }
    case .taskCancelled(let task):
      guard cancelled.contains(task) else { throw fault("\(task) fails as cancelled, and wasn't") }
    case .taskLostWorkers(_, let losses):
      hasSuspects = true
      guard losses == options.configuration.maximumLosses, report.losses >= losses else {
        throw fault("\(failure), of \(report.losses) losses")
      }
    }
  }

  // MARK: Results

  /// Every value is that of a serial evaluation. What fails has to, unless something happened that may make it fail.
  mutating func checkResults() throws {
    let expected = graph.evaluateSerially()
    let doomed = doomed
    report.isDisturbed =
      hasSuspects || report.diskFailures > 0 || report.misfits > 0 || report.cancellations > 0
    for (number, part) in parts.enumerated() {
      for result in part.results {
        let value = results[result]
        guard value == nil || value == expected[result] else {
          throw fault("the result \(result) is \(value ?? 0), should be \(expected[result] ?? 0)")
        }
        guard value == nil || !doomed.contains(result) else { throw fault("\(result) is there, though it can't be") }
        // A failed collective gives no results.
        guard let graph = futures[number] else {
          guard value != nil || outcomes[number] != .complete else { throw fault("the result \(result) is missing") }
          continue
        }
        guard gathers(result, of: number) else { continue }
        guard (value != nil) || (graph.failures[result] != nil) else { throw fault("the future \(result) is missing") }
        guard report.isDisturbed || (graph.failures[result] != nil) == doomed.contains(result) else {
          throw fault("the future \(result) has \(doomed.contains(result) ? "no failure" : "failed")")
        }
      }
      let mustFail = part.results.contains { doomed.contains($0) }
      if futures[number] == nil, !report.isDisturbed, mustFail != (outcomes[number] != .complete) {
        throw fault("graph \(number) \(mustFail ? "is complete, though a task fails" : "has failed without a cause")")
      }
      report.transcript.append("graph \(number) came to \(seen(of: number).joined(separator: ", "))")
    }
  }
}
