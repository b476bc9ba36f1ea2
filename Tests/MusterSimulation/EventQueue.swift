/// A binary heap of things to happen, by time; what was added first comes first at one time.
struct EventQueue<Element> {
  private var entries: [(time: Int, sequence: Int, element: Element)] = []
  private var sequence = 0

  var isEmpty: Bool { entries.isEmpty }

  private func comesBefore(_ a: Int, _ b: Int) -> Bool {
    (entries[a].time, entries[a].sequence) < (entries[b].time, entries[b].sequence)
  }

  mutating func add(_ element: Element, at time: Int) {
    entries.append((time, sequence, element))
    sequence += 1
    var child = entries.count - 1
    while child > 0, comesBefore(child, (child - 1) / 2) {
      entries.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func next() -> (time: Int, element: Element)? {
    guard let first = entries.first else { return nil }
    let last = entries.removeLast()
    if !entries.isEmpty {
      entries[0] = last
      var parent = 0
      while true {
        var smallest = parent
        for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && comesBefore(child, smallest) {
          smallest = child
        }
        if smallest == parent { break }
        entries.swapAt(parent, smallest)
        parent = smallest
      }
    }
    return (first.time, first.element)
  }
}
