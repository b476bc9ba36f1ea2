internal import Glibc
internal import MusterScheduling

/// The task that a thread runs: who it is that asks for a lock.
struct CurrentTask {
  let coordination: Coordination
  let places: any TaskPlaces
  private var layer: RegisteredLayer?
  private var task = TaskID(layer: 0, index: 0)
  private var attempt: Attempt = 0
  /// When its time is up, by the monotonic clock; nil where it has no limit.
  private(set) var limit: Int?
  /// How much it has acquired and not released.
  var holdings = 0

  private init(coordination: Coordination, places: any TaskPlaces) {
    self.coordination = coordination
    self.places = places
  }

  var taskRun: TaskRun { TaskRun(task, attempt) }
  var owner: CoordinationOwner { .task(rank: coordination.rank, task, attempt) }

  var name: String {
    layer?.name(of: task, attempt, rank: coordination.rank) ?? "a task that has ended"
  }

  /// A key for a pointer of each thread.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let status = pthread_key_create(&key, nil)
    guard status == 0 else { fatalError("no key for a variable of each thread: \(String(cString: strerror(status)))") }
    return key
  }()

  /// The task of the calling thread; nil on threads that run none.
  ///
  /// The pointer is valid as long as the task runs, which is longer than its own calls, and of its own thread only.
  static var current: UnsafeMutablePointer<CurrentTask>? {
    pthread_getspecific(key)?.assumingMemoryBound(to: CurrentTask.self)
  }

  /// Has the calling thread run some tasks, one after the other, by `UnsafeMutablePointer<CurrentTask>.run`.
  static func withThread<R>(
    _ coordination: Coordination, _ places: any TaskPlaces, _ body: (UnsafeMutablePointer<CurrentTask>) -> R
  ) -> R {
    var current = CurrentTask(coordination: coordination, places: places)
    let before = pthread_getspecific(key)
    return withUnsafeMutablePointer(to: &current) { pointer in
      pthread_setspecific(key, pointer)
      defer { pthread_setspecific(key, before) }
      return body(pointer)
    }
  }

  fileprivate mutating func begin(_ layer: RegisteredLayer, _ task: TaskID, _ attempt: Attempt, at now: Int) {
    self.layer = layer
    self.task = task
    self.attempt = attempt
    limit = layer.layer.timeout.map { now + $0.nanoseconds }
  }

  fileprivate mutating func end() {
    // The thread may rest for long, and what the function holds is to go meanwhile.
    defer { layer = nil }
    guard holdings > 0 else { return }
    holdings = 0
    coordination.ended(owner)
  }
}

extension UnsafeMutablePointer<CurrentTask> {
  /// Runs a task on the calling thread. What it still holds then is released, whether it has returned or thrown.
  ///
  /// - Parameter now: a time of the monotonic clock.
  func run(
    _ task: TaskID, _ attempt: Attempt, of layer: RegisteredLayer, inputs: [any Block], at now: Int
  ) -> Result<any Block, any Error> {
    pointee.begin(layer, task, attempt, at: now)
    defer { pointee.end() }
    return Result { try layer.layer.run(TaskInputs(index: Int(task.index), blocks: inputs)) }
  }
}
