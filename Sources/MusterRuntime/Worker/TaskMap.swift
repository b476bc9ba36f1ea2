package import MusterScheduling

/// Values by task. What a dictionary does, at a fraction of the cost of its hash, which is made to withstand keys that
/// somebody chose with intent: a task is looked up several times in its life, and may take less than a microsecond.
///
/// Open addressing with linear probing; what is removed is filled from behind, so that nothing marks its place (Knuth, The
/// Art of Computer Programming, volume 3, 6.4, algorithm R). Eight tasks that follow each other in a layer lie side by
/// side: they tend to be used together. All operations are O(1) on average.
package struct TaskMap<Value> {
  /// `free` where nothing is stored; the value is nil there.
  private var keys: ContiguousArray<TaskID> = []
  private var values: ContiguousArray<Value?> = []
  /// The number of values.
  package private(set) var count = 0
  private var mask = 0

  private static var smallest: Int { 16 }
  /// No layer has as many tasks.
  private static var free: TaskID { TaskID(layer: Int(UInt32.max), index: Int(UInt32.max)) }

  package init() {}

  package var isEmpty: Bool { count == 0 }

  /// Where a task belongs.
  private func home(_ task: TaskID) -> Int {
    let group = UInt64(task.layer) << 32 | UInt64(task.index >> 3)
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014), shortened: layers and groups are small numbers.
    let mixed = (group ^ (group >> 29)) &* 0xBF58_476D_1CE4_E5B9
    return (Int(truncatingIfNeeded: mixed >> 32) << 3 | Int(task.index & 7)) & mask
  }

  /// Where a task is, or the free place where it belongs. There is always one: at most half of them are taken.
  private func place(of task: TaskID) -> Int {
    var place = home(task)
    while keys[place] != task && keys[place] != Self.free { place = (place + 1) & mask }
    return place
  }

  package subscript(_ task: TaskID) -> Value? {
    get {
      guard count > 0 else { return nil }
      return values[place(of: task)]
    }
    set {
      guard let newValue else {
        removeValue(forKey: task)
        return
      }
      if 2 * (count + 1) > values.count { resize(to: Swift.max(Self.smallest, 2 * values.count)) }
      let place = place(of: task)
      if keys[place] != task {
        keys[place] = task
        count += 1
      }
      values[place] = newValue
    }
  }

  /// Stores a value where there is none. Returns whether there was none.
  package mutating func insert(_ value: Value, for task: TaskID) -> Bool {
    if 2 * (count + 1) > values.count { resize(to: Swift.max(Self.smallest, 2 * values.count)) }
    let place = place(of: task)
    guard keys[place] != task else { return false }
    keys[place] = task
    values[place] = value
    count += 1
    return true
  }

  package func contains(_ task: TaskID) -> Bool { count > 0 && keys[place(of: task)] == task }

  /// Changes a value in place; nil where there is none.
  package mutating func change<Result>(_ task: TaskID, _ body: (inout Value) throws -> Result) rethrows -> Result? {
    guard count > 0 else { return nil }
    let place = place(of: task)
    guard keys[place] == task else { return nil }
    return try body(&values[place]!)
  }

  @discardableResult
  package mutating func removeValue(forKey task: TaskID) -> Value? {
    guard count > 0 else { return nil }
    var free = place(of: task)
    guard keys[free] == task else { return nil }
    let removed = values[free].take()
    count -= 1
    var place = (free + 1) & mask
    while keys[place] != Self.free {
      // A value may move back as far as where it belongs.
      if (place - home(keys[place])) & mask >= (place - free) & mask {
        keys[free] = keys[place]
        values.swapAt(free, place)
        free = place
      }
      place = (place + 1) & mask
    }
    keys[free] = Self.free
    if values.count > Self.smallest && 16 * count < values.count { resize(to: values.count / 4) }
    return removed
  }

  package mutating func removeAll() { self = TaskMap() }

  private mutating func resize(to capacity: Int) {
    var old = TaskMap()
    swap(&old, &self)
    count = old.count
    mask = capacity - 1
    keys = ContiguousArray(repeating: Self.free, count: capacity)
    values = ContiguousArray(repeating: nil, count: capacity)
    for place in old.keys.indices where old.keys[place] != Self.free {
      let task = old.keys[place]
      let new = self.place(of: task)
      keys[new] = task
      swap(&values[new], &old.values[place])
    }
  }

  /// The tasks, in no order that means anything, but the same one in every run.
  package var tasks: [TaskID] { keys.filter { $0 != Self.free } }
}

extension TaskMap: Sequence {
  package func makeIterator() -> some IteratorProtocol<(key: TaskID, value: Value)> {
    zip(keys, values).lazy.compactMap { key, value in value.map { (key: key, value: $0) } }.makeIterator()
  }
}

extension TaskMap: Sendable where Value: Sendable {}
