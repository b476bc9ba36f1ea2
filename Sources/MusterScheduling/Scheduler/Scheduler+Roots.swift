import HeapModule

/// What a worker is given next: ready tasks before root tasks, and root tasks in runs that follow each other.
extension Scheduler {
  /// Hands a worker as much as it has room for.
  mutating func supply(_ worker: Int, into actions: inout [Action]) {
    while true {
      if let task = nextInBacklog(of: worker) {
        guard hasRoom(worker, for: task) else { return }
        workers[worker].backlog.removeMin()
        leaveReady(task)
        assign(task, to: worker, into: &actions)
        continue
      }
      if backlogged > 0, startable(on: worker) < workers[worker].slots, takeFromBacklog(for: worker) {
        continue
      }
      guard withheld > 0, let task = nextRoot(of: worker) else { return }
      let layer = Int(tasks.records[task].layer)
      guard accepts(task, on: worker, limit: rootCapacity(of: worker, forLayer: layer)) else { return }
      guard hasMemory(worker, expecting: layers[layer].expectedBytes) else {
        workers[worker].isFull = true
        giveUpRoots(of: worker)
        return
      }
      workers[worker].isFull = false
      workers[worker].roots = (workers[worker].roots.lowerBound + 1)..<workers[worker].roots.upperBound
      withheld -= 1
      assign(task, to: worker, into: &actions)
    }
  }

  /// The first task of a worker's backlog; drops entries that aren't in force.
  private mutating func nextInBacklog(of worker: Int) -> Int? {
    guard workers[worker].backlogCount > 0 else {
      if !workers[worker].backlog.isEmpty { workers[worker].backlog = Heap() }
      return nil
    }
    while let key = workers[worker].backlog.min {
      let task = Self.task(ofKey: key)
      if isBacklogged(task, on: worker) { return task }
      workers[worker].backlog.removeMin()
    }
    return nil
  }

  /// Like `capacity`, and no more than a share of the roots that are left, so that the last ones are spread; none in
  /// advance where there are no more than free slots.
  private func rootCapacity(of worker: Int, forLayer layer: Int) -> Int {
    let slots = workers[worker].slots
    if withheld <= totalSlots - (assigned - totalAhead) { return slots }
    let share = withheld * slots / (2 * totalSlots)
    return min(capacity(of: worker, forLayer: layer, hasInputs: false), slots + max(1, share))
  }

  /// Whether a worker is below the mark with a further block of so many bytes.
  func hasMemory(_ worker: Int, expecting bytes: Int) -> Bool {
    let limit = workers[worker].memoryLimit
    guard limit > 0 else { return true }
    let mark = Int(Double(limit) * configuration.memoryFraction)
    return workers[worker].held + workers[worker].expected + bytes <= mark
  }

  /// The next root task of the run that a worker has, or of the next run. It's left there.
  private mutating func nextRoot(of worker: Int) -> Int? {
    if let first = rootRuns.min, let position = workers[worker].roots.first,
      first.lateness < rootRun(position..<position + 1).lateness
    {
      // More urgent ones have come.
      rootRuns.insert(rootRun(workers[worker].roots))
      workers[worker].roots = 0..<0
    }
    while true {
      while let position = workers[worker].roots.first {
        let task = Int(tasks.roots[position])
        if tasks.records[task].state == .withheld { return task }
        workers[worker].roots = (position + 1)..<workers[worker].roots.upperBound
      }
      guard let run = nextRun(for: worker) else { return nil }
      workers[worker].roots = run
    }
  }

  /// Takes a run of roots: the first of those that belong to no worker, else half of what the richest worker has.
  private mutating func nextRun(for worker: Int) -> Range<Int>? {
    if let run = rootRuns.popMin() {
      let lower = Int(run.lower)
      let upper = endOfRun(from: lower, limit: Int(run.upper))
      if upper < Int(run.upper) {
        rootRuns.insert(RootRun(lateness: run.lateness, lower: UInt32(upper), upper: run.upper))
      }
      return lower..<upper
    }
    guard let richest = live.max(by: { workers[Int($0)].roots.count < workers[Int($1)].roots.count }) else {
      return nil
    }
    let roots = workers[Int(richest)].roots
    guard !roots.isEmpty else { return nil }
    let middle = roots.lowerBound + roots.count / 2
    workers[Int(richest)].roots = roots.lowerBound..<middle
    return middle..<roots.upperBound
  }

  /// How far a run goes: over the roots of one consumer, as many as are fair, and over further ones until it has a
  /// fixed number. The number bounds how far workers are ahead of the depth-first order, hence the blocks alive;
  /// roots of one consumer are needed at the same time in any order.
  private func endOfRun(from lower: Int, limit: Int) -> Int {
    let fair = max(1, withheld / (2 * max(1, live.count)))
    let short = lower + min(configuration.rootRun, fair)
    let long = lower + max(configuration.rootRun, fair / 4)
    var end = lower
    while end < limit {
      let consumer = firstConsumer(ofRoot: end)
      var next = end + 1
      while next < min(limit, long), firstConsumer(ofRoot: next) == consumer { next += 1 }
      // Siblings stay together where the run is short enough for all of them.
      if end > lower && next > short { break }
      end = next
      if end >= short { break }
    }
    return end
  }

  private func firstConsumer(ofRoot position: Int) -> UInt32? {
    var consumers = tasks.consumers(of: Int(tasks.roots[position]))
    return consumers.next().map { UInt32($0) }
  }

  /// A worker that can't take root tasks leaves its run to others.
  private mutating func giveUpRoots(of worker: Int) {
    let roots = workers[worker].roots
    guard !roots.isEmpty else { return }
    workers[worker].roots = 0..<0
    rootRuns.insert(rootRun(roots))
    if let idlest = loads.least, idlest != worker, startable(on: idlest) < workers[idlest].slots,
      !workers[idlest].isFull
    {
      touch(idlest)
    }
  }

  /// A root task is to be computed (again).
  mutating func withhold(_ task: Int) {
    tasks.records[task].state = .withheld
    withheld += 1
    var range = 0..<tasks.roots.count
    while range.count > 1 {
      let middle = range.lowerBound + range.count / 2
      range = tasks.roots[middle] <= UInt32(task) ? middle..<range.upperBound : range.lowerBound..<middle
    }
    rootRuns.insert(rootRun(range))
  }

  /// Nothing runs but what waits for others, and no worker has the memory for a root task: the first one runs all the
  /// same, where there is most room, since else nothing would ever go on.
  mutating func forceRoot(into actions: inout [Action]) {
    for worker in live {
      let roots = workers[Int(worker)].roots
      guard !roots.isEmpty else { continue }
      workers[Int(worker)].roots = 0..<0
      rootRuns.insert(rootRun(roots))
    }
    /// One that can begin it comes first.
    func fill(_ worker: Int32) -> (Int, Double) {
      let record = workers[Int(worker)]
      return (
        startable(on: Int(worker)) < record.slots ? 0 : 1,
        record.memoryLimit > 0 ? Double(record.held) / Double(record.memoryLimit) : 0
      )
    }
    guard let worker = live.min(by: { fill($0) < fill($1) }) else { return }
    while let run = rootRuns.popMin() {
      if run.lower + 1 < run.upper {
        rootRuns.insert(RootRun(lateness: run.lateness, lower: run.lower + 1, upper: run.upper))
      }
      let task = Int(tasks.roots[Int(run.lower)])
      guard tasks.records[task].state == .withheld else { continue }
      withheld -= 1
      assign(task, to: Int(worker), into: &actions)
      return
    }
  }
}
