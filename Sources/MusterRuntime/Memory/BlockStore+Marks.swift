extension BlockStore {
  /// When blocks go to disk, in bytes.
  package struct Marks: Sendable {
    /// What blocks may take; 0 where there is no limit, and then nothing goes to disk.
    package var limit: Int
    /// A task whose inputs and result hold more never runs.
    package var taskLimit: Int
    /// Past this blocks are written, until what stays is below `low`.
    package var high: Int
    package var low: Int
    /// Past this no task without inputs is let in: what such a one makes frees nothing.
    package var roots: Int
    /// What the inputs of tasks that are let in may take: the rest can always be written.
    package var pinned: Int
    /// Blocks below this stay in memory.
    package var smallestBlock: Int
    /// What is written together, at least where there is so much, and at most but for the last block.
    package var smallestBatch: Int
    package var largestBatch: Int

    /// What is known of a block that is on disk takes about a quarter of this.
    static let smallestSpilled = 1 << 10

    /// - Parameter taskLimit: What one task may take, where that isn't what blocks may take.
    package init(limit: Int, taskLimit: Int? = nil) {
      self.limit = max(0, limit)
      self.taskLimit = max(self.limit, taskLimit ?? 0)
      high = self.limit / 10 * 6
      // Of a few bytes a half is more than six tenths, rounded.
      low = min(high, self.limit / 2)
      roots = self.limit / 10 * 8
      pinned = self.limit / 2
      smallestBlock = Self.smallestSpilled
      smallestBatch = max(1, min(4 << 20, self.limit / 64))
      largestBatch = 64 << 20
    }
  }

  /// Blocks may take more or less from now on.
  package mutating func setLimit(_ limit: Int, into actions: inout [Action]) {
    guard marks.limit > 0, limit != marks.limit else { return }
    var new = Marks(limit: max(1, limit), taskLimit: marks.taskLimit)
    new.smallestBlock = marks.smallestBlock
    marks = new
    settle(into: &actions)
  }
}
