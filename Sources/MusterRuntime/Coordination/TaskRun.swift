package import MusterScheduling

/// One try at a task.
package struct TaskRun: Hashable, Sendable {
  package var task: TaskID
  package var attempt: Attempt

  package init(_ task: TaskID, _ attempt: Attempt) {
    self.task = task
    self.attempt = attempt
  }
}
