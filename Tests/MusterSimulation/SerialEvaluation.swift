package import MusterScheduling

/// What the tasks of a simulated graph compute: a number that depends on the task, its inputs and their order.
package func simulatedValue(of task: TaskID, inputs: [UInt64]) -> UInt64 {
  var value = SplitMix64.mix(UInt64(task.layer) << 32 | UInt64(task.index))
  for input in inputs { value = SplitMix64.mix(value &* 31 &+ input) }
  return value
}

extension TaskGraph {
  /// The inputs of a task, repetitions included.
  package func inputs(of task: TaskID) -> [TaskID] {
    var inputs: [TaskID] = []
    layers[Int(task.layer)].inputs(Int(task.index), &inputs)
    return inputs
  }

  /// The results' values, evaluated one task after the other.
  package func evaluateSerially() -> [TaskID: UInt64] {
    var values: [[UInt64]] = []
    for (number, layer) in layers.enumerated() {
      values.append(
        (0..<layer.count).map { index in
          let task = TaskID(layer: number, index: index)
          return simulatedValue(of: task, inputs: inputs(of: task).map { values[Int($0.layer)][Int($0.index)] })
        })
    }
    return Dictionary(
      results.map { ($0, values[Int($0.layer)][Int($0.index)]) }, uniquingKeysWith: { first, _ in first })
  }

  /// The tasks that can't be computed where `culprits` can't: those, and all that take them.
  package func doomed(by culprits: Set<TaskID>) -> Set<TaskID> {
    guard !culprits.isEmpty else { return [] }
    var doomed = culprits
    for (number, layer) in layers.enumerated() {
      for index in 0..<layer.count {
        let task = TaskID(layer: number, index: index)
        if inputs(of: task).contains(where: { doomed.contains($0) }) { doomed.insert(task) }
      }
    }
    return doomed
  }
}
