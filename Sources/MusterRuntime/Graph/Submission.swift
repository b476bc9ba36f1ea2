internal import MusterScheduling

/// A graph on its way from the program to the engine: what every rank registers, and rank 0 schedules.
struct Submission: Sendable {
  /// The number of the graph, the same on every rank.
  var graph: GraphID
  /// The plan, with the session's numbers.
  var plan: Plan
  /// The number of the plan's first layer.
  var firstLayer: Int
  /// The fingerprint of all calls so far, this one included: tasks run only where it's the same as on rank 0.
  var fingerprint: Fingerprint
  /// The call, for messages.
  var call: Call
  /// Tasks of a more urgent graph go first.
  var urgency: Int16 = 0
  /// Whether each result is a future's: what becomes of it is noted as soon as it happens.
  var isOfFutures = false

  /// The numbers of its layers.
  var layers: Range<Int> { firstLayer..<firstLayer + plan.layers.count }

  /// The scheduler's view.
  func taskGraph(kinds: inout LayerKinds) -> TaskGraph {
    let layers = plan.layers.map { layer in
      var tasks = layer.tasks
      tasks.kind = kinds.kind(of: layer)
      return tasks
    }
    var graph = TaskGraph(layers: layers, results: plan.results, firstLayer: firstLayer)
    graph.urgency = urgency
    graph.reportsEachResult = isOfFutures
    return graph
  }
}
