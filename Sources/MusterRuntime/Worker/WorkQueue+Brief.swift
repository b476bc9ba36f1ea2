internal import MusterScheduling

/// Brief tasks, which the thread that makes the MPI calls runs itself: see `StandIn`.
extension WorkQueue {
  /// What came of `runBrief`.
  enum BriefRun {
    case ranNone
    case ranSome
    /// Another thread has come to the session's end while a task ran: it makes the MPI calls from now on.
    case superseded
  }

  /// For how long MPI's thread runs one task after the other before it looks at messages again, in nanoseconds.
  private static let turn = 10_000

  /// On the thread that makes the MPI calls: runs tasks that are expected to be brief, the most urgent first.
  func runBrief() -> BriefRun {
    guard runsBrief else { return .ranNone }
    return CurrentTask.withThread(coordination, self) { runBrief($0) }
  }

  private func runBrief(_ current: UnsafeMutablePointer<CurrentTask>) -> BriefRun {
    var result = BriefRun.ranNone
    var begin = 0
    var spent = 0
    defer { if spent > 0 { events?.ranWhileOthersRest(nanoseconds: spent) } }
    condition.lock()
    while hasBrief, let next = ready.min.map({ TaskRun($0.task, $0.attempt) }) {
      let now = MonotonicClock.nanoseconds
      if begin == 0 {
        begin = now
        events?.waitedWhileOthersRest(nanoseconds: now - max(idleSince, lastBrief))
      }
      if now - begin > Self.turn { break }
      result = .ranSome
      standIn.begin(next, at: now)
      if !standIn.isWatched { condition.signal() }
      let completion = runUnlocked(ready.removeMin(), current)
      let nanoseconds = completion.nanoseconds
      append(consume completion)
      guard let reply = standIn.end() else {
        spent += nanoseconds
        continue
      }
      // The thread that rested has stood in since.
      spent += min(nanoseconds, StandIn.patience)
      condition.unlock()
      doorbell.ring()
      if case .succeeded = reply.wait() { return .superseded }
      condition.lock()
    }
    if begin != 0 && events != nil { lastBrief = MonotonicClock.nanoseconds }
    // What became ready for the others meanwhile was told them when there was no place for it.
    if idle > 0 && hasOthers { condition.signal() }
    condition.unlock()
    return result
  }

  /// With the lock held: whether there is a task for MPI's thread to run, and one to stand in for it meanwhile.
  var hasBrief: Bool {
    guard runsBrief, !isShutDown, idle > 0, let next = ready.min else { return false }
    return mayRunHere(next) && places.hasRoom(running: running) && unexpected.mayBegin(isLight: next.isLight)
  }

  /// Whether MPI's thread is to run a task, and not those that only run tasks. One with a time limit needs somebody who
  /// looks at the clock meanwhile.
  func mayRunHere(_ task: ReadyTask) -> Bool {
    runsBrief && task.isBrief && task.layer.layer.timeout == nil && !standIn.isStanding
  }

  /// The task that MPI's thread ran has ended, and another is to hand its part back.
  var isStandInRecalled: Bool { condition.withLock { standIn.isRecalled } }

  /// With the lock held, on a thread that has nothing to do: waits for something to do, and looks after the tasks that
  /// MPI's thread runs.
  func rest() {
    if idle == 0 && events != nil { idleSince = MonotonicClock.nanoseconds }
    idle += 1
    defer { idle -= 1 }
    if hasBrief { doorbell.ring() }
    guard standIn.beginWatch() else { return condition.wait() }
    // One that was begun is looked after for as long as it may take, though it has ended: others follow it, and to be
    // woken for each would cost more than they do.
    repeat { condition.wait(nanoseconds: StandIn.patience) } while !isShutDown && !hasOthers && standIn.goesOnWatching()
    standIn.endWatch()
  }

  /// With the lock held: whether there is a task for other threads than MPI's.
  private var hasOthers: Bool {
    guard let next = ready.min else { return false }
    return !mayRunHere(next) && places.hasRoom(running: running) && unexpected.mayBegin(isLight: next.isLight)
  }

  /// With the lock held, on a thread that has nothing to do: plays the part of MPI's thread until that is back.
  ///
  /// - Returns: whether the session has come to its end: the calling thread is MPI's from now on.
  func standForMPIThread() -> Bool {
    standIn.takeOver()
    for _ in 0..<min(idle, ready.count) { condition.signal() }
    condition.unlock()
    let isOver = standInWork()
    condition.lock()
    if isOver {
      // Before the other thread can be back, and look for its next job.
      MPIThread.shared.beginSuccession()
      standIn.succeed()
    } else {
      standIn.handBack()
    }
    return isOver
  }
}
