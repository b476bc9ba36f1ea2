/// What one rank has done in a session.
package struct RankFigures: Hashable, Sendable {
  /// What of it has one size in memory.
  package struct Counts: BitwiseCopyable, Hashable, Sendable {
    package var rank = 0
    /// From the session's start, in nanoseconds; so are all times.
    package var wall = 0
    /// For how long its threads had nothing to do, all together.
    package var waiting = 0
    package var sentBlocks = 0
    package var sentBytes = 0
    package var receivedBlocks = 0
    package var receivedBytes = 0
    /// For how long at least one block was on its way here.
    package var receiving = 0
    package var spilledBlocks = 0
    package var spilledBytes = 0
    package var unspilledBytes = 0
    /// For how long at least one block was on its way to local scratch or back.
    package var spilling = 0
    /// Reading and writing chunks of files, within tasks.
    package var files = FileTime.Totals()
    /// The most that the process ever held of the machine's memory, in bytes; 0 where the kernel doesn't say.
    package var peakMemory = 0

    package init() {}
  }

  package var counts: Counts
  package var operations: [OperationTotals]

  package init(_ counts: Counts = Counts(), operations: [OperationTotals] = []) {
    self.counts = counts
    self.operations = operations
  }

  package var tasks: Int { operations.reduce(0) { $0 + $1.counts.tasks } }
  /// Nanoseconds in tasks.
  package var taskTime: Int { operations.reduce(0) { $0 + $1.counts.nanoseconds } }

  func write(to buffer: WireBuffer) {
    buffer.put(counts)
    buffer.put(operations.count)
    for operation in operations {
      buffer.put(bytes: Array(operation.name.utf8))
      buffer.put(operation.counts)
    }
  }

  init(from reader: inout WireReader) {
    counts = reader.get()
    let count = reader.get(Int.self)
    operations = []
    for _ in 0..<count {
      let name = String(decoding: reader.getBytes(), as: UTF8.self)
      operations.append(OperationTotals(name, reader.get()))
    }
  }
}
