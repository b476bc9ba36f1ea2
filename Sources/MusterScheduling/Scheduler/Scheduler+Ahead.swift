import DequeModule

/// Tasks that go to a worker before their inputs are there, since workers are about to compute those: so they needn't wait
/// for the scheduler between one brief task and the next.
///
/// What is assigned ahead takes what is finished and what has been assigned before, anywhere: it goes where it would if
/// those were there, and the worker asks the others for them, who answer when they have them. Should one of them not be
/// computed where it was assigned (it was given back, or it threw), what waits for it is asked back.
extension Scheduler {
  /// Whether anything goes ahead. Not where a worker may be lost: what it had would have to be found out.
  var assignsAhead: Bool { configuration.assignsAhead && !configuration.recoversLostBlocks }

  /// Tasks with more inputs than these are seldom all of one worker, and are looked at for each of them.
  private static let fewInputs = 8
  /// Steps ahead from here on aren't told apart.
  private static let longestLead: UInt8 = 7
  /// So many of those that there was no room for are looked at again when a task is finished.
  private static let repeats = 4

  /// A task was assigned: those that take it may follow.
  mutating func noteFollowers(of task: Int) {
    for consumer in tasks.consumers(of: task) where tasks.records[consumer].state == .waiting {
      followers.append(UInt32(consumer))
    }
  }

  /// Assigns tasks whose inputs were assigned, and what can follow those.
  mutating func assignFollowers(into actions: inout [Action]) {
    var next = 0
    while next < followers.count {
      let task = Int(followers[next])
      next += 1
      guard let lead = lead(of: task) else { continue }
      guard let worker = workerToFollow(task) else {
        crowdOut(task)
        continue
      }
      tasks.records[task].flags.insert(.ahead)
      tasks.records[task].lead = lead
      countAhead(on: worker, by: 1)
      assign(task, to: worker, into: &actions)
    }
    followers.removeAll(keepingCapacity: true)
  }

  private mutating func crowdOut(_ task: Int) {
    // Each of its inputs may have it listed.
    if crowdedOut.count > 64 + 2 * tasks.count { crowdedOut = Deque(Set(crowdedOut).sorted()) }
    crowdedOut.append(UInt32(task))
  }

  /// A task is finished: there is room for others.
  mutating func reconsiderFollowers() {
    for _ in 0..<min(Self.repeats, crowdedOut.count) {
      if let task = crowdedOut.popFirst() { followers.append(task) }
    }
  }

  /// How many steps ahead a task would be, whose inputs are there or about to be; nil for others.
  private func lead(of task: Int) -> UInt8? {
    guard task < tasks.count else { return nil }
    let record = tasks.records[task]
    guard record.state == .waiting, record.isNeeded, pace(ofLayer: Int(record.layer)).isBrief else { return nil }
    let inputs = tasks.inputRange(of: task)
    guard inputs.count <= Self.fewInputs else { return nil }
    var lead: UInt8 = 1
    for edge in inputs {
      let input = Int(tasks.inputs[edge])
      if tasks.records[input].state == .finished { continue }
      guard isComing(input) else { return nil }
      if isAhead(input) { lead = max(lead, tasks.records[input].lead + 1) }
    }
    return min(lead, Self.longestLead)
  }

  /// Where a task goes whose inputs are there or about to be; nil where there is no room.
  ///
  /// That is where its inputs are, as long as no worker gets more than its share of the layer: queues tell little, since
  /// what was assigned ahead leaves them as fast as it comes.
  private mutating func workerToFollow(_ task: Int) -> Int? {
    let layer = Int(tasks.records[task].layer)
    guard var worker = place(task, tolerance: configuration.prefillNanoseconds) else { return nil }
    if let idlest = loads.least, hasItsShare(worker, ofLayer: layer) { worker = idlest }
    // What can begin already has the first claim to the room.
    guard workers[worker].backlogCount == 0, hasMemory(worker, expecting: layers[layer].expectedBytes),
      workers[worker].queue.count < capacity(of: worker, forLayer: layer, hasInputs: true)
    else { return nil }
    return worker
  }

  /// Whether a worker has been assigned as much of a layer as is due to it by its slots.
  private func hasItsShare(_ worker: Int, ofLayer layer: Int) -> Bool {
    let count = Int(layers[layer].assignedByWorker[Int32(worker)] ?? 0)
    return count > 0 && count * totalSlots >= layers[layer].total * workers[worker].slots
  }

  /// A task that takes others was assigned.
  mutating func noteShare(of task: Int, on worker: Int) {
    let layer = Int(tasks.records[task].layer)
    if layers[layer].total > 1 { layers[layer].assignedByWorker[Int32(worker), default: 0] += 1 }
  }

  /// Whether the worker that has a task is about to compute it, as far as one can tell.
  private func isComing(_ task: Int) -> Bool {
    let record = tasks.records[task]
    return record.state == .assigned && !record.flags.contains(.cancelled) && retractions[UInt32(task)] == nil
  }

  /// Whether a task was assigned ahead, and still waits for another.
  func isAhead(_ task: Int) -> Bool {
    let record = tasks.records[task]
    return record.flags.contains(.ahead) && record.state == .assigned && record.unmet > 0
  }

  /// The priority by which a worker runs a task: among those of one urgency what was assigned ahead comes after the others,
  /// for which other workers may wait, the further ahead the later.
  func assignedPriority(of task: Int) -> Int64 {
    guard isAhead(task), task < 1 << 29 else { return key(of: task) }
    return key(of: task) | Int64(tasks.records[task].lead) << 29
  }

  /// What a task that was assigned ahead waited for is there.
  @inline(__always)
  mutating func endLead(of task: Int) {
    if tasks.records[task].flags.contains(.ahead) && tasks.records[task].state == .assigned {
      countAhead(on: Int(tasks.records[task].worker), by: -1)
    }
  }

  /// A worker has been assigned a task ahead, or one of these misses inputs no more, or is gone.
  mutating func countAhead(on worker: Int, by change: Int) {
    workers[worker].ahead += change
    totalAhead += change
    updateLoad(of: worker)
    // There is room for another that it can begin.
    if change < 0 { touch(worker) }
  }

  /// Whether a task had better stay: others wait for it that would have to be asked back. Not where its worker seems to be
  /// stuck.
  func isFollowed(_ task: Int) -> Bool {
    guard assignsAhead else { return false }
    let since = workers[Int(tasks.records[task].worker)].fullSince
    guard now - since < .nanoseconds(configuration.prefillNanoseconds) else { return false }
    return tasks.consumers(of: task).prefix(Self.fewInputs).contains { isAhead($0) }
  }

  /// A worker doesn't compute a task that it was assigned: what waits for it comes back.
  mutating func recallFollowers(of task: Int, into actions: inout [Action]) {
    guard assignsAhead else { return }
    for consumer in tasks.consumers(of: task) where isAhead(consumer) { recall(consumer, into: &actions) }
  }
}
