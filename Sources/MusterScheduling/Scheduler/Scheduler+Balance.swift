/// Moving tasks from workers that have too many to workers that have none.
extension Scheduler {
  /// Ready tasks that a worker isn't given yet because it's busy go to one that would be idle, those of the lowest
  /// priority first. No message is needed for it.
  mutating func takeFromBacklog(for thief: Int) -> Bool {
    guard let victim = loads.most, victim != thief, workers[victim].backlogCount > 0 else { return false }
    guard pending(on: victim) > workers[victim].slots else { return false }
    var wanted = (workers[victim].backlogCount + 1) / 2
    var isAny = false
    while wanted > 0, let last = workers[victim].backlog.max {
      let task = Self.task(ofKey: last)
      guard isBacklogged(task, on: victim) else {
        workers[victim].backlog.removeMax()
        continue
      }
      let layer = Int(tasks.records[task].layer)
      let room = capacity(of: thief, forLayer: layer, hasInputs: !tasks.isRoot(task))
      guard pending(on: thief) < room else { break }
      guard isWorthMoving(task, from: victim, to: thief) else { break }
      workers[victim].backlog.removeMax()
      leaveReady(task)
      enterBacklog(task, of: thief)
      wanted -= 1
      isAny = true
    }
    return isAny
  }

  /// Whether a task would begin earlier elsewhere, the transfer of its inputs included.
  private func isWorthMoving(_ task: Int, from victim: Int, to thief: Int) -> Bool {
    queueTime(of: victim) > transferTime(bytes: missingBytes(of: task, on: thief)) + queueTime(of: thief)
  }

  /// Whether a worker has free slots while another has more tasks than slots. `balance` has left it so, but as time
  /// passes a move may become worth it: `Event.timePassed` is due every few milliseconds. O(1).
  public var isUneven: Bool {
    guard let thief = loads.least, let victim = loads.most, thief != victim else { return false }
    return mayHaveFreeSlots(thief) && hasSpareTasks(victim)
  }

  /// What it was assigned ahead counts for a while: it hasn't said yet what it has done of it.
  private func hasFreeSlots(_ worker: Int) -> Bool {
    if pending(on: worker) + workers[worker].requested < workers[worker].slots { return true }
    return mayHaveFreeSlots(worker)
      && now - workers[worker].fullSince > .nanoseconds(configuration.prefillNanoseconds)
  }

  private func mayHaveFreeSlots(_ worker: Int) -> Bool {
    pending(on: worker) - workers[worker].ahead + workers[worker].requested < workers[worker].slots
  }

  private func hasSpareTasks(_ worker: Int) -> Bool {
    pending(on: worker) - workers[worker].ahead - workers[worker].retracting > workers[worker].slots
  }

  /// Finds work for idle workers: from another's backlog, else by asking the worker with the longest queue to give
  /// tasks back.
  mutating func balance(into actions: inout [Action]) {
    // A few rounds an event are enough: every event comes here.
    for _ in 0..<8 {
      guard let thief = loads.least, let victim = loads.most, thief != victim else { return }
      guard hasFreeSlots(thief), hasSpareTasks(victim) else { return }
      if workers[victim].backlogCount > 0 {
        guard takeFromBacklog(for: thief) else { return }
      } else {
        guard retract(from: victim, for: thief, into: &actions) else { return }
      }
    }
  }

  /// Asks for the half of what a worker has queued that it would run last, or for as much as the idle one has room for.
  private mutating func retract(from victim: Int, for thief: Int, into actions: inout [Action]) -> Bool {
    guard now >= workers[victim].quietUntil else { return false }
    let queue = presumablyQueued(on: victim)
    var wanted = (queue.count + 1) / 2
    var isAny = false
    for entry in queue.reversed() where wanted > 0 {
      let task = Int(entry)
      let record = tasks.records[task]
      guard retractions[entry] == nil, !isFollowed(task) else { continue }
      let layer = Int(record.layer)
      let isRoot = tasks.isRoot(task)
      if isRoot && workers[thief].isFull { continue }
      let room = capacity(of: thief, forLayer: layer, hasInputs: !isRoot)
      guard pending(on: thief) + workers[thief].requested < room else { break }
      // A retract and its answer take as long as two messages before the inputs are even asked for.
      let missing = isRoot ? 0 : missingBytes(of: task, on: thief)
      guard queueTime(of: victim) > transferTime(bytes: missing) + 2 * configuration.transferLatency else { break }
      sendRetract(of: task, from: victim, for: thief, into: &actions)
      wanted -= 1
      isAny = true
    }
    // Looking through the queue costs more than an event should: not at every event.
    if !isAny { workers[victim].quietUntil = now + .nanoseconds(configuration.retractPause) }
    return isAny
  }

  /// The tasks that a worker hasn't begun, as far as one can tell, in order of priority. It runs those that it said it
  /// has begun; where that is fewer than it has slots, those that come first of the others as well.
  func presumablyQueued(on worker: Int) -> ArraySlice<UInt32> {
    let queue = workers[worker].queue
      .filter { !tasks.records[Int($0)].flags.contains(.begun) && !isAhead(Int($0)) }
      .map { key(of: Int($0)) }.sorted()
    let begun = startable(on: worker) - queue.count
    return ArraySlice(queue.dropFirst(max(0, workers[worker].slots - begun)).map { UInt32(Self.task(ofKey: $0)) })
  }

  /// Asks a worker to give a task back, for the sake of another worker or (nil) of a lost input.
  mutating func sendRetract(of task: Int, from worker: Int, for thief: Int?, into actions: inout [Action]) {
    retractions[UInt32(task)] = Int32(thief ?? -1)
    workers[worker].retracting += 1
    workers[worker].unanswered += 1
    unanswered += 1
    updateLoad(of: worker)
    if let thief {
      workers[thief].requested += 1
      updateLoad(of: thief)
    }
    actions.append(.retract(WorkerID(worker), tasks.id(of: task), tasks.records[task].attempt))
  }

  /// A task that was to be given back was, or needn't be any more.
  mutating func dropRetraction(of task: Int, by worker: Int) {
    guard !retractions.isEmpty, let thief = retractions.removeValue(forKey: UInt32(task)) else { return }
    workers[worker].retracting -= 1
    if thief >= 0 && workers[Int(thief)].isAlive {
      workers[Int(thief)].requested -= 1
      updateLoad(of: Int(thief))
    }
  }

  /// A worker's answer to a retract. `task` is nil where the task has left the worker meanwhile.
  mutating func answer(from worker: Int, _ task: Int?, givenBack: Bool, into actions: inout [Action]) {
    workers[worker].unanswered -= 1
    unanswered -= 1
    if !givenBack {
      workers[worker].quietUntil = now + .nanoseconds(configuration.retractPause)
    }
    guard let task else { return }
    guard givenBack else {
      tasks.records[task].flags.insert(.begun)
      dropRetraction(of: task, by: worker)
      updateLoad(of: worker)
      return
    }
    let thief = retractions[UInt32(task)].map { Int($0) } ?? -1
    let hasStrayCopy = tasks.records[task].flags.contains(.strayCopy)
    unassign(task, from: worker)
    recallFollowers(of: task, into: &actions)
    requeue(task, into: &actions)
    // It goes to the worker for which it was asked for, even though its inputs may be here.
    if thief >= 0, isAlive(thief), tasks.records[task].state == .ready,
      pending(on: thief) < pending(on: worker) || hasFreeSlots(thief) && !hasFreeSlots(worker)
    {
      enterBacklog(task, of: thief)
    }
    // What was fetched for the task alone is of no use there.
    for edge in tasks.inputRange(of: task) {
      dropStrayCopy(of: Int(tasks.inputs[edge]), on: worker, into: &actions)
    }
    if hasStrayCopy { dropStrayCopy(of: task, on: worker, into: &actions) }
    touch(worker)
  }
}
