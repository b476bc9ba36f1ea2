internal import MusterScheduling

extension MusterError {
  /// An error that a task threw, with the task and the call that asked for it.
  init(taskError error: any Error, layer: Layer, task: TaskID, rank: Int, attempt: Int) {
    let task = TaskDescription(operation: layer.tasks.name, index: Int(task.index), rank: rank, attempt: attempt)
    self.init(thrown: error, task: task, callSite: layer.callSite) { "a task threw: \($0)" }
  }

  /// A task ran for longer than it may.
  init(timeoutOf task: TaskID, layer: Layer, rank: Int, attempt: Int) {
    self.init(
      .timedOut, "a task ran for more than \((layer.timeout ?? .zero).text), which was its limit",
      fix:
        "What it was doing goes on to its end, while others run in its place; raise the limit where it is only slow",
      task: TaskDescription(operation: layer.tasks.name, index: Int(task.index), rank: rank, attempt: attempt),
      callSite: layer.callSite)
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

  /// Why the scheduler gave a task up; `layer` is the layer of the task with which it began.
  init(_ failure: SchedulingFailure, layer: Layer?) {
    let name = layer?.tasks.name ?? "a task"
    switch failure {
    case .taskFailed(let task, let attempt, let worker):
      self.init(
        .taskFailed, "a task failed",
        task: TaskDescription(
          operation: name, index: Int(task.index), rank: Int(worker.number), attempt: Int(attempt)),
        callSite: layer?.callSite)
    case .taskLostWorkers(let task, let losses):
      self.init(
        .taskFailed, "\(losses) workers were lost while they ran \(name)[\(task.index)]",
        fix: "Look for a crash or for memory running out in that task", callSite: layer?.callSite)
    case .taskCancelled(let task):
      self.init(.cancelled, "\(name)[\(task.index)] was cancelled", callSite: layer?.callSite)
    }
  }
}
