/// Workers that come, what they hold, and how loaded they are.
extension Scheduler {
  func isAlive(_ worker: Int) -> Bool {
    workers.indices.contains(worker) && workers[worker].isAlive
  }

  mutating func join(_ worker: Int, slots: Int, memoryLimit: Int) {
    precondition(worker >= 0, "a worker's number is 0 or more")
    precondition(slots > 0, "a worker offers at least one slot")
    while workers.count <= worker {
      workers.append(WorkerRecord())
      inputBytes.append(0)
    }
    guard !workers[worker].isAlive else { return }
    workers[worker] = WorkerRecord(isAlive: true, slots: slots, memoryLimit: max(0, memoryLimit))
    live.insert(Int32(worker), at: live.firstIndex { $0 > worker } ?? live.endIndex)
    totalSlots += slots
    updateLoad(of: worker)
    touch(worker)
  }

  /// A worker can run another number of tasks at a time. Those that it has been assigned beyond that stay: others ask for
  /// them when they are idle.
  mutating func setSlots(of worker: Int, to slots: Int, waiting: Int) {
    precondition(slots > 0, "a worker offers at least one slot")
    precondition(waiting >= 0, "no task or more wait")
    guard isAlive(worker) else { return }
    totalWaiting += waiting - workers[worker].waiting
    workers[worker].waiting = waiting
    guard workers[worker].slots != slots else { return }
    let wasFull = workers[worker].queue.count >= workers[worker].slots
    totalSlots += slots - workers[worker].slots
    workers[worker].slots = slots
    if !wasFull { workers[worker].fullSince = now }
    updateLoad(of: worker)
    touch(worker)
  }

  /// Has a worker looked at before the event is done with.
  mutating func touch(_ worker: Int) {
    guard !workers[worker].isTouched else { return }
    workers[worker].isTouched = true
    touched.append(Int32(worker))
  }

  mutating func touchAll() {
    for worker in live { touch(Int(worker)) }
  }

  // Field by field: a property of the record would be given a copy of it, several times for each task.

  /// The tasks of a worker's queue that it can begin, as far as one can tell, or has.
  func startable(on worker: Int) -> Int { workers[worker].queue.count - workers[worker].ahead }

  /// What a worker has to do, here or there.
  func pending(on worker: Int) -> Int { workers[worker].queue.count + workers[worker].backlogCount }

  /// The load by which workers are compared: what each has to do and will get, in eighths of its slots. Rounded away
  /// from 8, which is one for each slot: a worker with one task more isn't taken for one with none more.
  func load(of worker: Int) -> Int {
    let (startable, slots) = (pending(on: worker) - workers[worker].ahead, workers[worker].slots)
    let tasks = max(0, startable - workers[worker].retracting + workers[worker].requested)
    if slots == 1 { return tasks << 3 }
    return tasks > slots ? ((tasks << 3) + slots - 1) / slots : (tasks << 3) / slots
  }

  mutating func updateLoad(of worker: Int) {
    guard workers[worker].isAlive else { return }
    loads.set(worker, to: load(of: worker))
  }

  /// Whether a worker that may have so many tasks has room for this one. A task that is more urgent than what fills the
  /// worker is to run before what hasn't begun there, so it goes there however much that is: those of its urgency count.
  func accepts(_ task: Int, on worker: Int, limit: Int) -> Bool {
    if startable(on: worker) < limit { return true }
    let urgency = layers[Int(tasks.records[task].layer)].urgency
    let top = workers[worker].topUrgency
    return urgency > top || urgency == top && workers[worker].topCount < limit
  }

  /// A task is about to be assigned.
  mutating func noteUrgency(of task: Int, on worker: Int) {
    let urgency = layers[Int(tasks.records[task].layer)].urgency
    if workers[worker].queue.isEmpty || urgency > workers[worker].topUrgency {
      workers[worker].topUrgency = urgency
      workers[worker].topCount = 0
    }
    if urgency == workers[worker].topUrgency { workers[worker].topCount += 1 }
  }

  /// How many tasks of a layer may be assigned to a worker before it has enough.
  func capacity(of worker: Int, forLayer layer: Int, hasInputs: Bool) -> Int {
    let slots = workers[worker].slots
    let pace = pace(ofLayer: layer)
    let extra: Int
    if let mean = pace.mean {
      // The first samples say little, so the queue grows with their number.
      let limit = min(configuration.maximumPrefill, configuration.initialPrefill + pace.samples)
      extra = min(slots * limit, slots * configuration.prefillNanoseconds / mean)
    } else {
      extra = slots * configuration.initialPrefill
    }
    // One more for each slot where inputs may have to be fetched meanwhile.
    return slots + max(hasInputs ? slots : 1, extra)
  }

  /// How long a task would wait on a worker before it begins, in nanoseconds. At least for as long as nothing has
  /// finished there: what runs may be longer than anything before it, and then nothing has told of it yet.
  func queueTime(of worker: Int) -> Int {
    let slots = workers[worker].slots
    let ahead = pending(on: worker) - slots + 1
    guard ahead > 0 else { return 0 }
    let expected = ahead * (workers[worker].pace.mean ?? configuration.assumedDuration) / slots
    guard workers[worker].queue.count >= slots else { return expected }
    let age = now - workers[worker].fullSince
    return age > .nanoseconds(expected) ? Int(age / .nanoseconds(1)) : expected
  }

  func transferTime(bytes: Int) -> Int {
    configuration.transferLatency + Int(Double(bytes) / configuration.transferBytesPerNanosecond)
  }

  /// Whether a worker holds the block of a finished task.
  func holds(_ worker: Int, _ task: Int) -> Bool {
    if Int(tasks.records[task].worker) == worker { return true }
    guard tasks.records[task].flags.contains(.replicated) else { return false }
    return replicas[UInt32(task)]?.contains(worker) ?? false
  }

  /// A further worker holds the block of a finished task.
  mutating func addHolder(_ worker: Int, of task: Int) {
    guard !holds(worker, task) else { return }
    if !tasks.records[task].flags.contains(.replicated) {
      tasks.records[task].flags.insert(.replicated)
      replicas[UInt32(task), default: HolderSet()].insert(Int(tasks.records[task].worker))
    }
    replicas[UInt32(task), default: HolderSet()].insert(worker)
    workers[worker].held += tasks.records[task].bytes
  }
}
