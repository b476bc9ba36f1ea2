import HeapModule

/// Graphs come, have results, and go.
extension Scheduler {
  /// Adds a graph: what its results need is run from now on. It may build on kept results of graphs before it.
  ///
  /// O(tasks + dependencies) of the graph.
  /// - Parameters:
  ///   - id: a number that no other graph has had.
  ///   - now: the time, as in `handle`.
  /// - Throws: `SchedulingError` where the graph contradicts itself; nothing has changed then.
  public mutating func add(_ graph: TaskGraph, as id: GraphID, at now: Duration, into actions: inout [Action]) throws {
    guard graphPlaces[id] == nil else { throw SchedulingError.graphNumber(id) }
    let firstSlot = tasks.ordinals.layerCount
    let firstRoot = tasks.roots.count
    let added = try tasks.expand(graph)
    self.now = now
    for layer in graph.layers {
      if let kind = layer.kind { startPace(ofKind: kind) }
      layers.append(
        LayerRecord(
          expectedBytes: max(0, layer.expectedBytes), urgency: graph.urgency, retries: layer.retries,
          hasFewResults: graph.results.count <= Self.fewResults, kind: layer.kind.map { Int32($0) }))
    }
    for task in added { layers[Int(tasks.records[task].layer)].total += 1 }
    outstanding += added.count
    graphPlaces[id] = graphs.count
    graphs.append(
      GraphRecord(
        id: id, layers: graph.firstLayer..<graph.firstLayer + graph.layers.count,
        slots: firstSlot..<tasks.ordinals.layerCount, tasks: added, results: [], urgency: graph.urgency,
        reportsEachResult: graph.reportsEachResult, unreleased: 0))
    graphs[graphs.count - 1].unfinishedLayers = layers[firstSlot...].count { $0.total > 0 }
    if !configuration.recoversLostBlocks {
      // A layer without tasks has no function.
      for (offset, layer) in graph.layers.enumerated() where layer.count > 0 && layers[firstSlot + offset].total == 0 {
        endedLayers.append(UInt32(graph.firstLayer + offset))
      }
    }
    keepResults(graph.results, of: graphs.count - 1)
    let doomed = connect(added, of: graphs.count - 1)
    withheld += tasks.roots.count - firstRoot
    if firstRoot < tasks.roots.count { rootRuns.insert(rootRun(firstRoot..<tasks.roots.count)) }
    reportAtOnce(graphs.count - 1, into: &actions)
    for (task, origin) in doomed { fail(task, origin: origin, into: &actions) }
    supplyIdlest(into: &actions)
    settle(into: &actions)
  }

  /// So many workers may be looked at whenever a graph comes.
  private static let fewWorkers = 64

  /// New roots go to the workers that have least to do. Not every worker is looked at: there may be thousands of workers,
  /// and graphs of one task.
  private mutating func supplyIdlest(into actions: inout [Action]) {
    while withheld > 0, let worker = loads.least {
      let before = withheld
      supply(worker, into: &actions)
      if withheld == before {
        // The least loaded has no memory for it: others may. One that has nothing to do, but others' tasks to come, counts
        // as loaded: where there are many workers, it's looked at when they come.
        if workers[worker].isFull || live.count <= Self.fewWorkers { touchAll() }
        return
      }
    }
  }

  /// Marks the results, each once.
  private mutating func keepResults(_ results: [TaskID], of place: Int) {
    let graph = graphs[place]
    var kept: ContiguousArray<UInt32> = []
    for id in results {
      guard let task = tasks.ordinals[id] else { continue }
      if graph.tasks.contains(task) {
        guard !tasks.records[task].flags.contains(.result) else { continue }
        tasks.records[task].flags.insert(.result)
      } else {
        guard borrowers[UInt32(task)]?.contains(graph.id) != true else { continue }
        borrowers[UInt32(task), default: []].append(graph.id)
        tasks.records[task].flags.insert(.borrowed)
        buildOn(task, place)
      }
      kept.append(UInt32(task))
      if tasks.records[task].state != .finished { graphs[place].outstanding += 1 }
    }
    graphs[place].results = kept
    graphs[place].unreleased = kept.count
    graphs[place].hadResults = !kept.isEmpty
  }

  /// Finds which inputs of new tasks are there, and which can't come. Returns the tasks that can't be computed, with the
  /// tasks that are the reason.
  private mutating func connect(_ added: Range<Int>, of place: Int) -> [(task: Int, origin: Int)] {
    guard place > 0 else { return [] }
    var doomed: [(task: Int, origin: Int)] = []
    for task in added {
      var origin: Int?
      var mayFollow = false
      for edge in tasks.inputRange(of: task) {
        let input = Int(tasks.inputs[edge])
        guard input < added.lowerBound else { continue }
        buildOn(input, place)
        switch tasks.records[input].state {
        case .finished: tasks.records[task].unmet -= 1
        case .failed: origin = Int(tasks.records[input].position)
        case .assigned where tasks.records[input].flags.contains(.cancelled): origin = input
        case .assigned where assignsAhead: mayFollow = true
        default: break
        }
      }
      if mayFollow && origin == nil { followers.append(UInt32(task)) }
      if let origin {
        doomed.append((task, origin))
      } else if tasks.records[task].unmet == 0 && !tasks.isRoot(task) {
        tasks.records[task].state = .ready
        unplaced.append(UInt32(task))
      }
    }
    return doomed
  }

  /// A graph takes a task of an earlier one, which has to stay for that.
  private mutating func buildOn(_ task: Int, _ place: Int) {
    let other = self.place(ofTask: task)
    guard !graphs[place].buildsOn.contains(graphs[other].id) else { return }
    graphs[place].buildsOn.append(graphs[other].id)
    graphs[other].builtOn += 1
  }

  /// What the results of a new graph are already.
  private mutating func reportAtOnce(_ place: Int, into actions: inout [Action]) {
    let graph = graphs[place]
    // Its own tasks can't be done yet.
    if !graph.buildsOn.isEmpty {
      for result in graph.results {
        let task = Int(result)
        switch tasks.records[task].state {
        case .finished:
          if graph.reportsEachResult { actions.append(.resultReady(graph.id, tasks.id(of: task))) }
        case .failed: reportFailure(of: task, origin: Int(tasks.records[task].position), to: place, into: &actions)
        case .assigned where tasks.records[task].flags.contains(.cancelled):
          reportFailure(of: task, origin: task, to: place, into: &actions)
        default: break
        }
      }
    }
    if graph.outstanding == 0 { actions.append(.complete(graph.id)) }
  }

  // MARK: The end of its tasks

  /// A task has come to its end, for the first time where lost blocks aren't recovered.
  @inline(__always)
  mutating func countEnd(inLayer slot: Int, of task: Int) {
    outstanding -= 1
    layers[slot].finished += 1
    guard layers[slot].finished == layers[slot].total, !configuration.recoversLostBlocks else { return }
    endedLayers.append(tasks.ordinals.number(ofSlot: slot))
    layerEnded(of: task)
  }

  /// The layers of which no task will be run any more, since this was last asked, those that aren't needed included. Where
  /// lost blocks are recovered there are none.
  package mutating func takeEndedLayers() -> [UInt32] {
    guard !endedLayers.isEmpty else { return [] }
    var taken: [UInt32] = []
    swap(&taken, &endedLayers)
    return taken
  }

  /// All tasks of a layer are done. Once that holds for all layers of a graph it takes nothing more: what it was made of may
  /// go, but for what it keeps itself.
  private mutating func layerEnded(of task: Int) {
    let place = place(ofTask: task)
    graphs[place].unfinishedLayers -= 1
    guard graphs[place].unfinishedLayers == 0, !graphs[place].buildsOn.isEmpty else { return }
    let kept = graphsOfBorrowed(by: place)
    for id in graphs[place].buildsOn where !kept.contains(id) {
      guard let other = graphPlaces[id] else { continue }
      graphs[other].builtOn -= 1
      // Not at once: the tables are in use.
      if graphs[other].builtOn == 0 && graphs[other].unreleased == 0 { endable.append(id) }
    }
    graphs[place].buildsOn.removeAll { !kept.contains($0) }
  }

  /// The graphs of which one has results that are others' tasks.
  func graphsOfBorrowed(by place: Int) -> Set<GraphID> {
    let graph = graphs[place]
    var found = Set<GraphID>()
    for task in graph.results where !graph.tasks.contains(Int(task)) {
      found.insert(graphs[self.place(ofTask: Int(task))].id)
    }
    return found
  }

  // MARK: Looking up

  func record(of graph: GraphID) -> GraphRecord? { graphPlaces[graph].map { graphs[$0] } }

  /// Where the graph of a task is in `graphs`.
  func place(ofTask task: Int) -> Int {
    var range = 0..<graphs.count
    if let last = graphs.last, last.tasks.contains(task) { return graphs.count - 1 }
    while range.count > 1 {
      let middle = range.lowerBound + range.count / 2
      range = graphs[middle].tasks.lowerBound <= task ? middle..<range.upperBound : range.lowerBound..<middle
    }
    // Graphs without tasks of their own share the bound of the one behind them.
    var place = range.lowerBound
    while !graphs[place].tasks.contains(task) { place -= 1 }
    return place
  }

  /// The order in which tasks run, lower first: by urgency, then by ordinal.
  func key(of task: Int) -> Int64 {
    -Int64(layers[Int(tasks.records[task].layer)].urgency) << 32 | Int64(task)
  }

  static func task(ofKey key: Int64) -> Int { Int(UInt32(truncatingIfNeeded: key)) }

  /// Root tasks of one graph that follow each other, as a run.
  func rootRun(_ roots: Range<Int>) -> RootRun {
    RootRun(
      lateness: Int32(key(of: Int(tasks.roots[roots.lowerBound])) >> 32), lower: UInt32(roots.lowerBound),
      upper: UInt32(roots.upperBound))
  }

  /// Calls `body` for each graph that keeps a task's block.
  func forEachKeeper(of task: Int, _ body: (Int) -> Void) {
    if tasks.records[task].flags.contains(.result) { body(place(ofTask: task)) }
    guard tasks.records[task].flags.contains(.borrowed) else { return }
    for graph in borrowers[UInt32(task)] ?? [] { if let place = graphPlaces[graph] { body(place) } }
  }

  // MARK: Results

  /// A kept result is there, or (`by` 1) isn't any more.
  mutating func countResult(_ task: Int, by change: Int, into actions: inout [Action]) {
    let flags = tasks.records[task].flags
    if flags.contains(.result) { countResult(task, by: change, of: place(ofTask: task), into: &actions) }
    guard flags.contains(.borrowed) else { return }
    for graph in borrowers[UInt32(task)] ?? [] {
      if let place = graphPlaces[graph] { countResult(task, by: change, of: place, into: &actions) }
    }
  }

  private mutating func countResult(_ task: Int, by change: Int, of place: Int, into actions: inout [Action]) {
    graphs[place].outstanding += change
    guard change < 0 else { return }
    if graphs[place].reportsEachResult { actions.append(.resultReady(graphs[place].id, tasks.id(of: task))) }
    if graphs[place].outstanding == 0 { actions.append(.complete(graphs[place].id)) }
  }

  // MARK: Release

  /// All results of a graph aren't wanted by it any more.
  mutating func releaseAll(_ id: GraphID, into actions: inout [Action]) {
    guard let place = graphPlaces[id], !graphs[place].isGone else { return }
    let results = graphs[place].results
    graphs[place].results = []
    graphs[place].unreleased = 0
    graphs[place].outstanding = 0
    for task in results { drop(Int(task), by: place, into: &actions) }
    endIfUnneeded(place, into: &actions)
  }

  mutating func release(_ id: TaskID, of graph: GraphID, into actions: inout [Action]) {
    guard let place = graphPlaces[graph], !graphs[place].isGone, let task = tasks.ordinals[id] else { return }
    // What nobody keeps leaves at once.
    let wasFinished = tasks.records[task].state == .finished
    guard drop(task, by: place, into: &actions) else { return }
    graphs[place].unreleased -= 1
    if !wasFinished { graphs[place].outstanding -= 1 }
    endIfUnneeded(place, into: &actions)
  }

  /// A graph keeps a result no more. Returns whether it did.
  @discardableResult
  private mutating func drop(_ task: Int, by place: Int, into actions: inout [Action]) -> Bool {
    if graphs[place].tasks.contains(task) {
      guard tasks.records[task].flags.contains(.result) else { return false }
      tasks.records[task].flags.remove(.result)
    } else {
      guard let entry = borrowers[UInt32(task)]?.firstIndex(of: graphs[place].id) else { return false }
      borrowers[UInt32(task)]?.remove(at: entry)
      if borrowers[UInt32(task)]?.isEmpty == true {
        borrowers[UInt32(task)] = nil
        tasks.records[task].flags.remove(.borrowed)
      }
    }
    abandonUnneeded(task, into: &actions)
    return true
  }

  /// Lets go of a graph whose results nobody keeps and on which no other builds. Those that it builds on may follow.
  mutating func endIfUnneeded(_ first: Int, into actions: inout [Action]) {
    var stack = [first]
    var isAnyGone = false
    while let place = stack.popLast() {
      guard graphs[place].unreleased == 0, graphs[place].builtOn == 0, !graphs[place].isGone else { continue }
      if graphs[place].lingering == nil {
        let left = recallAll(of: graphs[place].tasks, into: &actions)
        if left > 0 {
          graphs[place].lingering = left
          lingeringGraphs += 1
        }
      }
      if graphs[place].lingering ?? 0 > 0 { continue }
      if graphs[place].lingering != nil { lingeringGraphs -= 1 }
      graphs[place].isGone = true
      isAnyGone = true
      goneTasks += graphs[place].tasks.count
      for task in graphs[place].tasks where !failures.isEmpty || !tries.isEmpty {
        failures[UInt32(task)] = nil
        tries[UInt32(task)] = nil
      }
      actions.append(.forget(graphs[place].id, layers: graphs[place].layers))
      for id in graphs[place].buildsOn {
        guard let other = graphPlaces[id] else { continue }
        graphs[other].builtOn -= 1
        stack.append(other)
      }
      graphPlaces[graphs[place].id] = nil
    }
    if isAnyGone { clearGone() }
  }

  /// Asks for the tasks of a range that workers have. Returns how many there are.
  private mutating func recallAll(of range: Range<Int>, into actions: inout [Action]) -> Int {
    guard assigned > 0 else { return 0 }
    var left = 0
    // Whichever is less to look at.
    if assigned < range.count {
      for worker in live {
        for task in workers[Int(worker)].queue where range.contains(Int(task)) {
          left += 1
          recall(Int(task), into: &actions)
        }
      }
    } else {
      for task in range where tasks.records[task].state == .assigned {
        left += 1
        recall(task, into: &actions)
      }
    }
    return left
  }

  /// Asks for a task that isn't to be run after all, unless it's known to have begun.
  mutating func recall(_ task: Int, into actions: inout [Action]) {
    let record = tasks.records[task]
    guard record.state == .assigned, !record.flags.contains(.begun), retractions[UInt32(task)] == nil else { return }
    sendRetract(of: task, from: Int(record.worker), for: nil, into: &actions)
  }

  /// A task is assigned that one of a graph on its way out, begun or about to be given back, waits for.
  mutating func noteAssigned(_ task: Int) {
    guard lingeringGraphs > 0 else { return }
    let place = place(ofTask: task)
    if let left = graphs[place].lingering { graphs[place].lingering = left + 1 }
  }

  /// A worker is done with a task of a graph that may wait for that to go.
  mutating func noteUnassigned(_ task: Int) {
    guard lingeringGraphs > 0 else { return }
    let place = place(ofTask: task)
    guard let left = graphs[place].lingering else { return }
    graphs[place].lingering = left - 1
    if left == 1 { endable.append(graphs[place].id) }
  }

  /// Graphs whose last task has come back.
  mutating func endLingering(into actions: inout [Action]) {
    while let id = endable.popLast() {
      if let place = graphPlaces[id] { endIfUnneeded(place, into: &actions) }
    }
  }
}
