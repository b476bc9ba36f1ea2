/// How a worker's memory is divided. The limit is meant for the process as a whole: blocks get what is left of it by the
/// program with its libraries, and by what tasks need besides the blocks that stay.
package struct MemoryBudget: Sendable {
  /// What the process may take, in bytes.
  package let limit: Int
  /// What it took before there were blocks.
  package let baseline: Int
  /// What it takes besides blocks that stay: at most, as far as it was seen, and slowly less where it was less since.
  package private(set) var otherBytes: Int
  /// What has been stored since somebody had a look at the process's memory.
  private var unseenBytes = 0
  private var lastStored = 0
  private var lastReserved = 0
  /// The most that the process has ever taken, when that was last looked at.
  private var highWater: Int
  /// What it took besides blocks when it came close to the limit: it keeps that distance.
  private var lastingBytes = 0

  /// For tasks' own memory until more is known of it; a part of the limit.
  private static let taskPart = 16
  /// Blocks, and a task, get at least this part: a limit that the program itself takes up can't be kept by spilling.
  private static let leastPart = 4
  /// How much of what isn't taken any more is given to blocks each time.
  private static let decay = 16

  /// So many tasks that run at a time have a part each before anything was seen.
  private static let expectedTasks = 4

  /// - Parameters:
  ///   - limit: What the process may take, in bytes.
  ///   - baseline: What it takes before there are blocks.
  ///   - highWater: The most that it has taken before.
  ///   - threads: How many tasks may run at a time.
  package init(limit: Int, baseline: Int, highWater: Int = 0, threads: Int = 1) {
    self.limit = limit
    self.highWater = highWater
    self.baseline = max(0, baseline)
    otherBytes = self.baseline + min(threads, Self.expectedTasks) * (limit / Self.taskPart)
  }

  /// Of this process as it is now.
  init(limit: Int, threads: Int) {
    var baseline = ProcessMemory.resident?.total ?? 0
    if limit > 0, baseline > limit / Self.leastPart {
      // What is free within the process, a session before this one has left it, is no part of the program.
      ProcessMemory.trim()
      baseline = ProcessMemory.resident?.total ?? 0
    }
    self.init(limit: limit, baseline: baseline, highWater: ProcessMemory.highWater ?? 0, threads: threads)
  }

  /// What blocks may take, in bytes. So much as may change before anybody looks is left free.
  package var blockLimit: Int {
    max(limit / Self.leastPart, limit - otherBytes - limit / MemoryReports.parts)
  }

  /// What one task may take, in bytes: what the program leaves of the limit. Blocks that stay can leave memory for it.
  package var taskLimit: Int { max(limit / Self.leastPart, limit - baseline) }

  /// Whether to have a look at the process's memory, before a block of so many bytes is stored: where as much as is reported
  /// has been stored since. What others leave may stay with the process, so that it grows while they don't.
  package mutating func isLookDue(storing bytes: Int) -> Bool {
    guard limit > 0 else { return false }
    unseenBytes += bytes
    guard unseenBytes >= max(1, limit / MemoryReports.parts) else { return false }
    unseenBytes = 0
    return true
  }

  /// Learns from what the process has taken since the last time.
  ///
  /// - Parameters:
  ///   - resident: The most that was resident, in bytes, as far as blocks made the difference.
  ///   - highWater: The most that was ever resident; nil where that isn't known.
  ///   - storedBytes: What blocks hold that are stored now.
  ///   - reservedBytes: What tasks are making that will be stored.
  /// - Returns: Whether memory that is free within the process should go back to the kernel now.
  package mutating func observe(
    resident: Int, highWater: Int? = nil, storedBytes: Int, reservedBytes: Int = 0
  ) -> Bool {
    // The most was when more was stored, perhaps.
    let stored = max(storedBytes, lastStored)
    var other = max(resident - stored, baseline + limit / Self.taskPart, lastingBytes)
    if let highWater, highWater > self.highWater {
      // What tasks have had for a moment, from any allocator, shows here alone.
      self.highWater = highWater
      // Of what is to be made now, some may not have been begun then.
      let besides = highWater - stored - min(reservedBytes, lastReserved)
      other = max(other, besides)
      if highWater > limit / 10 * 9 { lastingBytes = max(lastingBytes, besides) }
    }
    (lastStored, lastReserved) = (storedBytes, reservedBytes)
    otherBytes = other > otherBytes ? other : otherBytes - (otherBytes - other) / Self.decay
    return resident > limit / 10 * 9
  }

  /// Learns from what this process takes now, before a block is stored.
  ///
  /// - Parameter newBytes: What that block holds, which is reserved until then.
  /// - Returns: As `observe`; nil where there is no limit, or the kernel says nothing.
  mutating func observeProcess(storedBytes: Int, reservedBytes: Int, storing newBytes: Int) -> Bool? {
    guard limit > 0, let peak = ProcessMemory.recentPeak else { return nil }
    return observe(
      resident: peak, highWater: ProcessMemory.highWater, storedBytes: storedBytes + newBytes,
      reservedBytes: max(0, reservedBytes - newBytes))
  }
}
