/// How a worker's memory is divided. The limit is meant for the process as a whole: blocks get what is left of it by the
/// program with its libraries, and by what tasks need besides the blocks that stay.
package struct MemoryBudget: Sendable {
  /// What the process may take, in bytes.
  package let limit: Int
  /// What it took before there were blocks.
  package let baseline: Int
  /// What it takes besides blocks that stay: at most, as far as it was seen, and slowly less where it was less since.
  package private(set) var otherBytes: Int
  private var lastStored = 0

  /// For tasks' own memory until more is known of it; a part of the limit.
  private static let taskPart = 16
  /// Blocks get at least this part: a limit that the program itself takes up can't be kept by spilling.
  private static let leastPart = 4
  /// How much of what isn't taken any more is given to blocks each time.
  private static let decay = 16

  package init(limit: Int, baseline: Int) {
    self.limit = limit
    self.baseline = max(0, baseline)
    otherBytes = self.baseline + limit / Self.taskPart
  }

  /// What blocks may take, in bytes.
  package var blockLimit: Int { max(limit / Self.leastPart, limit - otherBytes) }

  /// Learns from what the process has taken since the last time.
  ///
  /// - Parameters:
  ///   - resident: The most that was resident, in bytes.
  ///   - storedBytes: What of that blocks hold that are stored now.
  /// - Returns: Whether memory that is free within the process should go back to the kernel now.
  package mutating func observe(resident: Int, storedBytes: Int) -> Bool {
    // The most was when more was stored, perhaps.
    let other = max(resident - max(storedBytes, lastStored), baseline + limit / Self.taskPart)
    lastStored = storedBytes
    otherBytes = other > otherBytes ? other : otherBytes - (otherBytes - other) / Self.decay
    return resident > limit / 10 * 9
  }
}
