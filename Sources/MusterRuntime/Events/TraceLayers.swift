package import MusterScheduling

/// The names of the layers that events name by number: those of the last collectives, since a program may run for long.
package struct TraceLayers: Sendable {
  /// A layer of a collective.
  package struct Entry: Hashable, Sendable {
    package var collective: UInt32
    package var layer: Int
    package var name: String
    package var callSite: CallSite?
  }

  /// How many names are kept.
  package static let capacity = 1 << 16

  private let capacity: Int
  private var collectives: [UInt32: [(name: String, callSite: CallSite?)]] = [:]
  /// The collectives in the order in which they came, the oldest first.
  private var order: [UInt32] = []
  private var forgotten = 0
  private var count = 0

  package init(capacity: Int = TraceLayers.capacity) { self.capacity = capacity }

  /// Takes the names of a plan's layers; forgets those of the oldest collectives where there are too many.
  package mutating func register(_ plan: Plan, collective: UInt32) {
    guard collectives[collective] == nil else { return }
    collectives[collective] = plan.layers.map { ($0.tasks.name, $0.callSite) }
    order.append(collective)
    count += plan.layers.count
    while count > capacity, forgotten < order.count - 1 {
      count -= collectives.removeValue(forKey: order[forgotten])?.count ?? 0
      forgotten += 1
    }
    if forgotten > 1024, forgotten > order.count / 2 {
      order.removeFirst(forgotten)
      forgotten = 0
    }
  }

  /// The name of a layer; nil where it has been forgotten.
  package func name(of task: TaskID, collective: UInt32) -> String? {
    guard let layers = collectives[collective], Int(task.layer) < layers.count else { return nil }
    return layers[Int(task.layer)].name
  }

  /// All that are kept, in the order of the collectives.
  package var entries: [Entry] {
    order.dropFirst(forgotten).flatMap { collective in
      (collectives[collective] ?? []).enumerated().map { number, layer in
        Entry(collective: collective, layer: number, name: layer.name, callSite: layer.callSite)
      }
    }
  }
}
