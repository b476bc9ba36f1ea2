/// How a worker's memory is divided. The limit is meant for the process as a whole: blocks get what is left of it by the
/// program with its libraries, and by what tasks need besides their blocks.
package struct MemoryBudget: Sendable {
  /// What the process may take, in bytes.
  package let limit: Int
  /// What it took before there were blocks.
  package let baseline: Int
  /// The most that it was seen to take besides blocks.
  package private(set) var otherBytes: Int

  /// For tasks' own memory until more is known of it; a part of the limit.
  private static let taskPart = 16
  /// Blocks get at least this part: a limit that the program itself takes up can't be kept by spilling.
  private static let leastPart = 4

  package init(limit: Int, baseline: Int) {
    self.limit = limit
    self.baseline = max(0, baseline)
    otherBytes = self.baseline + limit / Self.taskPart
  }

  /// What blocks may take, in bytes.
  package var blockLimit: Int { max(limit / Self.leastPart, limit - otherBytes) }

  /// Learns from what the process takes now.
  ///
  /// - Parameters:
  ///   - resident: Its resident size.
  ///   - blockBytes: What of it is the block allocator's, used and kept.
  /// - Returns: Whether memory that is free within the process should go back to the kernel now.
  package mutating func observe(resident: Int, blockBytes: Int) -> Bool {
    otherBytes = max(otherBytes, resident - blockBytes)
    return resident > limit / 10 * 9
  }
}
