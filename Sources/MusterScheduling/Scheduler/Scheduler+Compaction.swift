import DequeModule
import HeapModule

/// Taking graphs that are gone out of the tables, so that a session may go on for any time.
extension Scheduler {
  /// What is gone is taken out at once where it's at the end, as it is after a collective, and else when it's the larger
  /// part of a table that isn't small.
  mutating func clearGone() {
    while let last = graphs.last, last.isGone {
      graphs.removeLast()
      goneTasks -= last.tasks.count
      truncate(to: last.tasks.lowerBound, slots: last.slots.lowerBound)
    }
    if goneTasks + graphs.count > 4096, 2 * goneTasks > tasks.count || 2 * graphPlaces.count < graphs.count {
      compact()
    }
  }

  private mutating func truncate(to first: Int, slots: Int) {
    let roots = tasks.roots.count
    tasks.truncate(to: first, slots: slots)
    layers.removeSubrange(slots...)
    if !crowdedOut.isEmpty { crowdedOut.removeAll { $0 >= first } }
    guard tasks.roots.count < roots else { return }
    let end = tasks.roots.count
    for worker in live where workers[Int(worker)].roots.upperBound > end {
      let range = workers[Int(worker)].roots
      workers[Int(worker)].roots = min(range.lowerBound, end)..<end
    }
    if rootRuns.unordered.contains(where: { $0.upper > end }) {
      rootRuns = Heap(
        rootRuns.unordered.lazy.filter { $0.lower < end }.map { run in
          RootRun(lateness: run.lateness, lower: run.lower, upper: min(run.upper, UInt32(end)))
        })
    }
  }

  /// Renumbers what is left.
  private mutating func compact() {
    let left = graphs.filter { !$0.isGone }
    let renumbered = tasks.compact(to: left.map(\.tasks), slots: left.flatMap { Array($0.slots) })
    func new(_ task: UInt32) -> UInt32? {
      guard Int(task) < renumbered.count, renumbered[Int(task)] != .max else { return nil }
      return renumbered[Int(task)]
    }
    func renumber<Value>(_ values: [UInt32: Value]) -> [UInt32: Value] {
      var result: [UInt32: Value] = [:]
      for (task, value) in values { if let task = new(task) { result[task] = value } }
      return result
    }
    layers = ContiguousArray(left.flatMap { layers[$0.slots] })
    borrowers = renumber(borrowers)
    failures = renumber(failures)
    tries = renumber(tries)
    retractions = renumber(retractions)
    replicas = renumber(replicas)
    unplaced = ContiguousArray(unplaced.compactMap { new($0) })
    followers = ContiguousArray(followers.compactMap { new($0) })
    crowdedOut = Deque(crowdedOut.compactMap { new($0) })

    graphs = []
    graphPlaces = [:]
    goneTasks = 0
    var (task, slot) = (0, 0)
    for var graph in left {
      graphPlaces[graph.id] = graphs.count
      graph.results = ContiguousArray(graph.results.compactMap { new($0) })
      graph.tasks = task..<task + graph.tasks.count
      graph.slots = slot..<slot + graph.slots.count
      (task, slot) = (graph.tasks.upperBound, graph.slots.upperBound)
      graphs.append(graph)
    }
    for worker in workers.indices {
      workers[worker].queue = ContiguousArray(workers[worker].queue.compactMap { new($0) })
      let backlog = workers[worker].backlog.unordered.compactMap { new(UInt32(truncatingIfNeeded: $0)) }
      workers[worker].backlog = Heap(
        Set(backlog).filter { isBacklogged(Int($0), on: worker) }.map { key(of: Int($0)) })
      workers[worker].roots = 0..<0
    }
    rebuildRootRuns()
  }

  /// Every root that is withheld is in a run again: one run for each graph.
  private mutating func rebuildRootRuns() {
    rootRuns = Heap()
    var first = 0
    for graph in graphs {
      var end = first
      while end < tasks.roots.count, tasks.roots[end] < graph.tasks.upperBound { end += 1 }
      if first < end, tasks.roots[first..<end].contains(where: { tasks.records[Int($0)].state == .withheld }) {
        rootRuns.insert(rootRun(first..<end))
      }
      first = end
    }
  }
}
