internal import MusterScheduling

/// Where a task runs, for the time that it waits.
protocol TaskPlaces: AnyObject, Sendable {
  /// A task asks for something, and will wait for a moment: whoever carries the question has to be free.
  func asks(_ run: TaskRun)
  /// Lends the place of a task that waits, on the thread that runs it.
  ///
  /// - Throws: `MusterError` with code `deadlock` where no task may wait for another.
  func lend(_ run: TaskRun) throws(MusterError)
  /// The task's wait is over.
  func takeBack(_ run: TaskRun)
}
