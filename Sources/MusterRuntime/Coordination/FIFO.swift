/// A queue: in at the end, out at the front, both in constant time on average.
struct FIFO<Element> {
  /// nil before `head` only: what has left is let go of at once.
  private var storage: [Element?] = []
  private var head = 0

  var count: Int { storage.count - head }
  var isEmpty: Bool { head == storage.count }

  mutating func append(_ element: Element) { storage.append(element) }

  mutating func popFirst() -> Element? {
    guard head < storage.count else { return nil }
    defer {
      storage[head] = nil
      head += 1
      if head > 16, head > storage.count / 2 {
        storage.removeFirst(head)
        head = 0
      }
    }
    return storage[head]
  }

  /// O(count).
  mutating func removeAll(where matches: (Element) -> Bool) {
    storage = storage[head...].filter { !matches($0!) }
    head = 0
  }

  /// From the front on.
  var elements: some Collection<Element> { storage[head...].lazy.map { $0! } }
}
