/// Where ready tasks go.
extension Scheduler {
  /// How many holders of a block are weighed one by one. Blocks of more holders are looked up for the candidates that
  /// the others yield.
  private static let fewHolders = 4
  /// How many blocks of many holders are looked up.
  private static let wideInputs = 8

  mutating func placeReadyTasks(into actions: inout [Action]) {
    guard !live.isEmpty, !unplaced.isEmpty else { return }
    var position = 0
    while position < unplaced.count {
      let task = Int(unplaced[position])
      position += 1
      // A task may have lost an input again, be listed twice, or be gone.
      guard task < tasks.count, tasks.records[task].state == .ready, tasks.records[task].worker == -1 else { continue }
      guard let worker = place(task) else { continue }
      if workers[worker].backlogCount == 0, hasRoom(worker, for: task) {
        assign(task, to: worker, into: &actions)
      } else {
        enterBacklog(task, of: worker)
      }
    }
    unplaced.removeAll(keepingCapacity: true)
  }

  func hasRoom(_ worker: Int, for task: Int) -> Bool {
    let layer = Int(tasks.records[task].layer)
    return accepts(task, on: worker, limit: capacity(of: worker, forLayer: layer, hasInputs: !tasks.isRoot(task)))
  }

  mutating func enterBacklog(_ task: Int, of worker: Int) {
    tasks.records[task].worker = Int32(worker)
    workers[worker].backlog.insert(key(of: task))
    workers[worker].backlogCount += 1
    backlogged += 1
    updateLoad(of: worker)
    touch(worker)
  }

  /// Whether an entry of a worker's backlog is still in force.
  func isBacklogged(_ task: Int, on worker: Int) -> Bool {
    task < tasks.count && tasks.records[task].state == .ready && Int(tasks.records[task].worker) == worker
  }

  /// Among the workers that hold inputs that with the least sum of waiting there and moving there what it doesn't
  /// hold. Others aren't considered: where many tasks become ready at once, they'd take those whose inputs are
  /// elsewhere and have no time for their own. What makes a worker that stays idle useful is `takeFromBacklog`.
  ///
  /// - Parameter tolerance: by how much longer, in nanoseconds, a queue may be than the shortest without being thought longer.
  mutating func place(_ task: Int, tolerance: Int = 0) -> Int? {
    guard let idlest = loads.least else { return nil }
    let range = tasks.inputRange(of: task)
    guard !range.isEmpty else { return idlest }

    var total = 0
    var wide: ContiguousArray<Int> = []
    for edge in range {
      let input = Int(tasks.inputs[edge])
      let record = tasks.records[input]
      // A block of no bytes still costs a message.
      let bytes = max(record.bytes, 64)
      total += bytes
      if !record.flags.contains(.replicated) {
        weigh(bytes, on: Int(record.worker))
      } else if let set = replicas[UInt32(input)] {
        if set.count <= Self.fewHolders {
          for holder in set { weigh(bytes, on: holder) }
        } else if wide.count < Self.wideInputs {
          wide.append(input)
        }
      }
    }
    weigh(0, on: idlest)
    for input in wide {
      guard let set = replicas[UInt32(input)] else { continue }
      if candidates.count == 1 {
        // Nothing but what many hold: one of them may be better than a worker that holds none.
        if let holder = set.member(seed: task), holder != idlest { weigh(0, on: holder) }
      }
      let bytes = max(tasks.records[input].bytes, 64)
      for candidate in candidates where set.contains(Int(candidate)) { inputBytes[Int(candidate)] += bytes }
    }

    let unnoticed = tolerance == 0 ? 0 : tolerance + queueTime(of: idlest)
    var best = idlest
    var bestCost = Int.max
    var bestBytes = -1
    for candidate in candidates {
      let worker = Int(candidate)
      let bytes = inputBytes[worker]
      inputBytes[worker] = 0
      guard bytes > 0 else { continue }
      let cost = max(0, queueTime(of: worker) - unnoticed) + (bytes == total ? 0 : transferTime(bytes: total - bytes))
      if cost < bestCost || (cost == bestCost && bytes > bestBytes) {
        best = worker
        bestCost = cost
        bestBytes = bytes
      }
    }
    candidates.removeAll(keepingCapacity: true)
    return best
  }

  /// Adds to the bytes that a worker holds of the inputs of the task being placed.
  private mutating func weigh(_ bytes: Int, on worker: Int) {
    if inputBytes[worker] == 0 { candidates.append(Int32(worker)) }
    inputBytes[worker] += bytes
  }

  /// The bytes of inputs that a worker would have to fetch for a task. O(min(inputs, 16)): an estimate for more.
  func missingBytes(of task: Int, on worker: Int) -> Int {
    let range = tasks.inputRange(of: task)
    let step = max(1, range.count / 16)
    var bytes = 0
    for edge in stride(from: range.lowerBound, to: range.upperBound, by: step) {
      let input = Int(tasks.inputs[edge])
      if !holds(worker, input) { bytes += max(tasks.records[input].bytes, 64) * step }
    }
    return bytes
  }

  /// Where a worker gets the inputs of a task that it doesn't hold, in runs of successive tasks.
  func sources(of task: Int, for worker: Int) -> [InputSource] {
    var sources: [InputSource] = []
    for edge in tasks.inputRange(of: task) {
      let input = Int(tasks.inputs[edge])
      let record = tasks.records[input]
      if Int(record.worker) == worker { continue }
      var holder = record.worker
      if record.flags.contains(.replicated), let set = replicas[UInt32(input)] {
        if set.contains(worker) { continue }
        if let member = set.member(seed: worker) { holder = Int32(member) }
      }
      sources.add(tasks.id(of: input), heldBy: WorkerID(Int(holder)), isComing: record.state != .finished)
    }
    return sources
  }
}
