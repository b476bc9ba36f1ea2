internal import MusterScheduling

/// Futures that a loop over their ends has named: the rank that schedules keeps them in mind until the loop is over.
final class FutureWatch: Sendable {
  /// The same on every rank.
  let number: Int
  let tasks: [TaskID]
  private let session: Session

  init(number: Int, tasks: [TaskID], session: Session) {
    self.number = number
    self.tasks = tasks
    self.session = session
  }

  /// Rank 0's program decides: it's the one that answers.
  deinit { session.endWatch(number) }
}
