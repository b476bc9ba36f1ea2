/// Lets other threads run tasks in the place of those that wait for other tasks: else a worker all of whose threads wait
/// could never run the task that they wait for.
///
/// A worker has as many places as threads. A task that waits lends its place, and a spare thread is there to take it. When
/// the wait is over the task goes on at once, since it may hold what others wait for: for the rest of the spare thread's
/// task there is one more than there are places.
///
/// `@unchecked Sendable` is safe: the variables are used with `condition` locked only.
final class SparePlaces: @unchecked Sendable {
  /// How many tasks of one worker may wait at a time.
  static let limit = 64

  private let condition: ConditionLock
  private let threads: Int
  private let limit: Int
  private var waiting = 0
  private var spareThreads = 0
  private var work: (@Sendable () -> Void)?
  private var lookAround: (@Sendable () -> Void)?

  /// - Parameters:
  ///   - condition: guards the tasks that are ready; threads without one wait on it.
  ///   - threads: the worker's threads.
  ///   - limit: the most spare threads; 0 where tasks can't wait for each other at all.
  init(condition: ConditionLock, threads: Int, limit: Int = SparePlaces.limit) {
    self.condition = condition
    self.threads = threads
    self.limit = limit
  }

  /// Says what spare threads do: the same as the worker's own. To be called before there are tasks.
  func run(_ work: @escaping @Sendable () -> Void) { condition.withLock { self.work = work } }

  /// Says what to do, with `condition` locked, when a task has lent its place.
  func afterLending(_ look: @escaping @Sendable () -> Void) { condition.withLock { lookAround = look } }

  /// Whether another task may begin. With `condition` locked.
  ///
  /// - Parameter running: the tasks that have begun and haven't ended, those that wait among them.
  func hasRoom(running: Int) -> Bool { running - waiting < threads }

  /// Lends the place of the calling thread, whose task waits.
  ///
  /// - Throws: `MusterError` with code `deadlock` where too many tasks wait already.
  func lend() throws(MusterError) {
    condition.lock()
    guard waiting < limit else {
      condition.unlock()
      guard limit > 0 else {
        throw MusterError(
          .deadlock, "with the synchronous backend one task runs after the other, and none may wait for another",
          fix: "Use threads or ranks")
      }
      throw MusterError(
        .deadlock,
        "\(limit) tasks of this worker wait already, and no more spare threads are started for those that don't",
        fix: "Have fewer tasks wait for others, or give the worker more threads")
    }
    waiting += 1
    var start: (@Sendable () -> Void)?
    if waiting > spareThreads {
      spareThreads += 1
      start = work
    } else {
      condition.signal()
    }
    let number = spareThreads
    lookAround?()
    condition.unlock()
    if let start { SystemThread.start(name: "muster-spare-\(number)", start) }
  }

  /// The wait of the calling thread's task is over.
  func takeBack() { condition.withLock { waiting -= 1 } }
}
