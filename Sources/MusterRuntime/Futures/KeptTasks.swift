package import MusterScheduling

/// Tasks whose blocks workers keep for the program, until it lets go of this.
package final class KeptTasks: Sendable {
  let session: Session
  let graph: GraphID
  package let tasks: [TaskID]
  /// Whether it's noted of each of them when it comes to an end.
  let areFutures: Bool
  /// Whether they are kept on disk, too.
  let isCheckpointed: Bool

  init(
    session: Session, graph: GraphID, tasks: [TaskID], areFutures: Bool = false, isCheckpointed: Bool = false
  ) {
    self.session = session
    self.graph = graph
    self.tasks = tasks
    self.areFutures = areFutures
    self.isCheckpointed = isCheckpointed
  }

  /// Rank 0's program decides: the others come to this at another moment.
  deinit { session.release(tasks, of: graph) }
}
