/// What one operation took, all its layers together.
package struct OperationTotals: Hashable, Sendable {
  /// What of it has one size in memory.
  package struct Counts: BitwiseCopyable, Hashable, Sendable {
    /// How often one of its tasks ran, and how many of those runs threw.
    package var tasks = 0
    package var failed = 0
    /// In tasks, and in the longest of them; times are in nanoseconds.
    package var nanoseconds = 0
    package var longest = 0
    /// Of the time in tasks: reading and writing chunks of files.
    package var files = 0
    /// For how long threads had nothing to do before tasks of it.
    package var waiting = 0
    /// For how long at least one block of it was on its way to a rank, and what these blocks hold.
    package var receiving = 0
    package var receivedBytes = 0
    /// What the blocks hold that its tasks made.
    package var bytes = 0

    package init() {}
  }

  package var name: String
  package var counts: Counts

  package init(_ name: String, _ counts: Counts = Counts()) {
    self.name = name
    self.counts = counts
  }

  package init(_ name: String, _ fill: (inout Counts) -> Void) {
    self.init(name)
    fill(&counts)
  }

  /// In nanoseconds.
  package var mean: Int { counts.tasks == 0 ? 0 : counts.nanoseconds / counts.tasks }

  package mutating func add(_ other: OperationTotals) {
    counts.tasks += other.counts.tasks
    counts.failed += other.counts.failed
    counts.nanoseconds += other.counts.nanoseconds
    counts.longest = max(counts.longest, other.counts.longest)
    counts.files += other.counts.files
    counts.waiting += other.counts.waiting
    counts.receiving += other.counts.receiving
    counts.receivedBytes += other.counts.receivedBytes
    counts.bytes += other.counts.bytes
  }

  /// What threads spent in its tasks, and before them with nothing to do.
  private var spent: Int { counts.nanoseconds + counts.waiting }

  /// All of one name made one, those first that threads spent most on.
  package static func merged(_ totals: some Sequence<OperationTotals>) -> [OperationTotals] {
    var byName: [String: OperationTotals] = [:]
    for entry in totals { byName[entry.name, default: OperationTotals(entry.name)].add(entry) }
    return byName.values.sorted { ($1.spent, $0.name) < ($0.spent, $1.name) }
  }
}
