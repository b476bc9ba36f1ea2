/// Where a task runs, for the time that it waits.
protocol TaskPlaces: AnyObject, Sendable {
  /// Lends the place of the calling thread, whose task waits.
  ///
  /// - Throws: `MusterError` with code `deadlock` where no task may wait for another.
  func lend() throws(MusterError)
  /// The wait of the calling thread's task is over.
  func takeBack()
}

/// Lets other threads run tasks in the place of those that wait for other tasks: else a worker all of whose threads wait
/// could never run the task that they wait for. A value, kept under the lock that guards the tasks that are ready.
///
/// A worker has as many places as threads. A task that waits lends its place, and a spare thread is there to take it. When
/// the wait is over the task goes on at once, since it may hold what others wait for: for the rest of the spare thread's
/// task there is one more than there are places. There is a limit to the spare threads: beyond it tasks that wait keep
/// their places.
struct SparePlaces {
  /// How many spare threads one worker may have.
  static let limit = 64

  private let threads: Int
  private let limit: Int
  private var waiting = 0
  private var spareThreads = 0

  /// - Parameters:
  ///   - threads: the worker's threads.
  ///   - limit: the most spare threads; 0 where tasks can't wait for each other at all.
  init(threads: Int, limit: Int = SparePlaces.limit) {
    self.threads = threads
    self.limit = limit
  }

  /// How many tasks the worker can have begun, those that wait among them: what it offers the scheduler.
  var slots: Int { threads + min(waiting, limit) }

  /// Whether another task may begin.
  ///
  /// - Parameter running: the tasks that have begun and haven't ended, those that wait among them.
  func hasRoom(running: Int) -> Bool { running < slots }

  /// Whether no other task may begin, not even if all of those that have begun wait.
  ///
  /// - Parameter running: as for `hasRoom`.
  func isExhausted(running: Int) -> Bool { running >= threads + limit }

  /// Lends a place.
  ///
  /// - Returns: the number of the spare thread that is to be started, which runs tasks as the worker's own do; nil where
  ///   there is one already, or no more are started.
  /// - Throws: `MusterError` with code `deadlock` where no task may wait for another.
  mutating func lend() throws(MusterError) -> Int? {
    guard limit > 0 else {
      throw MusterError(
        .deadlock, "with the synchronous backend one task runs after the other, and none may wait for another",
        fix: "Use threads or ranks")
    }
    waiting += 1
    guard waiting > spareThreads, spareThreads < limit else { return nil }
    spareThreads += 1
    return spareThreads
  }

  /// A wait is over.
  mutating func takeBack() { waiting -= 1 }
}
