internal import MusterScheduling

/// Turns the graph behind some values into the layers of a plan. Every node becomes one task, however many need it.
///
/// Functions that were delayed by the same call, at the same depth below what they depend on, become one layer: a
/// thousand files that are read in a loop are one layer of a thousand tasks.
struct GraphLowering {
  private let graph: GraphCollection
  /// The numbers in the graph of what is wanted.
  private let results: [Int]
  private var plan = Plan()
  /// The tasks of each part.
  private var partTasks: [[TaskID]] = []
  /// By number, the tasks of functions, then of what is kept.
  private var tasks: [TaskID] = []

  /// The plan whose results are the blocks of some sources, one after the other.
  ///
  /// - Throws: `MusterError` with code `session` where a source is another session's; what lowering an array throws.
  static func plan(for sources: [GraphSource], session: Session) throws -> Plan {
    if let plan = try planForOne(sources, session: session) { return plan }
    let (graph, results) = try session.lowerings.withLock { count throws(any Error) in
      count += 1
      let graph = try GraphCollection(sources, session: session, lowering: count)
      return (graph, sources.map { graph.number(of: $0) })
    }
    var lowering = GraphLowering(graph: graph, results: results)
    try lowering.lower()
    return lowering.plan
  }

  /// The plan of a function by itself, or of what a worker keeps: what most submissions, and waiting for them, come to.
  private static func planForOne(_ sources: [GraphSource], session: Session) throws -> Plan? {
    guard sources.count == 1, case .delayed(let node) = sources[0], node.session === session, node.inputs.isEmpty
    else { return nil }
    var plan = Plan()
    let layer: Int
    if let kept = node.kept {
      layer = plan.add(kept: kept.tasks)
    } else {
      if let failure = node.kind.failure { throw failure }
      // Without the node: what it was made of needn't be kept for it.
      let run = node.run
      layer = plan.add(
        Layer(
          name: node.kind.name, count: 1, blockType: node.kind.blockType, callSite: node.kind.callSite,
          inputs: { _, _ in },
          run: { _ in
            var reader = BlockReader([])
            return try run(&reader)
          }))
    }
    plan.results = [TaskID(layer: layer, index: 0)]
    return plan
  }

  private init(graph: GraphCollection, results: [Int]) {
    self.graph = graph
    self.results = results
  }

  private mutating func lower() throws {
    try lowerParts()
    tasks = Array(repeating: TaskID(layer: 0, index: 0), count: graph.functions.count + graph.kept.count)
    if !graph.kept.isEmpty {
      let layer = plan.add(kept: graph.kept.map { $0.kept!.tasks[0] })
      for index in graph.kept.indices { tasks[graph.functions.count + index] = TaskID(layer: layer, index: index) }
    }
    lowerFunctions()
    // Not in the plan itself: while it is changed the tasks couldn't be read but in a copy of all.
    var list: [TaskID] = []
    list.reserveCapacity(results.count)
    for number in results { append(number, to: &list) }
    plan.results = list
  }

  /// Appends the tasks of something by its number in the graph.
  private func append(_ number: Int, to list: inout [TaskID]) {
    if number < tasks.count { list.append(tasks[number]) } else { list += partTasks[number - tasks.count] }
  }

  private mutating func lowerParts() throws {
    partTasks = Array(repeating: [], count: graph.parts.count)
    var places: [ObjectIdentifier: [Int]] = [:]
    var kinds: [any PlanPart.Type] = []
    for (place, part) in graph.parts.enumerated() {
      let kind = type(of: part)
      if places[ObjectIdentifier(kind)] == nil { kinds.append(kind) }
      places[ObjectIdentifier(kind), default: []].append(place)
    }
    for kind in kinds {
      let sorted = places[ObjectIdentifier(kind)]!.sorted { graph.parts[$0].number < graph.parts[$1].number }
      for (place, made) in zip(sorted, try kind.lower(sorted.map { graph.parts[$0] }, into: &plan)) {
        partTasks[place] = made
      }
    }
  }

  /// A layer's inputs come from layers before it: less deep. Within a depth the layers, and within a layer the tasks, are
  /// in the order of calls.
  private mutating func lowerFunctions() {
    guard !graph.order.isEmpty else { return }
    let base = plan.layers.count
    let byDepth = numbersByDepth()
    /// By layer, how many functions it has, and then where its first one is among those of all layers.
    var counts: [Int] = []
    var layers = Array(repeating: 0, count: byDepth.count)
    // Of each kind the last layer, which is the one that is wanted if it is as deep.
    var latest = Array(repeating: (depth: -1, layer: 0), count: graph.kindCount)
    for number in byDepth {
      let (depth, kind) = (graph.depths[number], graph.kindNumbers[number])
      if latest[kind].depth != depth {
        latest[kind] = (depth, counts.count)
        counts.append(0)
      }
      let layer = latest[kind].layer
      layers[number] = layer
      tasks[number] = TaskID(layer: base + layer, index: counts[layer])
      counts[layer] += 1
    }
    var starts: [Int] = []
    starts.reserveCapacity(counts.count)
    var sum = 0
    for count in counts {
      starts.append(sum)
      sum += count
    }
    // The numbers in the order of tasks.
    var sorted = Array(repeating: 0, count: byDepth.count)
    for number in byDepth { sorted[starts[layers[number]] + Int(tasks[number].index)] = number }
    let takes = lowered(sorted)
    for (start, count) in zip(starts, counts) {
      // Of each layer by itself, and without their nodes, which hold what they take: a layer whose tasks have ended lets go
      // of what its functions hold.
      let runs = sorted[start..<start + count].map { graph.functions[graph.order[$0]].run }
      let kind = graph.functions[graph.order[sorted[start]]].kind
      _ = plan.add(
        Layer(
          name: kind.name, count: count, blockType: kind.blockType, callSite: kind.callSite,
          inputs: { index, into in takes.appendInputs(of: start + index, to: &into) },
          run: { inputs in
            var reader = BlockReader(inputs.blocks)
            return try runs[inputs.index](&reader)
          }))
    }
  }

  /// The functions' numbers, by depth, then in the order of calls.
  private func numbersByDepth() -> [Int] {
    guard graph.depth > 0 else { return Array(graph.order.indices) }
    var next = Array(repeating: 0, count: graph.depth + 2)
    for depth in graph.depths { next[depth + 1] += 1 }
    for depth in 1..<next.count { next[depth] += next[depth - 1] }
    var numbers = Array(repeating: 0, count: graph.depths.count)
    for (number, depth) in graph.depths.enumerated() {
      numbers[next[depth]] = number
      next[depth] += 1
    }
    return numbers
  }

  private func lowered(_ numbers: [Int]) -> LoweredInputs {
    var inputs: [TaskID] = []
    var ends: [Int] = []
    inputs.reserveCapacity(graph.inputs.count)
    ends.reserveCapacity(numbers.count)
    for number in numbers {
      for input in (number == 0 ? 0 : graph.inputEnds[number - 1])..<graph.inputEnds[number] {
        append(graph.inputs[input], to: &inputs)
      }
      ends.append(inputs.count)
    }
    return LoweredInputs(inputs: inputs, ends: ends)
  }
}

/// What the functions of all layers of a plan take, in the order of tasks: nothing is allocated for each.
private final class LoweredInputs: Sendable {
  /// The inputs of all of them, and where those of each end.
  private let inputs: [TaskID]
  private let ends: [Int]

  init(inputs: [TaskID], ends: [Int]) {
    self.inputs = inputs
    self.ends = ends
  }

  func appendInputs(of place: Int, to list: inout [TaskID]) {
    for input in (place == 0 ? 0 : ends[place - 1])..<ends[place] { list.append(inputs[input]) }
  }
}
