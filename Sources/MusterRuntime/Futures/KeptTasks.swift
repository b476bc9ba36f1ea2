package import MusterScheduling

/// Tasks whose blocks workers keep for the program, until it lets go of this.
package final class KeptTasks: Sendable {
  let session: Session
  let graph: GraphID
  package let tasks: [TaskID]

  init(session: Session, graph: GraphID, tasks: [TaskID]) {
    self.session = session
    self.graph = graph
    self.tasks = tasks
  }

  /// Rank 0's program decides: the others come to this at another moment.
  deinit { session.release(tasks, of: graph) }
}
