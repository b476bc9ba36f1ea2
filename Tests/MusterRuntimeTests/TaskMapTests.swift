import MusterRuntime
import MusterScheduling
import MusterSimulation
import Testing

@Suite struct TaskMapTests {
  private func task(_ layer: Int, _ index: Int) -> TaskID { TaskID(layer: layer, index: index) }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func doesWhatADictionaryDoes(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var map = TaskMap<String>()
    var model: [TaskID: String] = [:]
    // Few tasks, so that they meet; then many, then few.
    for step in 0..<20_000 {
      let layers = Int.random(in: 1...4, using: &random)
      let id = task(
        Int.random(in: 0..<layers, using: &random), Int.random(in: 0..<(step < 10_000 ? 4000 : 40), using: &random))
      switch Int.random(in: 0..<(step < 5000 ? 4 : 8), using: &random) {
      case 0...1:
        map[id] = "\(step)"
        model[id] = "\(step)"
      case 2:
        let changed: Bool? = map.change(id) { value in
          value += "!"
          return true
        }
        #expect((changed != nil) == (model[id] != nil))
        model[id]?.append("!")
      case 3: #expect(map[id] == model[id])
      default:
        #expect(map.removeValue(forKey: id) == model.removeValue(forKey: id))
      }
      #expect(map.count == model.count)
    }
    #expect(Dictionary(uniqueKeysWithValues: map.map { ($0.key, $0.value) }) == model)
    for id in map.tasks { map[id] = nil }
    #expect(map.isEmpty && map[task(0, 0)] == nil && map.tasks.isEmpty)
  }

  @Test func copiesAreTheirOwn() {
    var a = TaskMap<Int>()
    a[task(1, 1)] = 1
    var b = a
    b[task(1, 1)] = 2
    b[task(1, 2)] = 3
    #expect(a[task(1, 1)] == 1 && a.count == 1 && b.count == 2)
  }

  @Test func layersOfMillionsDoNotClump() {
    // Ten layers whose indices are the same, with gaps: a bad hash would put them on top of each other.
    var map = TaskMap<Int>()
    for index in stride(from: 0, to: 100_000, by: 3) {
      for layer in 0..<10 { map[task(layer, index)] = index }
    }
    let start = ContinuousClock.now
    for index in stride(from: 0, to: 100_000, by: 3) {
      for layer in 0..<10 { #expect(map.removeValue(forKey: task(layer, index)) == index) }
    }
    #expect(map.isEmpty)
    // A third of a million of them: with clumps it would be minutes.
    #expect(ContinuousClock.now - start < .seconds(60))
  }
}
