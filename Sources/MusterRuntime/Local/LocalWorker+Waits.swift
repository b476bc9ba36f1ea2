internal import HeapModule
internal import MusterScheduling

/// Tasks that wait for others, and lend their place meanwhile.
extension LocalWorker {
  /// The task that the calling thread runs waits: another one may run meanwhile. Those that the thread has taken with it
  /// are for others, and what it has run before is told.
  func lend(_ batch: Batch) throws(MusterError) {
    acquire()
    let spare: Int?
    do throws(MusterError) {
      spare = try places.lend()
    } catch {
      relinquish()
      throw error
    }
    let waits = batch.tasks[batch.current]
    for task in batch.tasks[..<batch.current] { finish(task) }
    for task in batch.tasks[(batch.current + 1)...] {
      takenCount -= 1
      guard !task.isWithdrawn, !answerRecall(of: task.ready, givenBack: true) else { continue }
      ready.insert(task.ready)
    }
    batch.tasks = [waits]
    batch.current = 0
    conductor.handle(.slots(Self.worker, places.slots), at: now, into: &actions)
    condition.signal()
    finishChange()
    if let spare { SystemThread.start(name: "muster-spare-\(spare)") { self.work() } }
  }

  func takeBack() {
    acquire()
    places.takeBack()
    conductor.handle(.slots(Self.worker, places.slots), at: now, into: &actions)
    finishChange()
  }

  /// The program waits for something that a task may tell it: perhaps none is left.
  func lookForStall() {
    acquire()
    lookForStallLocked()
    relinquish()
  }

  /// Ends waits while nobody is left to end them. While the program doesn't wait itself it may submit a task that does.
  func lookForStallLocked() {
    guard coordination.hasWaits, !isWaitingForDisk, ready.isEmpty || places.isExhausted(running: running) else {
      return
    }
    let programWaits = !waiting.isEmpty || asked.contains { $0.deadline == nil }
    coordination.endStall(programWaits: programWaits, begun: takenCount)
  }
}
