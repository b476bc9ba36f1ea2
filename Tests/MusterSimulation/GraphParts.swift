import MusterScheduling

extension TaskGraph {
  /// The graph as several that build on each other: one ends before each of the layers `ends`, the last with the last
  /// layer. A part's results are the whole's, and what later parts take of it.
  func split(at ends: [Int]) -> [TaskGraph] {
    guard !ends.isEmpty else { return [self] }
    var needed = Set(results)
    var pending = results
    while let task = pending.popLast() {
      for input in inputs(of: task) where needed.insert(input).inserted { pending.append(input) }
    }
    let bounds = [0] + ends + [layers.count]
    func part(of layer: UInt32) -> Int { bounds.lastIndex { $0 <= Int(layer) } ?? 0 }
    var kept = Set<TaskID>()
    for task in needed {
      for input in inputs(of: task) where part(of: input.layer) < part(of: task.layer) { kept.insert(input) }
    }
    return zip(bounds, bounds.dropFirst()).map { first, end in
      let own = first..<end
      let wanted = results.filter { own.contains(Int($0.layer)) } + kept.filter { own.contains(Int($0.layer)) }.sorted()
      return TaskGraph(layers: Array(layers[own]), results: wanted, firstLayer: first)
    }
  }

  /// The tasks of earlier graphs that it takes, or has as results.
  func takenOfOthers() -> Set<TaskID> {
    var pending = results
    var seen = Set(pending)
    while let task = pending.popLast() {
      guard Int(task.layer) >= firstLayer else { continue }
      var inputs: [TaskID] = []
      layers[Int(task.layer) - firstLayer].inputs(Int(task.index), &inputs)
      for input in inputs where seen.insert(input).inserted { pending.append(input) }
    }
    return seen.filter { Int($0.layer) < firstLayer }
  }
}
