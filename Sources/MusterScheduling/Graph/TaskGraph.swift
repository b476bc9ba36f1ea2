/// One layer of a graph, as the scheduler sees it: a count of tasks, and from an index the inputs of that task.
public struct TaskLayer: Sendable {
  /// The operation's name, for messages and reports.
  public var name: String
  /// The number of tasks.
  public var count: Int
  /// What one task of the layer is expected to leave in memory, in bytes; 0 where it isn't known.
  public var expectedBytes: Int
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
public struct TaskGraph: Sendable {
  /// The layers; a layer's number is its place here, and its inputs come from layers before it.
  public var layers: [TaskLayer]
  /// The tasks whose blocks are kept for the caller. May name a task more than once.
  public var results: [TaskID]

  /// A graph that wants `results` of `layers`. Nothing is checked here: `Scheduler.init` is what throws.
  public init(layers: [TaskLayer], results: [TaskID]) {
    self.layers = layers
    self.results = results
  }
}
