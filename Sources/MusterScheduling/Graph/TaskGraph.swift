/// One layer of a graph, as the scheduler sees it: a count of tasks, and from an index the inputs of that task.
public struct TaskLayer: Sendable {
  /// The operation's name, for messages and reports.
  public var name: String
  /// The number of tasks.
  public var count: Int
  /// What one task of the layer is expected to leave in memory, in bytes; 0 where it isn't known.
  public var expectedBytes: Int
  /// How many times a task that threw is run again before it has failed.
  public var retries = 0
  /// Layers of the same kind are taken to have tasks of about the same length: what one call in a program made, in a
  /// loop. A small number, from 0; nil for a layer like no other.
  package var kind: Int?
  /// Appends the inputs of the task with the given index. Pure: the same index gives the same inputs, on every
  /// rank. An input's layer has a lower number than this layer.
  public var inputs: @Sendable (_ index: Int, _ into: inout [TaskID]) -> Void

  /// A layer of `count` tasks. Nothing is checked here: `Scheduler.init` throws where the graph contradicts itself.
  ///
  /// - Parameter inputs: appends the inputs of one task, each of a layer with a lower number; called from any thread.
  public init(
    name: String, count: Int, expectedBytes: Int = 0,
    inputs: @escaping @Sendable (_ index: Int, _ into: inout [TaskID]) -> Void
  ) {
    self.name = name
    self.count = count
    self.expectedBytes = expectedBytes
    self.inputs = inputs
  }
}

/// Layers, and the tasks whose results are wanted. Only what the results need is ever expanded.
///
/// A graph may build on graphs that were added to the scheduler before it: its layers have numbers above theirs, and
/// its tasks may take blocks that are kept as their results.
public struct TaskGraph: Sendable {
  /// The number of the first of `layers`; the others follow.
  public var firstLayer: Int
  /// The layers; inputs of one come from those before it, or are kept results of earlier graphs.
  public var layers: [TaskLayer]
  /// The tasks whose blocks are kept for the caller, until it releases them. May name a task more than once, and kept
  /// results of earlier graphs.
  public var results: [TaskID]
  /// Tasks of a graph of higher urgency run before those of a lower one, whichever came first.
  public var urgency: Int16 = 0
  /// Whether each result is reported when it is there (`Action.resultReady`), and not only the last of them.
  public var reportsEachResult = false

  /// A graph that wants `results` of `layers`. Nothing is checked here: `Scheduler.add` is what throws.
  public init(layers: [TaskLayer], results: [TaskID], firstLayer: Int = 0) {
    self.firstLayer = firstLayer
    self.layers = layers
    self.results = results
  }
}

/// The number of a graph that was added to a scheduler, chosen by whoever adds it.
public struct GraphID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// The number, from 0.
  public var number: UInt32
  /// The graph with a number in `0 ..< 2^32`; higher bits are dropped.
  @inlinable
  public init(_ number: Int) { self.number = UInt32(truncatingIfNeeded: number) }
  /// By number.
  @inlinable
  public static func < (a: GraphID, b: GraphID) -> Bool { a.number < b.number }
  /// `graph 3`.
  public var description: String { "graph \(number)" }
}
