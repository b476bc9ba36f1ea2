internal import MusterScheduling

/// Lets other threads run tasks in the place of those that wait for other tasks, and of those that go on past their time
/// limits: else a worker all of whose threads wait could never run the task that they wait for, and one all of whose
/// threads are lost to functions that don't end nothing at all. A value, kept under the lock that guards the tasks that
/// are ready.
///
/// A worker has as many places as threads. A task that waits lends its place, and a spare thread is there to take it. When
/// the wait is over the task goes on at once, since it may hold what others wait for: for the rest of the spare thread's
/// task there is one more than there are places. A task that is overdue lends its place from the moment when its limit
/// has passed until it returns, whether it waits or not. There is a limit to the spare threads: beyond it tasks keep their
/// places.
struct SparePlaces {
  /// How many spare threads one worker may have.
  static let limit = 64

  private let threads: Int
  private let limit: Int
  private var waiting: Set<TaskRun> = []
  /// Those of them that aren't overdue.
  private(set) var waitingCount = 0
  /// With their names.
  private var overdue: [TaskRun: String] = [:]
  private var spareThreads = 0
  /// No task is to begin any more.
  var isStopped = false

  /// - Parameters:
  ///   - threads: the worker's threads.
  ///   - limit: the most spare threads; 0 where tasks can't wait for each other at all.
  init(threads: Int, limit: Int = SparePlaces.limit) {
    self.threads = threads
    self.limit = limit
  }

  var overdueCount: Int { overdue.count }
  private var lent: Int { waitingCount + overdueCount }

  func isOverdue(_ run: TaskRun) -> Bool { !overdue.isEmpty && overdue[run] != nil }

  var offer: PlaceOffer {
    PlaceOffer(
      slots: max(1, threads + min(waitingCount, limit - overdueCount)), waiting: waitingCount, overdue: overdueCount)
  }

  /// Whether another task may begin.
  ///
  /// - Parameter running: the tasks that have begun and haven't returned, those that wait and those that are overdue
  ///   among them.
  func hasRoom(running: Int) -> Bool { running < threads + min(lent, limit) && !isStopped }

  /// Whether no other task may begin, not even if all of those that have begun wait.
  ///
  /// - Parameter running: as for `hasRoom`.
  func isExhausted(running: Int) -> Bool { running >= threads + limit }

  /// Whether no task can begin any more: overdue ones have all threads.
  var areLost: Bool { limit > 0 && overdueCount >= threads + limit }

  /// Why no task can begin any more.
  var exhaustion: MusterError {
    let names = overdue.values.sorted()
    let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
    return MusterError(
      .threadsExhausted,
      "no thread is left for the task: \(threads) and \(limit) spare ones run tasks that go on past their time limits:"
        + " \(shown)",
      fix: "A function can't be stopped from outside: have it look at the time and return, or submit fewer that don't")
  }

  /// Lends the place of a task that waits.
  ///
  /// - Returns: the number of the spare thread that is to be started, which runs tasks as the worker's own do; nil where
  ///   there is one already, or no more are started.
  /// - Throws: `MusterError` with code `deadlock` where no task may wait for another.
  mutating func lend(_ run: TaskRun) throws(MusterError) -> Int? {
    guard limit > 0 else {
      throw MusterError(
        .deadlock, "with the synchronous backend one task runs after the other, and none may wait for another",
        fix: "Use threads or ranks")
    }
    waiting.insert(run)
    recount()
    return addThread()
  }

  /// A wait is over.
  mutating func takeBack(_ run: TaskRun) {
    waiting.remove(run)
    recount()
  }

  /// The time of a task that runs is up: it lends its place, unless it has done so already.
  ///
  /// - Returns: as for `lend`.
  mutating func lendOverdue(_ run: TaskRun, named name: String) -> Int? {
    guard limit > 0 else { return nil }
    overdue[run] = name
    recount()
    return addThread()
  }

  /// The function of a task that was overdue has returned.
  mutating func takeBackOverdue(_ run: TaskRun) {
    guard !overdue.isEmpty else { return }
    overdue[run] = nil
    recount()
  }

  private mutating func recount() {
    waitingCount = overdue.isEmpty ? waiting.count : waiting.count { overdue[$0] == nil }
  }

  private mutating func addThread() -> Int? {
    guard lent > spareThreads, spareThreads < limit else { return nil }
    spareThreads += 1
    return spareThreads
  }
}
