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
  /// Layers that rank 0 is done with before this rank's program has come to them.
  private var forgottenAhead: [Range<Int>] = []

  /// The number of the first layer that hasn't been registered.
  var nextNumber: Int { firstNumber + layers.count }

  subscript(number: UInt32) -> RegisteredLayer? {
    let place = Int(number) - firstNumber
    return layers.indices.contains(place) ? layers[place] : nil
  }

  /// Adds layers, numbered from `firstNumber` on, which is no lower than `nextNumber`.
  mutating func register(_ new: [Layer], from number: Int) {
    if layers.isEmpty { firstNumber = number }
    while nextNumber < number { layers.append(nil) }
    for layer in new { layers.append(RegisteredLayer(layer)) }
    while let range = forgottenAhead.first(where: { $0.lowerBound < nextNumber }) {
      forgottenAhead.removeAll { $0 == range }
      forget(range)
    }
  }

  /// Lets go of layers' closures, which are the caller's to drop: handles that they hold may call anything.
  @discardableResult
  mutating func forget(_ numbers: Range<Int>) -> [RegisteredLayer] {
    var gone: [RegisteredLayer] = []
    forget(numbers, into: &gone)
    return gone
  }

  private mutating func forget(_ numbers: Range<Int>, into list: inout [RegisteredLayer]) {
    if numbers.upperBound > nextNumber {
      forgottenAhead.append(max(numbers.lowerBound, nextNumber)..<numbers.upperBound)
    }
    for number in numbers.clamped(to: firstNumber..<nextNumber) {
      if let layer = layers[number - firstNumber].take() { list.append(layer) }
    }
    guard numbers.lowerBound <= firstNumber else { return }
    let gone = layers.prefix { $0 == nil }.count
    // Not one at a time: what is left is moved.
    if gone > layers.count / 2 {
      layers.removeSubrange(..<gone)
      firstNumber += gone
    }
  }
}
