/// A graph that can't be scheduled because it contradicts itself.
public enum SchedulingError: Error, Equatable, Sendable {
  /// A wanted result names a layer or an index that doesn't exist.
  case resultOutOfRange(TaskID)
  /// A task names an input whose layer or index doesn't exist.
  case inputOutOfRange(task: TaskID, layerName: String, input: TaskID)
  /// A task names an input in its own layer or a later one, where only earlier ones are allowed.
  case inputNotEarlier(task: TaskID, layerName: String, input: TaskID)
  /// A layer's count is negative or doesn't fit the 32 bits of a task's index.
  case layerCount(layer: Int, layerName: String, count: Int)
  /// A graph's layers begin with a number that layers added before it have.
  case layerNumber(first: Int, next: Int)
  /// A graph needs a task of an earlier graph whose block isn't kept any more.
  case inputReleased(TaskID)
  /// A graph with this number has been added already.
  case graphNumber(GraphID)
  /// More tasks, or more dependencies, than 32 bits can number.
  case graphTooLarge
}

extension SchedulingError: CustomStringConvertible {
  /// The contradiction and what to do about it, as one line without a full stop.
  public var description: String {
    switch self {
    case .resultOutOfRange(let task):
      "the result \(task) is outside the graph: no such layer, or the layer has fewer tasks"
    case .inputOutOfRange(let task, let name, let input):
      "task \(task) of '\(name)' needs \(input), which is outside the graph: no such layer, or it has fewer tasks"
    case .inputNotEarlier(let task, let name, let input):
      "task \(task) of '\(name)' needs \(input), which isn't of an earlier layer: add layers in the order of their use"
    case .layerCount(let layer, let name, let count):
      "layer \(layer) ('\(name)') has \(count) tasks: the count must be in 0 ..< 2^32 - 1; use larger chunks"
    case .layerNumber(let first, let next):
      "the graph's layers begin with number \(first), which is taken: number \(next) is the first that is free"
    case .inputReleased(let task):
      "task \(task) of an earlier graph is needed, but its block isn't kept: name it among that graph's results, and "
        + "release it later"
    case .graphNumber(let graph):
      "\(graph) has been added already: give each graph a number of its own"
    case .graphTooLarge:
      "the graph has 2^32 or more tasks or dependencies: use larger chunks, or compute it in parts"
    }
  }
}
