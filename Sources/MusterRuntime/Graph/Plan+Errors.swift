internal import MusterScheduling

extension Scheduler {
  /// A scheduler for a plan; a plan that no scheduler takes is a fault of whoever built it.
  static func validated(_ plan: Plan) throws(MusterError) -> Scheduler {
    do {
      return try Scheduler(graph: plan.graph)
    } catch {
      throw MusterError(.invalidArgument, "the plan can't be scheduled: \(error)", fix: "Check the layers' inputs")
    }
  }
}

extension MusterError {
  /// An error that a task threw, with the task and the call that asked for it.
  init(taskError error: any Error, layer: Layer, task: TaskID, rank: Int, attempt: Int) {
    let description = TaskDescription(
      operation: layer.tasks.name, index: Int(task.index), rank: rank, attempt: attempt)
    if var known = error as? MusterError {
      known.task = known.task ?? description
      known.callSite = known.callSite ?? layer.callSite
      self = known
    } else {
      self.init(.taskFailed, "a task threw: \(error)", task: description, callSite: layer.callSite)
    }
  }

  /// Why a task's block couldn't be read where it arrived: its bytes are damaged, or its type doesn't cross.
  init(arrivalError error: any Error, of task: TaskID, layer: Layer, rank: Int) {
    if var known = error as? MusterError, known.code != .internal {
      known.task =
        known.task ?? TaskDescription(operation: layer.tasks.name, index: Int(task.index), rank: rank, attempt: 1)
      known.callSite = known.callSite ?? layer.callSite
      self = known
    } else {
      self.init(.internal, "a block of \(layer.tasks.name)[\(task.index)] arrived damaged: \(error)")
    }
  }

  /// Why the scheduler gave up.
  init(_ failure: SchedulingFailure, plan: Plan) {
    switch failure {
    case .taskFailed(let task, let attempt, let worker):
      let layer = plan.layers[Int(task.layer)]
      self.init(
        .taskFailed, "a task failed",
        task: TaskDescription(
          operation: layer.tasks.name, index: Int(task.index), rank: Int(worker.number), attempt: Int(attempt)),
        callSite: layer.callSite)
    case .taskLostWorkers(let task, let losses):
      let layer = plan.layers[Int(task.layer)]
      self.init(
        .taskFailed, "\(losses) workers were lost while they ran \(layer.tasks.name)[\(task.index)]",
        fix: "Look for a crash or for memory running out in that task", callSite: layer.callSite)
    }
  }
}
