package import MusterScheduling

/// Graphs at random: layers of all the shapes that array programs have, with the awkward ones among them.
package struct RandomGraph {
  private var random: SplitMix64
  private var inputs: [[[TaskID]]] = []

  private init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// - Parameter width: about how many tasks a layer has at most.
  package static func graph(seed: UInt64, width: Int) -> TaskGraph {
    var builder = RandomGraph(seed: seed)
    return builder.build(width: width)
  }

  private mutating func build(width: Int) -> TaskGraph {
    inputs.append(Array(repeating: [], count: Int.random(in: 1...width, using: &random)))
    for _ in 0..<Int.random(in: 0...8, using: &random) { addLayer(width: width) }
    var results: [TaskID] = []
    let last = inputs.count - 1
    switch Int.random(in: 0..<20, using: &random) {
    case 0:  // nothing at all
      break
    case 1...9:  // a whole layer
      results = (0..<inputs[last].count).map { TaskID(layer: last, index: $0) }
    case 10...13:  // one task
      results = [task(of: last)].compactMap { $0 }
    default:  // some of any layer, perhaps twice, inputs of others among them
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        if let result = task(of: Int.random(in: 0...last, using: &random)) { results.append(result) }
      }
    }
    let inputs = self.inputs
    return TaskGraph(
      layers: inputs.enumerated().map { number, tasks in
        let bytes = random.chance(0.5) ? 1000 : 0
        return TaskLayer(name: "layer \(number)", count: tasks.count, expectedBytes: bytes) { index, into in
          into += tasks[index]
        }
      }, results: results)
  }

  private mutating func task(of layer: Int) -> TaskID? {
    guard !inputs[layer].isEmpty else { return nil }
    return TaskID(layer: layer, index: Int.random(in: 0..<inputs[layer].count, using: &random))
  }

  private mutating func addLayer(width: Int) {
    let number = inputs.count
    let earlier = random.chance(0.7) ? number - 1 : Int.random(in: 0..<number, using: &random)
    let other = Int.random(in: 0..<number, using: &random)
    let count = inputs[earlier].count
    func of(_ index: Int) -> TaskID { TaskID(layer: earlier, index: index) }
    switch Int.random(in: 0..<14, using: &random) {
    case 0:  // roots
      inputs.append(Array(repeating: [], count: Int.random(in: 0...width, using: &random)))
    case 1:  // elementwise
      inputs.append((0..<count).map { [of($0)] })
    case 2:  // elementwise of two layers
      let second = inputs[other].count
      inputs.append((0..<min(count, second)).map { [of($0), TaskID(layer: other, index: $0)] })
    case 3:  // a level of a reduction tree
      let fan = Int.random(in: 2...4, using: &random)
      inputs.append(stride(from: 0, to: count, by: fan).map { ($0..<min(count, $0 + fan)).map(of) })
    case 4, 11, 12:  // all to all
      let all = (0..<min(count, 12)).map(of)
      inputs.append(Array(repeating: all, count: Int.random(in: 1...width, using: &random)))
    case 5:  // a stencil
      inputs.append((0..<count).map { (max(0, $0 - 1)..<min(count, $0 + 2)).map(of) })
    case 6, 13:  // one task of another layer for all
      let shared = task(of: other)
      inputs.append((0..<count).map { [of($0)] + [shared].compactMap { $0 } })
    case 7:  // a diamond
      let shared = task(of: earlier)
      inputs.append((0..<2).map { _ in [shared].compactMap { $0 } })
    case 8:  // one input several times
      inputs.append((0..<count).map { [of($0), of(count - 1 - $0), of($0)] })
    case 9:  // a reduction at once
      inputs.append([(0..<count).map(of)])
    default:  // anything of anything, roots among them
      inputs.append(
        (0..<Int.random(in: 1...width, using: &random)).map { _ in
          (0..<Int.random(in: 0...5, using: &random)).compactMap { _ in
            task(of: Int.random(in: 0..<number, using: &random))
          }
        })
    }
  }
}
