/// How the ranks of one node share its processors. A value: what each may run on is an argument.
package struct NodeProcessors: Sendable {
  /// How many threads this rank runs tasks on.
  package let threads: Int
  /// More ranks than processors: then waiting gives the processor up at once.
  package let isOversubscribed: Bool

  /// A launcher may have bound each rank to processors of its own, several to the same socket, or none at all: each
  /// processor is shared in equal parts by the workers that may run on it.
  ///
  /// - Parameters:
  ///   - masks: what each rank of this node may run on.
  ///   - own: this rank's index among them.
  ///   - workers: the indices of those that run tasks.
  ///   - limit: how many processors the node's control group grants all of them together.
  package init(masks: [ProcessorMask], own: Int, workers: Range<Int>, limit: Int) {
    var share = 0.0
    for number in 0..<8 * masks[own].bytes.count where masks[own].contains(number) {
      share += 1 / Double(max(1, masks[workers].count { $0.contains(number) }))
    }
    let all = masks.dropFirst().reduce(masks[0]) { $0.union($1) }.count
    let granted = min(all, limit)
    // A control group that grants less than the masks cuts every rank's share alike.
    threads = max(1, Int(share * Double(granted) / Double(max(1, all)) + 1e-9))
    isOversubscribed = masks.count > granted
  }
}
