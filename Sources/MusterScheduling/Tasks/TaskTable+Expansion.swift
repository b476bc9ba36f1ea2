extension TaskTable {
  /// Expands what the results need, depth-first and without recursion. A task's ordinal is its place in the
  /// post-order: its inputs come before it, and what isn't needed for it comes after it or long before.
  ///
  /// O(tasks + dependencies).
  /// - Throws: `SchedulingError` for identities outside the graph or inputs that aren't of an earlier layer.
  init(expanding graph: TaskGraph) throws {
    for (number, layer) in graph.layers.enumerated() where layer.count < 0 || layer.count >= Int(UInt32.max) {
      throw SchedulingError.layerCount(layer: number, layerName: layer.name, count: layer.count)
    }
    ordinals = OrdinalMap(counts: graph.layers.lazy.map(\.count))

    /// A task whose inputs are being visited. Its inputs are in `pending` from `start` on to where the next frame's
    /// begin; the frames above it have come and gone whenever it's looked at.
    struct Frame {
      var id: TaskID
      var start: Int
      var cursor: Int
    }
    var frames: ContiguousArray<Frame> = []
    var pending: [TaskID] = []
    /// By ordinal, the consumer that last named the task: finds repeated inputs without a set for each task.
    var lastConsumer: ContiguousArray<UInt32> = []

    func open(_ id: TaskID) throws {
      let start = pending.count
      let layer = Int(id.layer)
      graph.layers[layer].inputs(Int(id.index), &pending)
      var isOfOneLayer = true
      for input in pending[start...] {
        isOfOneLayer = isOfOneLayer && input.layer == pending[start].layer
        guard ordinals.contains(input) else {
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

    for result in graph.results {
      guard ordinals.contains(result) else { throw SchedulingError.resultOutOfRange(result) }
      if ordinals[result] == nil { try open(result) }
      visiting: while let frame = frames.last {
        var cursor = frame.cursor
        while cursor < pending.count {
          let input = pending[cursor]
          cursor += 1
          if ordinals[input] == nil {
            frames[frames.count - 1].cursor = cursor
            try open(input)
            continue visiting
          }
        }
        // Every input has its ordinal: the task gets the next one.
        let ordinal = records.count
        guard ordinal < Int(UInt32.max) - 1, inputs.count + pending.count - frame.start < Int(UInt32.max) else {
          throw SchedulingError.graphTooLarge
        }
        var record = TaskRecord(id: frame.id, inputsStart: UInt32(inputs.count))
        for input in pending[frame.start...] {
          guard let number = ordinals[input], lastConsumer[number] != UInt32(ordinal) else { continue }
          lastConsumer[number] = UInt32(ordinal)
          records[number].wanted += 1
          inputs.append(UInt32(number))
        }
        record.unmet = UInt32(inputs.count) - record.inputsStart
        if record.unmet == 0 {
          record.state = .withheld
          roots.append(UInt32(ordinal))
        }
        records.append(record)
        lastConsumer.append(.max)
        ordinals.set(frame.id, to: UInt32(ordinal))
        pending.removeSubrange(frame.start...)
        frames.removeLast()
      }
      if let ordinal = ordinals[result] { records[ordinal].flags.insert(.result) }
    }
    records.append(TaskRecord(id: TaskID(layer: 0, index: 0), inputsStart: UInt32(inputs.count)))
    linkConsumers()
  }

  /// Turns the inputs around: who consumes what. `wanted` holds the number of consumers of each task.
  private mutating func linkConsumers() {
    var start: UInt32 = 0
    for task in records.indices {
      records[task].consumersStart = start
      start += records[task].wanted
    }
    consumers = ContiguousArray(repeating: 0, count: inputs.count)
    var filled = ContiguousArray<UInt32>(repeating: 0, count: count)
    for task in 0..<count {
      for edge in inputRange(of: task) {
        let input = Int(inputs[edge])
        consumers[Int(records[input].consumersStart + filled[input])] = UInt32(task)
        filled[input] += 1
      }
    }
  }
}
