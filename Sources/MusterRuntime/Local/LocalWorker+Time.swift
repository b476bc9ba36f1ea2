internal import Glibc
internal import MusterScheduling

/// What depends on time: limits of tasks, and questions with a deadline.
extension LocalWorker {
  /// Has a thread look at the time, for as long as anything waits for a time. With the lock held.
  func startTimer() {
    guard !hasTimer else { return }
    hasTimer = true
    SystemThread.start(name: "muster-timer") { [self] in
      // In steps: what is waited for may come long before its time.
      while let left = tellTime() { usleep(UInt32(min(max(left / 1000, 1), 20_000))) }
    }
  }

  /// Does what is due. Returns when to look again, in nanoseconds from now; nil where nothing waits for a time.
  func tellTime() -> Int? {
    acquire()
    guard !isShutDown else {
      relinquish()
      return nil
    }
    for late in timeLimits.takeOverdue(at: now) {
      // Others run in its place from now on, until it returns.
      if let spare = places.lendOverdue(late.run, named: late.name(rank: 0)) {
        SystemThread.start(name: "muster-spare-\(spare)") { self.work() }
      }
      tellSlots()
      let error = MusterError(timeoutOf: late.task, layer: late.layer.layer, rank: 0, attempt: Int(late.attempt))
      store.end(.task(late.task), into: &storeActions)
      answerRecall(of: Ready(priority: 0, attempt: late.attempt, task: late.task), givenBack: false)
      conductor.failed(Self.worker, late.task, late.attempt, error, at: now, into: &actions)
    }
    apply()
    answerAsked()
    let next = ([timeLimits.next, stallLook] + asked.map(\.deadline)).compactMap { $0 }.min()
    let left = next.map { max(0, $0 - now) }
    hasTimer = left != nil
    // What was let go of meanwhile is for a thread that looks.
    if dropped.withLock({ !$0.isEmpty }) { condition.signal() }
    unlock()
    return left
  }
}
