package import MusterScheduling

/// Values by task. What a dictionary does, at a fraction of the cost of its hash, which is made to withstand keys that
/// somebody chose with intent: a task is looked up several times in its life, and may take less than a microsecond.
///
/// Open addressing with linear probing; what is removed is filled from behind, so that nothing marks its place (Knuth, The
/// Art of Computer Programming, volume 3, 6.4, algorithm R). Eight tasks that follow each other in a layer lie side by
/// side: they tend to be used together. The values lie apart, and stay where they are while tasks move: moving an
/// existential costs more than looking it up. All operations are O(1) on average.
package struct TaskMap<Value> {
  private struct Place: Sendable {
    /// `free` where nothing is stored.
    var task: TaskID
    var slot: UInt32
  }

  private var places: ContiguousArray<Place> = []
  private var values: ContiguousArray<Value?> = []
  /// The slots of `values` that are nil, the last one freed at the end.
  private var freeSlots: ContiguousArray<UInt32> = []
  /// The number of values.
  package private(set) var count = 0
  private var mask = 0

  private static var smallest: Int { 16 }
  /// No layer has as many tasks.
  private static var free: TaskID { TaskID(layer: Int(UInt32.max), index: Int(UInt32.max)) }

  package init() {}

  package var isEmpty: Bool { count == 0 }

  /// Where a task belongs.
  private static func home(_ task: TaskID, _ mask: Int) -> Int {
    let group = UInt64(task.layer) << 32 | UInt64(task.index >> 3)
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014), shortened: layers and groups are small numbers.
    let mixed = (group ^ (group >> 29)) &* 0xBF58_476D_1CE4_E5B9
    return (Int(truncatingIfNeeded: mixed >> 32) << 3 | Int(task.index & 7)) & mask
  }

  /// Where a task is, or the free place where it belongs. There is always one: at most half of them are taken.
  private func place(of task: TaskID) -> Int {
    places.withUnsafeBufferPointer { places in
      var place = Self.home(task, mask)
      while places[place].task != task && places[place].task != Self.free { place = (place + 1) & mask }
      return place
    }
  }

  /// Where the value of a task is.
  private func slot(of task: TaskID) -> Int? {
    guard count > 0 else { return nil }
    let place = places[place(of: task)]
    return place.task == task ? Int(place.slot) : nil
  }

  package subscript(_ task: TaskID) -> Value? {
    get { slot(of: task).flatMap { values[$0] } }
    set {
      guard let newValue else {
        removeValue(forKey: task)
        return
      }
      if let slot = slot(of: task) { values[slot] = newValue } else { _ = insert(newValue, for: task) }
    }
  }

  /// Stores a value where there is none. Returns whether there was none.
  package mutating func insert(_ value: Value, for task: TaskID) -> Bool {
    if 2 * (count + 1) > places.count { resize(to: Swift.max(Self.smallest, 2 * places.count)) }
    let place = place(of: task)
    guard places[place].task != task else { return false }
    let slot: UInt32
    if let free = freeSlots.popLast() {
      slot = free
      values[Int(slot)] = value
    } else {
      slot = UInt32(values.count)
      values.append(value)
    }
    places[place] = Place(task: task, slot: slot)
    count += 1
    return true
  }

  package func contains(_ task: TaskID) -> Bool { slot(of: task) != nil }

  /// Changes a value in place; nil where there is none.
  package mutating func change<Result>(_ task: TaskID, _ body: (inout Value) throws -> Result) rethrows -> Result? {
    guard let slot = slot(of: task) else { return nil }
    return try body(&values[slot]!)
  }

  @discardableResult
  package mutating func removeValue(forKey task: TaskID) -> Value? {
    guard count > 0 else { return nil }
    let found = place(of: task)
    guard places[found].task == task else { return nil }
    let slot = places[found].slot
    let removed = values[Int(slot)].take()
    freeSlots.append(slot)
    count -= 1
    let mask = mask
    places.withUnsafeMutableBufferPointer { places in
      var free = found
      var place = (free + 1) & mask
      while places[place].task != Self.free {
        // A task may move back as far as where it belongs.
        if (place - Self.home(places[place].task, mask)) & mask >= (place - free) & mask {
          places[free] = places[place]
          free = place
        }
        place = (place + 1) & mask
      }
      places[free].task = Self.free
    }
    if places.count > Self.smallest && 16 * count < places.count { resize(to: places.count / 4) }
    return removed
  }

  package mutating func removeAll() { self = TaskMap() }

  private mutating func resize(to capacity: Int) {
    var old: ContiguousArray<Place> = []
    swap(&old, &places)
    let shrinks = capacity < old.count
    mask = capacity - 1
    places = ContiguousArray(repeating: Place(task: Self.free, slot: 0), count: capacity)
    var kept: ContiguousArray<Value?> = []
    if shrinks { kept.reserveCapacity(capacity / 2) }
    for var place in old where place.task != Self.free {
      if shrinks {
        kept.append(values[Int(place.slot)].take())
        place.slot = UInt32(kept.count - 1)
      }
      places[self.place(of: place.task)] = place
    }
    guard shrinks else { return }
    values = kept
    freeSlots = []
  }

  /// The tasks, in no order that means anything, but the same one in every run.
  package var tasks: [TaskID] { places.lazy.map(\.task).filter { $0 != Self.free } }
}

extension TaskMap: Sequence {
  package func makeIterator() -> some IteratorProtocol<(key: TaskID, value: Value)> {
    let values = values
    return places.lazy.compactMap { place in
      place.task == Self.free ? nil : values[Int(place.slot)].map { (key: place.task, value: $0) }
    }.makeIterator()
  }
}

extension TaskMap: Sendable where Value: Sendable {}
