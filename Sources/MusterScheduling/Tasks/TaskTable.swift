/// The tasks that results need, numbered depth-first within each graph, and graphs in the order in which they were
/// added: a task's ordinal is its priority, lower first.
struct TaskTable: Sendable {
  /// One for each task, by ordinal, and one behind the last that ends its edges.
  var records: ContiguousArray<TaskRecord> = [TaskRecord(layer: 0, index: 0, inputsStart: 0)]
  /// The inputs of all tasks as ordinals, without repetitions in a task; a task's are contiguous.
  var inputs: ContiguousArray<UInt32> = []
  /// The consumers of all tasks within their graphs as ordinals; a task's are contiguous and ascend.
  var consumers: ContiguousArray<UInt32> = []
  /// The consumers of a task in later graphs, ascending.
  var lateConsumers: [UInt32: ContiguousArray<UInt32>] = [:]
  /// The ordinals of the tasks without inputs, ascending.
  var roots: ContiguousArray<UInt32> = []
  var ordinals = OrdinalMap()

  var count: Int { records.count - 1 }

  func id(of task: Int) -> TaskID {
    let record = records[task]
    return TaskID(layer: Int(ordinals.number(ofSlot: Int(record.layer))), index: Int(record.index))
  }

  func inputRange(of task: Int) -> Range<Int> {
    Int(records[task].inputsStart)..<Int(records[task + 1].inputsStart)
  }

  /// The consumers within the task's graph, as a range of `consumers`.
  func ownConsumerRange(of task: Int) -> Range<Int> {
    Int(records[task].consumersStart)..<Int(records[task + 1].consumersStart)
  }

  /// The consumers of a task, ascending.
  func consumers(of task: Int) -> Consumers {
    let range = ownConsumerRange(of: task)
    let late = records[task].flags.contains(.late) ? lateConsumers[UInt32(task)] : nil
    return Consumers(own: consumers, cursor: range.lowerBound, end: range.upperBound, late: late)
  }

  struct Consumers: Sequence, IteratorProtocol, Sendable {
    fileprivate let own: ContiguousArray<UInt32>
    fileprivate var cursor: Int
    fileprivate let end: Int
    fileprivate let late: ContiguousArray<UInt32>?

    var count: Int { end - cursor + (late?.count ?? 0) }

    mutating func next() -> Int? {
      defer { cursor += 1 }
      if cursor < end { return Int(own[cursor]) }
      guard let late, cursor - end < late.count else { return nil }
      return Int(late[cursor - end])
    }
  }

  func isRoot(_ task: Int) -> Bool {
    records[task].inputsStart == records[task + 1].inputsStart
  }

  /// What the table takes in memory, in bytes.
  var byteCount: Int {
    records.count * MemoryLayout<TaskRecord>.stride
      + (inputs.count + consumers.count + roots.count) * MemoryLayout<UInt32>.stride + ordinals.byteCount
  }

  /// Whether `consumer` is among the consumers of `task`.
  func isConsumer(_ consumer: UInt32, of task: Int) -> Bool {
    Self.contains(consumer, in: consumers, ownConsumerRange(of: task))
      || (records[task].flags.contains(.late)
        && lateConsumers[UInt32(task)].map { Self.contains(consumer, in: $0, $0.indices) } ?? false)
  }

  private static func contains(_ value: UInt32, in sorted: ContiguousArray<UInt32>, _ range: Range<Int>) -> Bool {
    var range = range
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if sorted[middle] == value { return true }
      range = sorted[middle] < value ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
    }
    return false
  }
}
