/// Threads that run what they are given, in order, until they are shut down.
///
/// `@unchecked Sendable` is safe: the variables are used with `condition` locked only.
final class ThreadPool: @unchecked Sendable {
  private let condition = ConditionLock()
  private var jobs: [@Sendable () -> Void] = []
  private var isShutDown = false

  init(threads: Int) {
    for number in 0..<threads {
      SystemThread.start(name: "muster-task-\(number)") { [condition] in
        self.loop(condition)
      }
    }
  }

  func submit(_ job: @escaping @Sendable () -> Void) {
    condition.withLock {
      jobs.append(job)
      condition.signal()
    }
  }

  /// Lets the threads end when they have run what they were given.
  func shutDown() {
    condition.withLock {
      isShutDown = true
      condition.broadcast()
    }
  }

  private func loop(_ condition: ConditionLock) {
    condition.lock()
    while true {
      if !jobs.isEmpty {
        let job = jobs.removeFirst()
        condition.unlock()
        job()
        condition.lock()
      } else if isShutDown {
        condition.unlock()
        return
      } else {
        condition.wait()
      }
    }
  }
}
