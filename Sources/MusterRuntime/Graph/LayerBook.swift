internal import MusterScheduling

/// A layer by reference: tasks on their way to a thread carry it along.
package final class RegisteredLayer: Sendable {
  package let layer: Layer
  /// The layer's own, at hand for every task.
  let expectedBytes: Int

  package init(_ layer: Layer) {
    self.layer = layer
    expectedBytes = layer.tasks.expectedBytes
  }

  /// A task of it as messages name it: with the call that asked for it, since functions without a name of their own are
  /// all called alike.
  func name(of task: TaskID, _ attempt: Attempt, rank: Int) -> String {
    let name = MusterError.TaskDescription(
      operation: layer.tasks.name, index: Int(task.index), rank: rank, attempt: Int(attempt))
    guard let site = layer.callSite else { return name.description }
    return "\(name) (\(site))"
  }
}

/// The layers of the graphs that a session has now, by number.
struct LayerBook: Sendable {
  private var firstNumber = 0
  private var layers: ContiguousArray<RegisteredLayer?> = []
  /// How many of them aren't forgotten.
  private var left = 0
  /// Those of lower numbers that are left: a few that stay for long don't hold a place for each that came and went since.
  private var old: [UInt32: RegisteredLayer] = [:]
  /// Layers that rank 0 is done with before this rank's program has come to them.
  private var forgottenAhead: [Range<Int>] = []
  /// Those of them that aren't forgotten, but whose tasks have all ended. One by one: they end in any order.
  private var endedAhead: Set<Int> = []
  /// What has gone, for whoever has the book to drop: what functions hold may call anything then.
  private(set) var retired: [RegisteredLayer] = []

  /// The number of the first layer that hasn't been registered.
  var nextNumber: Int { firstNumber + layers.count }

  /// The layers that aren't forgotten. O(layers).
  var count: Int { old.count + layers.count { $0 != nil } }
  /// The places that are taken, those of layers that are forgotten included.
  var placeCount: Int { old.count + layers.count }

  subscript(number: UInt32) -> RegisteredLayer? {
    let place = Int(number) - firstNumber
    if layers.indices.contains(place) { return layers[place] }
    return old.isEmpty ? nil : old[number]
  }

  /// Whether a layer that isn't forgotten has several tasks: one of a single task, such as a submitted call, has no others.
  func hasSeveralTasks(_ number: UInt32) -> Bool { self[number].map { $0.layer.tasks.count > 1 } ?? false }

  /// Adds layers, numbered from `firstNumber` on, which is no lower than `nextNumber`.
  mutating func register(_ new: [Layer], from number: Int) {
    if layers.isEmpty { firstNumber = number }
    while nextNumber < number { layers.append(nil) }
    for layer in new {
      let number = nextNumber
      layers.append(RegisteredLayer(layer))
      if !endedAhead.isEmpty && endedAhead.remove(number) != nil { end(number) }
    }
    left += new.count
    while let range = forgottenAhead.first(where: { $0.lowerBound < nextNumber }) {
      forgottenAhead.removeAll { $0 == range }
      forget(range)
    }
  }

  /// Takes what has gone.
  mutating func takeRetired() -> [RegisteredLayer] {
    var taken: [RegisteredLayer] = []
    swap(&taken, &retired)
    return taken
  }

  /// No task of a layer will begin any more: its functions go, and with them what those have captured. What is known of it
  /// otherwise stays.
  mutating func end(_ number: Int) {
    if number >= nextNumber {
      endedAhead.insert(number)
    } else if number >= firstNumber {
      guard let layer = layers[number - firstNumber] else { return }
      retired.append(layer)
      layers[number - firstNumber] = RegisteredLayer(layer.layer.ended)
    } else if let layer = old[UInt32(number)] {
      retired.append(layer)
      old[UInt32(number)] = RegisteredLayer(layer.layer.ended)
    }
  }

  /// Where few layers are left among many places the older half of the places goes.
  private mutating func putAside() {
    guard layers.count > 1024, left < layers.count / 8 else { return }
    let half = layers.count / 2
    for place in 0..<half {
      guard let layer = layers[place] else { continue }
      old[UInt32(firstNumber + place)] = layer
      left -= 1
    }
    layers.removeSubrange(..<half)
    firstNumber += half
  }

  /// Lets go of all layers.
  mutating func forgetAll() { forget(0..<nextNumber) }

  /// Lets go of layers.
  mutating func forget(_ numbers: Range<Int>) {
    if numbers.upperBound > nextNumber {
      let ahead = max(numbers.lowerBound, nextNumber)..<numbers.upperBound
      if !endedAhead.isEmpty { for number in ahead { endedAhead.remove(number) } }
      // Where this rank is far behind, one after the other is: as one range.
      if let last = forgottenAhead.last, last.upperBound == ahead.lowerBound {
        forgottenAhead[forgottenAhead.count - 1] = last.lowerBound..<ahead.upperBound
      } else {
        forgottenAhead.append(ahead)
      }
    }
    if !old.isEmpty {
      for number in numbers.clamped(to: 0..<firstNumber) {
        if let layer = old.removeValue(forKey: UInt32(number)) { retired.append(layer) }
      }
    }
    for number in numbers.clamped(to: firstNumber..<nextNumber) {
      guard let layer = layers[number - firstNumber].take() else { continue }
      retired.append(layer)
      left -= 1
    }
    putAside()
    guard numbers.lowerBound <= firstNumber else { return }
    let gone = layers.prefix { $0 == nil }.count
    // Not one at a time: what is left is moved.
    if gone > layers.count / 2 {
      layers.removeSubrange(..<gone)
      firstNumber += gone
    }
  }
}
