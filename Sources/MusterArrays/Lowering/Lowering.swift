internal import MusterRuntime
internal import MusterScheduling

/// Turns expressions into the layers of a plan; one for each collective.
///
/// Every node is lowered once. A node's blocks become a layer of their own where several tasks need them and making
/// them again would cost more than a few passes over memory; otherwise they are made inside the tasks that consume them.
///
/// A class, since the lowering of a node reaches into that of its operands; it never leaves the collective's call.
final class Lowering {
  private(set) var plan: Plan
  /// How many operands each node is, over all nodes that the collective needs.
  private var consumers: [ObjectIdentifier: Int] = [:]
  private var functions: [ObjectIdentifier: BlockFunction] = [:]
  /// The programs of the elementwise nodes.
  var fusions: [ObjectIdentifier: Fusion] = [:]
  /// What operations with several results (an SVD) keep between the lowering of one and of the next.
  var shared: [ObjectIdentifier: any Sendable] = [:]
  /// The nodes that the collective needs, operands before what uses them.
  let nodes: [ArrayExpression]

  /// Sources larger than this are read again by each consumer rather than kept in memory between them.
  static let keptSourceBytes = 1 << 30
  /// How many passes over its blocks are made again for a node's consumers, all together, rather than that the blocks
  /// are kept; of an array larger than the sources that are kept, how many for each.
  private static let repeatedPasses = (small: 4.0, large: 16.0)
  /// Functions nested deeper than this are cut: each takes a part of the stack.
  private static let deepestNesting = 200

  /// The nodes whose own blocks are wanted, so that each becomes a layer.
  private let kept: Set<ObjectIdentifier>

  /// - Parameters:
  ///   - keepRoots: whether the roots' blocks are results of the plan, rather than consumed by layers that the caller
  ///     adds.
  ///   - plan: the layers that come before.
  /// - Throws: the error of the first poisoned root.
  init(_ roots: [ArrayExpression], keepRoots: Bool, adding plan: Plan = Plan()) throws {
    self.plan = plan
    kept = keepRoots ? Set(roots.map { ObjectIdentifier($0) }) : []
    for root in roots { if let failure = root.failure { throw failure } }
    // An explicit stack: an expression may be deeper than a thread's stack.
    var nodes: [ArrayExpression] = []
    var state: [ObjectIdentifier: Bool] = [:]
    var stack = Array(roots.reversed())
    while let node = stack.last {
      let identity = ObjectIdentifier(node)
      switch state[identity] {
      case nil:
        state[identity] = false
        for operand in node.operation.operands {
          consumers[ObjectIdentifier(operand), default: 0] += 1
          if state[ObjectIdentifier(operand)] == nil { stack.append(operand) }
        }
      case false:
        state[identity] = true
        nodes.append(node)
        stack.removeLast()
      default:
        stack.removeLast()
      }
    }
    for root in roots { consumers[ObjectIdentifier(root), default: 0] += 1 }
    self.nodes = nodes
    // Operands first, so that no recursion is deeper than one operation.
    for node in nodes { _ = try blocks(of: node) }
  }

  /// The number of tasks' worth of demand on a node: how often it is an operand or a result.
  func consumerCount(of node: ArrayExpression) -> Int { consumers[ObjectIdentifier(node), default: 0] }

  /// Adds a layer to the plan and returns its number.
  func add(_ layer: Layer) -> Int { plan.add(layer) }

  /// Adds a layer that stands for blocks which workers keep, and returns its number.
  func add(kept tasks: [TaskID]) -> Int { plan.add(kept: tasks) }

  /// Adds tasks whose blocks the collective wants.
  func addResults(_ tasks: [TaskID]) { plan.results += tasks }

  // Blocks of nodes

  /// The blocks of a node, for a consumer that takes each of them at most once.
  func blocks(of node: ArrayExpression) throws -> BlockFunction {
    let identity = ObjectIdentifier(node)
    if let known = functions[identity] { return known }
    var function = try node.operation.lower(node, in: self)
    let uses = consumerCount(of: node)
    if kept.contains(identity) || function.depth > Self.deepestNesting
      || (uses > 1 && shouldKeep(function, uses: uses))
    {
      function = layer(of: function)
    }
    functions[identity] = function
    return function
  }

  /// The blocks of a node, for a consumer that takes them several times.
  func sharedBlocks(of node: ArrayExpression) throws -> BlockFunction {
    let function = try blocks(of: node)
    guard shouldKeep(function) else { return function }
    let kept = layer(of: function)
    functions[ObjectIdentifier(node)] = kept
    return kept
  }

  /// The blocks of a node as those of a layer.
  func layer(of node: ArrayExpression) throws -> Int {
    let kept = layer(of: try blocks(of: node))
    functions[ObjectIdentifier(node)] = kept
    return kept.layerNumber!
  }

  /// Whether blocks that several tasks need are kept, rather than made again for each use.
  ///
  /// Light operations add up: where each feeds several others that aren't kept either, what is made again is multiplied
  /// at every step.
  func shouldKeep(_ function: BlockFunction, uses: Int = 2) -> Bool {
    if function.cost == .work { return true }
    let passes = function.writes / Double(max(function.grid.largestChunk, 1))
    guard function.grid.elementCount * function.elementType.byteCount <= Self.keptSourceBytes else {
      return passes > Self.repeatedPasses.large
    }
    return function.cost == .reading || passes * Double(uses - 1) > Self.repeatedPasses.small
  }

  /// The function as a layer of its own.
  func layer(of function: BlockFunction) -> BlockFunction {
    if function.layerNumber != nil { return function }
    let number = add(
      Layer(
        name: function.name, count: function.grid.count, yielding: AnyNDArray.self,
        expectedBytes: function.grid.largestChunk * function.elementType.byteCount, callSite: function.callSite,
        inputs: function.inputs,
        run: { inputs in
          var cursor = BlockCursor(inputs.blocks)
          return try function.run(inputs.index, &cursor)
        }))
    return BlockFunction(
      layer: number, grid: function.grid, elementType: function.elementType, name: function.name,
      callSite: function.callSite)
  }
}
