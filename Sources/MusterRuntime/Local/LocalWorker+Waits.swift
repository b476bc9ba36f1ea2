internal import HeapModule
internal import MusterScheduling

/// Tasks that wait for others, and lend their place meanwhile.
extension LocalWorker {
  /// The task that the calling thread runs waits: another one may run meanwhile. Those that the thread has taken with it
  /// are for others, and what it has run before is told.
  func lend(_ batch: Batch) throws(MusterError) {
    acquire()
    let waits = batch.tasks[batch.current]
    let run = TaskRun(waits.ready.task, waits.ready.attempt)
    let spare: Int?
    do throws(MusterError) {
      spare = try places.lend(run)
    } catch {
      relinquish()
      throw error
    }
    finish(0..<batch.current, of: batch)
    giveBack(batch.tasks[(batch.current + 1)...])
    let others = batch.tasks
    batch.tasks = [waits]
    batch.current = 0
    setIdle(run, true)
    condition.signal()
    finishChange()
    // What they hold may go only where the lock isn't held.
    extendLifetime(others)
    if let spare { SystemThread.start(name: "muster-spare-\(spare)") { self.work() } }
  }

  func takeBack(_ run: TaskRun) {
    acquire()
    places.takeBack(run)
    setIdle(run, false)
    finishChange()
  }

  private func setIdle(_ run: TaskRun, _ isIdle: Bool) {
    // The memory of an overdue one is given back; another try at the task may have some.
    if !places.isOverdue(run) { store.setIdle(.task(run.task), isIdle, into: &storeActions) }
    tellSlots()
  }

  /// Tells the scheduler how many tasks can be begun.
  func tellSlots() {
    let offer = places.offer
    conductor.handle(.slots(Self.worker, offer.slots, waiting: offer.waiting), at: now, into: &actions)
  }

  /// The program waits for something that a task may tell it: perhaps none is left.
  func lookForStall() {
    acquire()
    lookForStallLocked()
    relinquish()
  }

  /// Ends waits while nobody is left to end them. While the program doesn't wait itself it may submit a task that does.
  func lookForStallLocked() {
    guard coordination.hasWaits else {
      stallLook = nil
      return
    }
    let alone = waitingAlone
    // The coordinator hears that it's over, where it has been told of it.
    guard alone != nil || stallLook != nil else { return }
    stallLook = nil
    let left = coordination.endStall(
      programWaits: !waiting.isEmpty || asked.contains { $0.deadline == nil }, begun: alone,
      hasOthers: places.overdueCount > 0)
    guard let left else { return }
    stallLook = now + left
    startTimer()
  }

  /// The number of tasks that have begun where all of them wait, and no other one can begin; nil where something goes on.
  private var waitingAlone: Int? {
    guard !isWaitingForDisk, ready.isEmpty || places.isExhausted(running: running) else { return nil }
    // One that has only just begun to wait gives others its place, and its memory, in a moment.
    let begun = takenCount - places.overdueCount
    return places.waitingCount == begun ? begun : nil
  }
}
