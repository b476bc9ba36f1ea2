internal import MusterScheduling

/// A plan as text for Graphviz: each task that the results need is a box, or, where there are too many of them, each
/// layer is one with the number of its tasks.
struct GraphPicture {
  /// Beyond so many tasks layers are drawn: nobody can read more boxes, and Graphviz takes long over them.
  static let largestTaskCount = 1000

  private let plan: Plan
  /// The tasks that the results need, each after its inputs, and how many of each layer.
  private var tasks: [TaskID] = []
  private var counts: [Int]
  /// Between layers.
  private var links: Set<Link> = []

  private struct Link: Hashable, Comparable {
    var from: UInt32
    var to: UInt32
    static func < (a: Link, b: Link) -> Bool { (a.to, a.from) < (b.to, b.from) }
  }

  /// O(tasks and dependencies).
  init(_ plan: Plan) {
    self.plan = plan
    counts = Array(repeating: 0, count: plan.layers.count)
    var seen: Set<TaskID> = []
    var pending = plan.results
    while let task = pending.popLast() {
      guard seen.insert(task).inserted else { continue }
      tasks.append(task)
      counts[Int(task.layer)] += 1
      for input in inputs(of: task) {
        links.insert(Link(from: input.layer, to: task.layer))
        pending.append(input)
      }
    }
    tasks.sort { ($0.layer, $0.index) < ($1.layer, $1.index) }
  }

  /// Whether every task has a box of its own.
  var drawsTasks: Bool { tasks.count <= Self.largestTaskCount }

  private func inputs(of task: TaskID) -> [TaskID] {
    var inputs: [TaskID] = []
    plan.layers[Int(task.layer)].tasks.inputs(Int(task.index), &inputs)
    return inputs
  }

  /// In the language of Graphviz. The same for the same plan.
  var text: String {
    var lines = [
      "digraph muster {", "  rankdir=BT;",
      "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef3f8\", fontname=\"Helvetica\", fontsize=10];",
      "  edge [color=\"#607080\", arrowsize=0.6];",
    ]
    lines += drawsTasks ? taskLines : layerLines
    return (lines + ["}", ""]).joined(separator: "\n")
  }

  private var taskLines: [String] {
    let results = Set(plan.results)
    let boxes = tasks.map { task in
      "  \(name(task)) [label=\(label(task)), tooltip=\(tooltip(task.layer))\(results.contains(task) ? Self.result : "")];"
    }
    let arrows = tasks.flatMap { task in inputs(of: task).map { "  \(name($0)) -> \(name(task));" } }
    return boxes + arrows
  }

  private var layerLines: [String] {
    let results = Set(plan.results.map(\.layer))
    let boxes = plan.layers.indices.filter { counts[$0] > 0 }.map { layer in
      let text = "\(plan.layers[layer].tasks.name)\n\(counts[layer]) \(counts[layer] == 1 ? "task" : "tasks")"
      let number = UInt32(layer)
      return
        "  l\(layer) [label=\(Self.quoted(text)), tooltip=\(tooltip(number))\(results.contains(number) ? Self.result : "")];"
    }
    return boxes + links.sorted().map { "  l\($0.from) -> l\($0.to);" }
  }

  private static let result = ", fillcolor=\"#ffe9c7\", penwidth=2"

  private func name(_ task: TaskID) -> String { "t\(task.layer)_\(task.index)" }

  private func label(_ task: TaskID) -> String {
    let layer = plan.layers[Int(task.layer)].tasks
    return Self.quoted(layer.count == 1 ? layer.name : "\(layer.name)[\(task.index)]")
  }

  /// The call that asked for it.
  private func tooltip(_ layer: UInt32) -> String {
    Self.quoted(plan.layers[Int(layer)].callSite.map { "\($0)" } ?? plan.layers[Int(layer)].tasks.name)
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for character in text {
      switch character {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      default: quoted.append(character)
      }
    }
    return quoted + "\""
  }
}
