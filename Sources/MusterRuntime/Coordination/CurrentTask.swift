internal import Glibc
internal import MusterScheduling

/// The task that a thread runs: who it is that asks for a lock.
struct CurrentTask {
  let coordination: Coordination
  let places: any TaskPlaces
  let operation: String
  let task: TaskID
  let attempt: Attempt
  /// When its time is up, by the monotonic clock; nil where it has no limit.
  let limit: Int?
  /// What it has acquired and not released.
  var holdings = 0

  var owner: CoordinationOwner { .task(rank: coordination.rank, task, attempt) }

  var name: String {
    MusterError.TaskDescription(
      operation: operation, index: Int(task.index), rank: coordination.rank, attempt: Int(attempt)
    ).description
  }

  /// A key for a pointer of each thread.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key, nil)
    guard status == 0 else { fatalError("no key for a variable of each thread: \(String(cString: strerror(status)))") }
    return key
  }()

  /// The task of the calling thread; nil where it runs none.
  ///
  /// The pointer is valid as long as the task runs, which is longer than its own calls, and of its own thread only.
  static var current: UnsafeMutablePointer<CurrentTask>? {
    pthread_getspecific(key)?.assumingMemoryBound(to: CurrentTask.self)
  }

  /// Runs `body` as a task. What the task still holds then is released, whether it has returned or thrown.
  static func run<R>(_ task: CurrentTask, _ body: () -> R) -> R {
    var task = task
    let before = pthread_getspecific(key)
    let result = withUnsafeMutablePointer(to: &task) { pointer in
      pthread_setspecific(key, pointer)
      defer { pthread_setspecific(key, before) }
      return body()
    }
    if task.holdings > 0 { task.coordination.ended(task.owner) }
    return result
  }
}
