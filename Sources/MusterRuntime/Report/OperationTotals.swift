/// What the tasks of one operation took, all its layers together.
package struct OperationTotals: Hashable, Sendable {
  package var name: String
  /// How often one of them ran, and how many of those runs threw.
  package var tasks = 0
  package var failed = 0
  /// In tasks, and in the longest of them.
  package var nanoseconds = 0
  package var longest = 0
  /// What the blocks hold that they made.
  package var bytes = 0

  package init(
    _ name: String, tasks: Int = 0, failed: Int = 0, nanoseconds: Int = 0, longest: Int = 0, bytes: Int = 0
  ) {
    self.name = name
    self.tasks = tasks
    self.failed = failed
    self.nanoseconds = nanoseconds
    self.longest = longest
    self.bytes = bytes
  }

  /// In nanoseconds.
  package var mean: Int { tasks == 0 ? 0 : nanoseconds / tasks }

  package mutating func add(_ other: OperationTotals) {
    tasks += other.tasks
    failed += other.failed
    nanoseconds += other.nanoseconds
    longest = max(longest, other.longest)
    bytes += other.bytes
  }

  /// All of one name made one, those that took longest first.
  package static func merged(_ totals: some Sequence<OperationTotals>) -> [OperationTotals] {
    var byName: [String: OperationTotals] = [:]
    for entry in totals { byName[entry.name, default: OperationTotals(entry.name)].add(entry) }
    return byName.values.sorted { ($1.nanoseconds, $0.name) < ($0.nanoseconds, $1.name) }
  }
}
