/// Numbers for the calls in a program that layers come of: those of one call are of one kind to the scheduler.
struct LayerKinds: Sendable {
  private struct Key: Hashable {
    var name: String
    var callSite: CallSite
  }

  /// A program that makes up names doesn't fill the memory: later calls are like no other.
  private static let limit = 4096

  private var numbers: [Key: Int] = [:]

  /// The kind of a layer; nil where no call is known of: it's like no other.
  mutating func kind(of layer: Layer) -> Int? {
    guard let callSite = layer.callSite else { return nil }
    let key = Key(name: layer.tasks.name, callSite: callSite)
    if let number = numbers[key] { return number }
    guard numbers.count < Self.limit else { return nil }
    numbers[key] = numbers.count
    return numbers.count - 1
  }
}
