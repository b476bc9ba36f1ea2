internal import MusterScheduling

/// Many tasks of a function that has been put off, with the layer whose values they take. Immutable, and built alike on
/// every rank.
final class LayerNode: Sendable {
  /// Hands the indices of a task's inputs over, one after the other.
  typealias Inputs = @Sendable (_ index: Int, _ add: (Int) -> Void) -> Void

  /// What its values are.
  private enum Content: Sendable {
    case function(inputs: Inputs?, run: @Sendable (TaskInputs) throws -> any Block)
    /// Some of those of the layer before.
    case selection([Int])
    /// Blocks that workers keep.
    case kept(KeptTasks)
  }

  let session: Session
  let kind: FunctionKind
  /// The number of the call that made it, the same on every rank; above that of the layer before.
  let number: Int
  let count: Int
  /// Why it can't be computed at all.
  private let failure: MusterError?
  private let content: Content
  /// Written in `deinit` alone, of this node or of one that held the last reference to it: nobody else has it then.
  nonisolated(unsafe) private var previous: LayerNode?

  init(
    session: Session, kind: FunctionKind, number: Int, count: Int, previous: LayerNode?, inputs: Inputs?,
    failure: MusterError?, run: @escaping @Sendable (TaskInputs) throws -> any Block
  ) {
    self.session = session
    self.kind = kind
    self.number = number
    self.count = count
    self.previous = previous
    self.failure = failure
    content = .function(inputs: inputs, run: run)
  }

  init(selecting indices: [Int], of node: LayerNode, number: Int) {
    (session, kind, failure) = (node.session, node.kind, nil)
    self.number = number
    count = indices.count
    previous = node
    content = .selection(indices)
  }

  /// The values of another node as workers keep them.
  init(_ node: LayerNode, kept: KeptTasks, number: Int) {
    (session, kind, count, failure) = (node.session, node.kind, node.count, nil)
    self.number = number
    previous = nil
    content = .kept(kept)
  }

  /// The tasks behind it, where workers keep what they make.
  fileprivate var kept: KeptTasks? { if case .kept(let tasks) = content { tasks } else { nil } }

  /// Lets go of a chain of layers link by link: left to themselves, they would let go of each other within each other,
  /// deeper than a thread's stack.
  deinit {
    var next = previous
    previous = nil
    while var node = next {
      next = nil
      guard isKnownUniquelyReferenced(&node) else { return }
      swap(&next, &node.previous)
    }
  }

  /// Where a node's tasks are in a plan.
  fileprivate enum Tasks {
    case layer(Int)
    case list([TaskID])

    func task(_ index: Int) -> TaskID {
      switch self {
      case .layer(let layer): TaskID(layer: layer, index: index)
      case .list(let tasks): tasks[index]
      }
    }
  }

  /// The nodes that some need, these included, each after the one before it.
  fileprivate static func all(for nodes: [LayerNode]) -> [LayerNode] {
    var isKnown: Set<ObjectIdentifier> = []
    var all: [LayerNode] = []
    for node in nodes {
      var chain: [LayerNode] = []
      var next: LayerNode? = node
      while let node = next, isKnown.insert(ObjectIdentifier(node)).inserted {
        chain.append(node)
        next = node.previous
      }
      all += chain.reversed()
    }
    return all
  }

  /// Adds the layer, given where the tasks of the one before it are.
  fileprivate func lower(into plan: inout Plan, _ known: [ObjectIdentifier: Tasks]) throws(MusterError) -> Tasks {
    if let failure { throw failure }
    if let previous, previous.session !== session {
      throw MusterError(
        .session, "the layer that \(kind.name) takes values of belongs to another session",
        fix: "Compute it with the session it is of", callSite: kind.callSite)
    }
    let before = previous.map { known[ObjectIdentifier($0)]! }
    switch content {
    case .kept(let kept):
      return .layer(plan.add(kept: kept.tasks))
    case .selection(let indices):
      return .list(indices.map { before!.task($0) })
    case .function(let inputs, let run):
      return .layer(
        plan.add(
          Layer(
            name: kind.name, count: count, blockType: kind.blockType, callSite: kind.callSite,
            inputs: { index, into in
              guard let inputs, let before else { return }
              inputs(index) { into.append(before.task($0)) }
            }, run: run)))
    }
  }
}

/// A layer among the values of a graph.
struct LayerPart: PlanPart {
  let node: LayerNode

  var session: Session { node.session }
  var number: Int { node.number }
  var taskCount: Int { node.count }
  var kept: KeptTasks? { node.kept }
  var identity: ObjectIdentifier { ObjectIdentifier(node) }

  static func lower(_ parts: [any PlanPart], into plan: inout Plan) throws -> [[TaskID]] {
    let nodes = parts.map { part in
      guard let part = part as? LayerPart else { preconditionFailure("a part of another kind: \(type(of: part))") }
      return part.node
    }
    var known: [ObjectIdentifier: LayerNode.Tasks] = [:]
    for node in LayerNode.all(for: nodes) { known[ObjectIdentifier(node)] = try node.lower(into: &plan, known) }
    return nodes.map { node in
      let tasks = known[ObjectIdentifier(node)]!
      return (0..<node.count).map { tasks.task($0) }
    }
  }
}
