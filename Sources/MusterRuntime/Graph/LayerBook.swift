internal import MusterScheduling

/// A layer by reference: tasks on their way to a thread carry it along.
package final class RegisteredLayer: Sendable {
  package let layer: Layer
  /// The layer's own, at hand for every task.
  let expectedBytes: Int

  init(_ layer: Layer) {
    self.layer = layer
    expectedBytes = layer.tasks.expectedBytes
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
  /// Those of them that aren't forgotten, but whose tasks have all ended.
  private var endedAhead: [Range<Int>] = []

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
    for layer in new { layers.append(RegisteredLayer(layer)) }
    left += new.count
    while let range = endedAhead.first(where: { $0.lowerBound < nextNumber }) {
      endedAhead.removeAll { $0 == range }
      end(range)
    }
    while let range = forgottenAhead.first(where: { $0.lowerBound < nextNumber }) {
      forgottenAhead.removeAll { $0 == range }
      forget(range)
    }
  }

  /// No task of these layers will begin any more: their functions go, and with them what those have captured. What is
  /// known of the layers otherwise stays. Returns what is the caller's to drop, as `forget` does.
  @discardableResult
  mutating func end(_ numbers: Range<Int>) -> [RegisteredLayer] {
    var gone: [RegisteredLayer] = []
    if numbers.upperBound > nextNumber {
      Self.append(max(numbers.lowerBound, nextNumber)..<numbers.upperBound, to: &endedAhead)
    }
    for number in numbers.clamped(to: 0..<firstNumber) where !old.isEmpty {
      guard let layer = old[UInt32(number)] else { continue }
      gone.append(layer)
      old[UInt32(number)] = RegisteredLayer(layer.layer.ended)
    }
    for number in numbers.clamped(to: firstNumber..<nextNumber) {
      guard let layer = layers[number - firstNumber] else { continue }
      gone.append(layer)
      layers[number - firstNumber] = RegisteredLayer(layer.layer.ended)
    }
    return gone
  }

  /// Where this rank is far behind, one range comes after the other: they become one.
  private static func append(_ range: Range<Int>, to ranges: inout [Range<Int>]) {
    if let last = ranges.last, last.upperBound == range.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
    } else {
      ranges.append(range)
    }
  }

  /// Lets go of layers' closures, which are the caller's to drop: handles that they hold may call anything.
  @discardableResult
  mutating func forget(_ numbers: Range<Int>) -> [RegisteredLayer] {
    var gone: [RegisteredLayer] = []
    forget(numbers, into: &gone)
    return gone
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

  private mutating func forget(_ numbers: Range<Int>, into list: inout [RegisteredLayer]) {
    if numbers.upperBound > nextNumber {
      Self.append(max(numbers.lowerBound, nextNumber)..<numbers.upperBound, to: &forgottenAhead)
    }
    if !old.isEmpty {
      for number in numbers.clamped(to: 0..<firstNumber) {
        if let layer = old.removeValue(forKey: UInt32(number)) { list.append(layer) }
      }
    }
    for number in numbers.clamped(to: firstNumber..<nextNumber) {
      guard let layer = layers[number - firstNumber].take() else { continue }
      list.append(layer)
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
