extension BlockStore {
  /// When blocks go to disk, in bytes.
  package struct Marks: Sendable {
    /// What blocks may take; 0 where there is no limit, and then nothing goes to disk.
    package var limit: Int
    /// A task whose inputs and result hold more never runs.
    package var taskLimit: Int
    /// The process's limit, and what the program takes itself, for who hears of that.
    package fileprivate(set) var processLimit: Int
    package fileprivate(set) var programBytes = 0
    /// Past this blocks are written, until what stays is below `low`.
    package var high: Int
    package var low: Int
    /// Past this no task without inputs is let in: what such a one makes frees nothing.
    package var roots: Int
    /// What the inputs of tasks that are let in may take: the rest can always be written.
    package var pinned: Int
    /// Blocks below this stay in memory.
    package var smallestBlock: Int
    /// Larger blocks stay with the transport until they have gone; others go along in messages.
    package var largestInMessage = BlockTransit.largestInMessage
    /// What is written together, at least where there is so much, and at most but for the last block.
    package var smallestBatch: Int
    package var largestBatch: Int

    /// What is known of a block that is on disk takes about a quarter of this.
    static let smallestSpilled = 1 << 10

    package init(limit: Int) {
      self.limit = max(0, limit)
      taskLimit = self.limit
      processLimit = self.limit
      high = self.limit / 10 * 6
      // Of a few bytes a half is more than six tenths, rounded.
      low = min(high, self.limit / 2)
      roots = self.limit / 10 * 8
      pinned = self.limit / 2
      smallestBlock = Self.smallestSpilled
      smallestBatch = max(1, min(4 << 20, self.limit / 64))
      largestBatch = 64 << 20
    }

    /// Those of a process, of whose limit the program takes a part.
    package init(_ budget: MemoryBudget) {
      self.init(limit: budget.limit == 0 ? 0 : budget.blockLimit)
      taskLimit = max(limit, budget.taskLimit)
      (processLimit, programBytes) = (budget.limit, budget.baseline)
    }
  }

  /// Blocks may take more or less from now on.
  package mutating func setLimit(_ limit: Int, into actions: inout [Action]) {
    guard marks.limit > 0, limit != marks.limit else { return }
    var new = Marks(limit: max(1, limit))
    (new.taskLimit, new.processLimit, new.programBytes) = (marks.taskLimit, marks.processLimit, marks.programBytes)
    (new.smallestBlock, new.largestInMessage) = (marks.smallestBlock, marks.largestInMessage)
    marks = new
    settle(into: &actions)
  }
}
