public import MusterScheduling

/// What a running task sees: its index in the layer, and its inputs in the order that the layer's `inputs` gave.
public struct TaskInputs: Sendable {
  /// The index of the task in its layer, from 0.
  public var index: Int
  /// The blocks of the inputs, in the order that the layer's `inputs` gave.
  public var blocks: [any Block]

  /// Inputs made by hand, to run a layer's closure outside a session.
  public init(index: Int, blocks: [any Block]) {
    self.index = index
    self.blocks = blocks
  }

  /// Input `number` as the type that the layer before it yields.
  ///
  /// - Precondition: there is such an input, and it is a `B`.
  @inlinable
  public func block<B: Block>(_ number: Int, as type: B.Type = B.self) -> B {
    guard let block = blocks[number] as? B else {
      preconditionFailure("input \(number) is a \(Swift.type(of: blocks[number])), not a \(B.self)")
    }
    return block
  }
}

/// A layer of tasks with what it takes to run them: the scheduler's part, and the closures that stay on each rank.
public struct Layer: Sendable {
  /// Name, count, expected bytes and inputs.
  public var tasks: TaskLayer
  /// The call in the user's program that asked for the operation.
  public var callSite: CallSite?
  /// The type of the blocks that its tasks yield: how they are decoded on arrival from another rank.
  public var blockType: any Block.Type
  /// For how long one of its tasks may run; nil for any time.
  public var timeout: Duration?
  /// Whether a task that ran so long has failed for it.
  func exceedsTimeout(_ nanoseconds: Int) -> Bool { timeout.map { nanoseconds >= $0.nanoseconds } ?? false }
  /// Runs one task. Called on any of the library's threads.
  public var run: @Sendable (_ inputs: TaskInputs) throws -> any Block

  /// What is to be known of it when its tasks have ended: all but its closures.
  var ended: Layer {
    var layer = self
    layer.tasks.inputs = Self.noInputs
    layer.run = Self.runsNoMore
    return layer
  }
  private static let noInputs: @Sendable (Int, inout [TaskID]) -> Void = { _, _ in }
  private static let runsNoMore: @Sendable (TaskInputs) throws -> any Block = { _ in
    throw MusterError(.internal, "a task was to run of a layer of which all had ended")
  }

  /// A layer of `count` tasks that yield blocks of type `B`.
  ///
  /// - Parameters:
  ///   - name: the operation's name, the same on every rank.
  ///   - count: the number of tasks, in `0 ..< 2^32 - 1`.
  ///   - blockType: the type of the blocks.
  ///   - expectedBytes: what one block is expected to hold, in bytes; 0 where it isn't known.
  ///   - callSite: the call that asked for the operation; errors of its tasks name it.
  ///   - inputs: appends the inputs of the task with an index. Pure, and the same on every rank.
  ///   - run: runs one task, on any of the library's threads. What it throws becomes a `MusterError` on every rank.
  public init<B: Block>(
    name: String, count: Int, yielding blockType: B.Type, expectedBytes: Int = 0, callSite: CallSite? = nil,
    inputs: @escaping @Sendable (_ index: Int, _ into: inout [TaskID]) -> Void,
    run: @escaping @Sendable (_ inputs: TaskInputs) throws -> B
  ) {
    self.init(
      name: name, count: count, blockType: blockType, expectedBytes: expectedBytes, callSite: callSite, inputs: inputs,
      run: run)
  }

  /// The same where the type of the blocks is known at run time only.
  init(
    name: String, count: Int, blockType: any Block.Type, expectedBytes: Int = 0, callSite: CallSite?,
    inputs: @escaping @Sendable (_ index: Int, _ into: inout [TaskID]) -> Void,
    run: @escaping @Sendable (_ inputs: TaskInputs) throws -> any Block
  ) {
    self.tasks = TaskLayer(name: name, count: count, expectedBytes: expectedBytes, inputs: inputs)
    self.callSite = callSite
    self.blockType = blockType
    self.run = run
  }
}

/// Layers in the order in which they were added, and the tasks whose blocks are wanted: what a collective runs.
/// Built alike on every rank. Its layers are numbered from 0; where it is run, the session gives them other numbers.
public struct Plan: Sendable {
  /// The layers added so far, by number.
  public private(set) var layers: [Layer] = []
  /// The tasks whose blocks the collective returns, in this order.
  public var results: [TaskID] = []
  /// What its tasks do outlives the program by other means than a journal that keeps what they yield.
  package var isKeptElsewhere = false

  /// The layers that stand for blocks which workers keep already, in order, and the tasks that made those.
  private var kept: [(layer: Int, tasks: [TaskID])] = []

  /// A plan without layers.
  public init() {}

  /// Adds a layer and returns its number, for `TaskID(layer:index:)`. Its inputs must be of layers added before.
  public mutating func add(_ layer: Layer) -> Int {
    layers.append(layer)
    return layers.count - 1
  }

  /// The layers, by the session's numbers, of what workers keep already that the plan takes.
  var keptLayers: [UInt32] {
    var layers: [UInt32] = []
    for (_, tasks) in kept { for task in tasks where layers.last != task.layer { layers.append(task.layer) } }
    return layers
  }

  /// The layers, by the session's numbers, of those results that workers keep already.
  var passedLayers: [UInt32] {
    let kept = Dictionary(uniqueKeysWithValues: kept.map { ($0.layer, $0.tasks) })
    var layers: [UInt32] = []
    for result in results {
      guard let tasks = kept[Int(result.layer)] else { continue }
      let layer = tasks[Int(result.index)].layer
      if layers.last != layer { layers.append(layer) }
    }
    return layers
  }

  /// How the tasks of a layer run.
  mutating func setOptions(of layer: Int, _ options: TaskOptions) {
    layers[layer].tasks.retries = options.retries
    layers[layer].timeout = options.timeout
  }

  /// Adds a layer that stands for blocks which workers keep already: its task `index` is the `index`th of them. Returns
  /// its number.
  package mutating func add(kept tasks: [TaskID]) -> Int {
    layers.append(
      Layer(name: "kept", count: 0, yielding: EmptyBlock.self, inputs: { _, _ in }, run: { _ in EmptyBlock() }))
    kept.append((layers.count - 1, tasks))
    return layers.count - 1
  }

  /// Has some tasks of a layer keep what they yield.
  ///
  /// - Parameter pieces: the numbers of the tasks among those whose results are kept.
  mutating func keep(_ results: KeptResults, layer: Int, pieces: [UInt32: Int]) {
    let (inputs, run, type) = (layers[layer].tasks.inputs, layers[layer].run, layers[layer].blockType)
    layers[layer].tasks.inputs = { index, into in
      if let piece = pieces[UInt32(index)], results.place(of: piece) != nil { return }
      inputs(index, &into)
    }
    layers[layer].run = { task in
      guard let piece = pieces[UInt32(task.index)] else { return try run(task) }
      return try results.run(piece, type) { try run(task) }
    }
  }

  /// The plan as the session numbers its layers: from `firstLayer` on, and what is kept by its own tasks' numbers.
  consuming func numbered(from firstLayer: Int) -> Plan {
    guard firstLayer > 0 || !kept.isEmpty else { return self }
    let numbering = Numbering(base: UInt32(firstLayer), kept: kept)
    // Where there is nothing but what is kept, there is nothing to run: layers would only have to be let go of again.
    if layers.count == kept.count { layers = [] }
    for number in layers.indices where layers[number].tasks.count > 0 {
      let inputs = layers[number].tasks.inputs
      layers[number].tasks.inputs = { index, into in
        let start = into.count
        inputs(index, &into)
        for place in start..<into.count { into[place] = numbering[into[place]] }
      }
    }
    for place in results.indices { results[place] = numbering[results[place]] }
    kept = []
    return self
  }

  private final class Numbering: Sendable {
    private let base: UInt32
    /// By layer, up to the last one that stands for what is kept; nil for others.
    private let kept: [[TaskID]?]

    init(base: UInt32, kept: [(layer: Int, tasks: [TaskID])]) {
      self.base = base
      var byLayer: [[TaskID]?] = Array(repeating: nil, count: kept.last.map { $0.layer + 1 } ?? 0)
      for (layer, tasks) in kept { byLayer[layer] = tasks }
      self.kept = byLayer
    }

    subscript(task: TaskID) -> TaskID {
      let layer = Int(task.layer)
      if layer < kept.count, let tasks = kept[layer] { return tasks[Int(task.index)] }
      return TaskID(layer: Int(task.layer + base), index: Int(task.index))
    }
  }

  /// What ranks compare of their plans, in a few words: the counts, and a digest of the layers and results.
  var digest: PlanDigest {
    var digest = Fingerprint()
    for layer in layers {
      digest.fold(layer.tasks.name)
      digest.fold(layer.tasks.count)
    }
    for (layer, tasks) in kept {
      digest.fold(layer)
      for task in tasks { digest.fold(UInt64(task.layer) << 32 | UInt64(task.index)) }
    }
    for result in results { digest.fold(UInt64(result.layer) << 32 | UInt64(result.index)) }
    return PlanDigest(layers: layers.count, results: results.count, digest: digest)
  }
}

/// What two ranks' plans are compared by.
struct PlanDigest: Sendable {
  var layers: Int
  var results: Int
  var digest: Fingerprint

  var text: String {
    "\(layers) layer\(layers == 1 ? "" : "s"), \(results) result\(results == 1 ? "" : "s"), digest"
      + " \(String(digest.low >> 32, radix: 16))"
  }
}
