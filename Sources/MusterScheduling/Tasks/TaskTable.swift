/// The tasks that the results need, numbered depth-first: a task's ordinal is its priority, lower first.
struct TaskTable: Sendable {
  /// One for each task, by ordinal, and one behind the last that ends its edges.
  var records: ContiguousArray<TaskRecord> = []
  /// The inputs of all tasks as ordinals, without repetitions in a task; a task's are contiguous.
  var inputs: ContiguousArray<UInt32> = []
  /// The consumers of all tasks as ordinals; a task's are contiguous and ascend.
  var consumers: ContiguousArray<UInt32> = []
  /// The ordinals of the tasks without inputs, ascending.
  var roots: ContiguousArray<UInt32> = []
  var ordinals: OrdinalMap

  var count: Int { records.count - 1 }

  func inputRange(of task: Int) -> Range<Int> {
    Int(records[task].inputsStart)..<Int(records[task + 1].inputsStart)
  }

  func consumerRange(of task: Int) -> Range<Int> {
    Int(records[task].consumersStart)..<Int(records[task + 1].consumersStart)
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
    var range = consumerRange(of: task)
    while !range.isEmpty {
      let middle = range.lowerBound + range.count / 2
      if consumers[middle] == consumer { return true }
      range = consumers[middle] < consumer ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
    }
    return false
  }
}
