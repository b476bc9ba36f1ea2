extension TaskTable {
  /// Adds what a graph's results need, depth-first and without recursion. A task's ordinal is its place in the
  /// post-order: its inputs come before it, and what isn't needed for it comes after it or long before. What was added
  /// before stays as it is, but that it may be consumed by more tasks.
  ///
  /// O(tasks + dependencies) of the graph.
  /// - Returns: the ordinals of the tasks that are new, and where their roots begin in `roots`.
  /// - Throws: `SchedulingError` for identities outside the graph and those before it, or inputs that aren't of an
  ///   earlier layer. The table is as it was then.
  mutating func expand(_ graph: TaskGraph) throws -> Range<Int> {
    let first = count
    let firstRoot = roots.count
    let firstSlot = ordinals.layerCount
    // The record behind the last one goes, and comes back behind the new ones.
    let end = records.removeLast()
    do {
      try addLayers(of: graph)
      var expansion = Expansion(graph: graph, first: first, firstSlot: firstSlot)
      try expansion.run(on: &self)
      closeRecords()
      linkConsumers(from: first)
      return first..<count
    } catch {
      records.removeSubrange(first...)
      inputs.removeSubrange(Int(end.inputsStart)...)
      roots.removeSubrange(firstRoot...)
      ordinals.removeLayers(from: firstSlot)
      records.append(end)
      throw error
    }
  }

  private mutating func addLayers(of graph: TaskGraph) throws {
    if let last = ordinals.lastNumber, graph.firstLayer <= last, !graph.layers.isEmpty {
      throw SchedulingError.layerNumber(first: graph.firstLayer, next: last + 1)
    }
    for (offset, layer) in graph.layers.enumerated() {
      let number = graph.firstLayer + offset
      guard layer.count >= 0, layer.count < Int(UInt32.max), number < Int(UInt32.max) else {
        throw SchedulingError.layerCount(layer: number, layerName: layer.name, count: layer.count)
      }
      ordinals.addLayer(number: number, count: layer.count)
    }
  }

  func closing() -> TaskRecord {
    TaskRecord(
      layer: 0, index: 0, inputsStart: UInt32(inputs.count), consumersStart: UInt32(consumers.count))
  }

  mutating func closeRecords() { records.append(closing()) }

  /// Turns the inputs of the tasks from `first` on around: who consumes what. `wanted` holds the number of consumers of
  /// each new task; for older ones it's raised.
  private mutating func linkConsumers(from first: Int) {
    let firstConsumer = UInt32(consumers.count)
    var start = firstConsumer
    for task in first..<records.count {
      records[task].consumersStart = start
      start += records[task].wanted
    }
    consumers.append(contentsOf: repeatElement(0, count: Int(start - firstConsumer)))
    var filled = ContiguousArray<UInt32>(repeating: 0, count: count - first)
    for task in first..<count {
      for edge in inputRange(of: task) {
        let input = Int(inputs[edge])
        if input >= first {
          consumers[Int(records[input].consumersStart + filled[input - first])] = UInt32(task)
          filled[input - first] += 1
        } else {
          records[input].wanted += 1
          records[input].flags.insert(.late)
          lateConsumers[UInt32(input), default: []].append(UInt32(task))
        }
      }
    }
  }
}

/// The walk through a graph that is being added to a table.
private struct Expansion {
  /// A task whose inputs are being visited. Its inputs are in `pending` from `start` on to where the next frame's
  /// begin; the frames above it have come and gone whenever it's looked at.
  private struct Frame {
    var id: TaskID
    var start: Int
    var cursor: Int
  }

  let graph: TaskGraph
  let first: Int
  let firstSlot: Int
  private var frames: ContiguousArray<Frame> = []
  private var pending: [TaskID] = []
  /// By ordinal from `first` on, the consumer that last named the task: finds repeated inputs without a set for each
  /// task.
  private var lastConsumer: ContiguousArray<UInt32> = []
  /// The same for older tasks, of which there are few.
  private var lastConsumerOfOlder: [UInt32: UInt32] = [:]

  init(graph: TaskGraph, first: Int, firstSlot: Int) {
    self.graph = graph
    self.first = first
    self.firstSlot = firstSlot
  }

  mutating func run(on table: inout TaskTable) throws {
    for result in graph.results {
      guard table.ordinals.contains(result) else { throw SchedulingError.resultOutOfRange(result) }
      guard try isNew(result, in: table) else { continue }
      try open(result, in: table)
      visiting: while let frame = frames.last {
        var cursor = frame.cursor
        while cursor < pending.count {
          let input = pending[cursor]
          cursor += 1
          if try isNew(input, in: table) {
            frames[frames.count - 1].cursor = cursor
            try open(input, in: table)
            continue visiting
          }
        }
        try close(frame, in: &table)
      }
    }
  }

  /// Whether a task is still to be added. One of an earlier graph never is: that its block is kept is checked.
  private func isNew(_ id: TaskID, in table: TaskTable) throws -> Bool {
    if let ordinal = table.ordinals[id] {
      // Those of this graph have no say yet in what is kept.
      if ordinal < first && !table.records[ordinal].isNeeded { throw SchedulingError.inputReleased(id) }
      return false
    }
    if Int(id.layer) < graph.firstLayer { throw SchedulingError.inputReleased(id) }
    return true
  }

  private mutating func open(_ id: TaskID, in table: TaskTable) throws {
    let start = pending.count
    let layer = Int(id.layer) - graph.firstLayer
    graph.layers[layer].inputs(Int(id.index), &pending)
    var isOfOneLayer = true
    for input in pending[start...] {
      isOfOneLayer = isOfOneLayer && input.layer == pending[start].layer
      guard table.ordinals.contains(input) else {
        throw SchedulingError.inputOutOfRange(task: id, layerName: graph.layers[layer].name, input: input)
      }
      guard input.layer < id.layer else {
        throw SchedulingError.inputNotEarlier(task: id, layerName: graph.layers[layer].name, input: input)
      }
    }
    // The deepest first, in the manner of Sethi and Ullman: where a long chain takes up a root at each step, the
    // roots would else all come before the chain, and all be held until it reaches them.
    if !isOfOneLayer {
      pending[start...].sort { ($1.layer, $0.index) < ($0.layer, $1.index) }
    }
    frames.append(Frame(id: id, start: start, cursor: start))
  }

  /// Every input has its ordinal: the task gets the next one.
  private mutating func close(_ frame: Frame, in table: inout TaskTable) throws {
    let ordinal = table.records.count
    guard ordinal < Int(UInt32.max) - 1, table.inputs.count + pending.count - frame.start < Int(UInt32.max) else {
      throw SchedulingError.graphTooLarge
    }
    let slot = firstSlot + Int(frame.id.layer) - graph.firstLayer
    var record = TaskRecord(layer: UInt32(slot), index: frame.id.index, inputsStart: UInt32(table.inputs.count))
    for input in pending[frame.start...] {
      guard let number = table.ordinals[input] else { continue }
      if number >= first {
        guard lastConsumer[number - first] != UInt32(ordinal) else { continue }
        lastConsumer[number - first] = UInt32(ordinal)
        table.records[number].wanted += 1
      } else {
        guard lastConsumerOfOlder.updateValue(UInt32(ordinal), forKey: UInt32(number)) != UInt32(ordinal) else {
          continue
        }
      }
      table.inputs.append(UInt32(number))
    }
    record.unmet = UInt32(table.inputs.count) - record.inputsStart
    if record.unmet == 0 {
      record.state = .withheld
      table.roots.append(UInt32(ordinal))
    }
    table.records.append(record)
    lastConsumer.append(.max)
    table.ordinals.set(slot: slot, index: frame.id.index, to: UInt32(ordinal))
    pending.removeSubrange(frame.start...)
    frames.removeLast()
  }
}
