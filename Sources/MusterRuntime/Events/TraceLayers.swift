package import MusterScheduling

/// The names of the layers that events name by number: those of the last graphs, since a program may run for long.
package struct TraceLayers: Sendable {
  /// A layer of the session.
  package struct Entry: Hashable, Sendable {
    /// Its number in the session.
    package var layer: Int
    package var name: String
    package var callSite: CallSite?
  }

  /// How many names are kept.
  package static let capacity = 1 << 16

  private let capacity: Int
  /// In ascending order of their numbers; the first `forgotten` of them are waiting to be removed.
  private var layers: [Entry] = []
  private var forgotten = 0

  package init(capacity: Int = TraceLayers.capacity) { self.capacity = capacity }

  /// Takes the names of a graph's layers, numbered from `firstLayer` on, which is above all before; forgets the oldest
  /// ones where there are too many. Those of the last graph are kept, however many.
  package mutating func register(_ new: [Layer], from firstLayer: Int) {
    precondition(layers.last.map { $0.layer < firstLayer } ?? true, "layer \(firstLayer) has a name")
    for (offset, layer) in new.enumerated() {
      layers.append(Entry(layer: firstLayer + offset, name: layer.tasks.name, callSite: layer.callSite))
    }
    forgotten = max(forgotten, layers.count - max(capacity, new.count))
    // Not at each graph: what is left is moved.
    if forgotten > 1024, forgotten > layers.count / 2 {
      layers.removeFirst(forgotten)
      forgotten = 0
    }
  }

  /// The name of a task's layer; nil where it has been forgotten.
  package func name(of task: TaskID) -> String? {
    let kept = layers[forgotten...]
    var (low, high) = (kept.startIndex, kept.endIndex)
    while low < high {
      let middle = (low + high) / 2
      if kept[middle].layer < Int(task.layer) { low = middle + 1 } else { high = middle }
    }
    return low < kept.endIndex && kept[low].layer == Int(task.layer) ? kept[low].name : nil
  }

  /// All that are kept, in the order of their numbers.
  package var entries: [Entry] { Array(layers[forgotten...]) }
}
