internal import MusterScheduling

/// Turns the graph behind some values into the layers of a plan. Every node becomes one task, however many need it.
///
/// Functions that were delayed by the same call, at the same depth below what they depend on, become one layer: a
/// thousand files that are read in a loop are one layer of a thousand tasks.
struct GraphLowering {
  private var plan = Plan()
  private var nodes: [DelayedNode] = []
  /// The parts of libraries above, by kind.
  private var parts: [ObjectIdentifier: [any PlanPart]] = [:]
  private var kinds: [ObjectIdentifier] = []
  /// The tasks of each node and part that has been lowered.
  private var tasks: [ObjectIdentifier: [TaskID]] = [:]

  /// The plan whose results are the blocks of some sources, one after the other.
  ///
  /// - Throws: `MusterError` with code `session` where a source is another session's; what lowering an array throws.
  static func plan(for sources: [GraphSource], session: Session) throws -> Plan {
    var lowering = GraphLowering()
    try lowering.collect(sources, session: session)
    for kind in lowering.kinds { try lowering.lowerParts(of: kind) }
    lowering.lowerNodes()
    lowering.plan.results = sources.flatMap { lowering.tasks[$0.identity]! }
    return lowering.plan
  }

  /// Finds what the sources need. With an explicit stack: a graph may be deeper than a thread's.
  private mutating func collect(_ sources: [GraphSource], session: Session) throws {
    var seen: Set<ObjectIdentifier> = []
    var pending = sources
    while let source = pending.popLast() {
      guard seen.insert(source.identity).inserted else { continue }
      guard source.session === session else {
        throw MusterError(
          .session, "a value of call \(source.number + 1) belongs to another session",
          fix: "Compute it with the session it is of")
      }
      switch source {
      case .delayed(let node):
        nodes.append(node)
        pending += node.inputs
      case .part(let part):
        let kind = ObjectIdentifier(type(of: part))
        if parts[kind] == nil { kinds.append(kind) }
        parts[kind, default: []].append(part)
      }
    }
    // Calls come after those whose values they take.
    nodes.sort { $0.number < $1.number }
    if let failure = nodes.lazy.compactMap(\.failure).first { throw failure }
  }

  private mutating func lowerParts(of kind: ObjectIdentifier) throws {
    guard let parts = parts[kind]?.sorted(by: { $0.number < $1.number }), let first = parts.first else { return }
    for (part, made) in zip(parts, try type(of: first).lower(parts, into: &plan)) { tasks[part.identity] = made }
  }

  /// What functions of one layer have in common.
  private struct Kind: Hashable {
    var depth: Int
    var name: String
    var callSite: CallSite
    var blockType: ObjectIdentifier
  }

  /// How many tasks each of some sources is made of.
  static func resultCounts(of sources: [GraphSource]) throws -> [Int] {
    sources.map { source in
      switch source {
      case .delayed: 1
      case .part(let part): part.taskCount
      }
    }
  }

  /// Blocks that workers keep already.
  private mutating func lowerKept() {
    let kept = nodes.filter { $0.kept != nil }
    guard !kept.isEmpty else { return }
    let layer = plan.add(kept: kept.map { $0.kept!.tasks[0] })
    for (index, node) in kept.enumerated() { tasks[ObjectIdentifier(node)] = [TaskID(layer: layer, index: index)] }
    nodes.removeAll { $0.kept != nil }
  }

  private mutating func lowerNodes() {
    lowerKept()
    var depths: [ObjectIdentifier: Int] = [:]
    var layers: [Kind: [DelayedNode]] = [:]
    var order: [Kind] = []
    for node in nodes {
      let depth = node.inputs.reduce(0) { max($0, (depths[$1.identity] ?? -1) + 1) }
      depths[ObjectIdentifier(node)] = depth
      let kind = Kind(
        depth: depth, name: node.name, callSite: node.callSite, blockType: ObjectIdentifier(node.blockType))
      if layers[kind] == nil { order.append(kind) }
      layers[kind, default: []].append(node)
    }
    // A layer's inputs come from layers before it: less deep. The sort keeps the order of calls within a depth.
    let byDepth = order.enumerated().sorted { ($0.element.depth, $0.offset) < ($1.element.depth, $1.offset) }
    for (_, kind) in byDepth { addLayer(of: layers[kind]!) }
  }

  private mutating func addLayer(of nodes: [DelayedNode]) {
    // The inputs of all of the layer's tasks in one array: no allocation for each.
    var inputs: [TaskID] = []
    var ends: [Int] = []
    for node in nodes {
      for source in node.inputs { inputs += tasks[source.identity]! }
      ends.append(inputs.count)
    }
    let (allInputs, allEnds) = (inputs, ends)
    let layer = plan.add(
      Layer(
        name: nodes[0].name, count: nodes.count, blockType: nodes[0].blockType, callSite: nodes[0].callSite,
        inputs: { index, into in into += allInputs[(index == 0 ? 0 : allEnds[index - 1])..<allEnds[index]] },
        run: { inputs in
          var reader = BlockReader(inputs.blocks)
          return try nodes[inputs.index].run(&reader)
        }))
    for (index, node) in nodes.enumerated() { tasks[ObjectIdentifier(node)] = [TaskID(layer: layer, index: index)] }
  }
}
