/// How the ranks of one node share its processors. A value: what each may run on is an argument.
package struct NodeProcessors: Sendable {
  /// What one rank may run on.
  package struct Allowance: Sendable {
    /// The processors of its affinity mask.
    package var mask: ProcessorMask
    /// Stands for its control group: ranks with the same number are in the same one.
    package var group: UInt64

    package init(mask: ProcessorMask, group: UInt64) {
      self.mask = mask
      self.group = group
    }
  }

  /// How many threads this rank runs tasks on.
  package let threads: Int
  /// More ranks than processors: then waiting gives the processor up at once.
  package let isOversubscribed: Bool

  /// A launcher may have bound each rank to processors of its own, several to the same socket, or none at all: each
  /// processor is shared in equal parts by the workers that may run on it.
  ///
  /// - Parameters:
  ///   - allowances: what each rank of this node may run on.
  ///   - own: this rank's index among them.
  ///   - workers: the indices of those that run tasks.
  ///   - limit: how many processors this rank's control group grants all ranks in it together.
  package init(_ allowances: [Allowance], own: Int, workers: Range<Int>, limit: Int) {
    let mask = allowances[own].mask
    var share = 0.0
    for number in 0..<8 * mask.bytes.count where mask.contains(number) {
      share += 1 / Double(max(1, allowances[workers].count { $0.mask.contains(number) }))
    }
    let mates = allowances.indices.filter { allowances[$0].group == allowances[own].group }
    // A control group that grants less than what its workers have between them cuts their shares alike.
    let part = Double(limit) / Double(max(1, mates.count(where: workers.contains)))
    threads = max(1, Int(min(share, part) + 1e-9))
    let all = allowances.dropFirst().reduce(allowances[0].mask) { $0.union($1.mask) }.count
    isOversubscribed = allowances.count > all || mates.count > limit
  }
}
