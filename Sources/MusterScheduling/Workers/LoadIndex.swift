/// Workers by load, so that the least and the most loaded are found in a time that doesn't depend on their number.
/// Loads go into buckets, each a doubly linked list in the order of arrival; a two-level bitmap says which have any.
struct LoadIndex: Sendable {
  /// Loads from here on aren't told apart.
  static let bucketCount = 4096

  private struct Node: Sendable {
    var bucket: Int32 = -1
    var previous: Int32 = -1
    var next: Int32 = -1
  }
  private var nodes: ContiguousArray<Node> = []
  private var heads = ContiguousArray<Int32>(repeating: -1, count: bucketCount)
  private var tails = ContiguousArray<Int32>(repeating: -1, count: bucketCount)
  private var words = ContiguousArray<UInt64>(repeating: 0, count: bucketCount / 64)
  private var summary: UInt64 = 0

  /// The worker that has been in the lowest bucket longest.
  var least: Int? {
    guard summary != 0 else { return nil }
    let word = summary.trailingZeroBitCount
    return Int(heads[word << 6 + words[word].trailingZeroBitCount])
  }

  /// The worker that came last into the highest bucket.
  var most: Int? {
    guard summary != 0 else { return nil }
    let word = 63 - summary.leadingZeroBitCount
    return Int(tails[word << 6 + 63 - words[word].leadingZeroBitCount])
  }

  /// Where the worker is now, or -1.
  func bucket(of worker: Int) -> Int {
    worker < nodes.count ? Int(nodes[worker].bucket) : -1
  }

  mutating func set(_ worker: Int, to load: Int) {
    let bucket = min(Self.bucketCount - 1, max(0, load))
    while nodes.count <= worker { nodes.append(Node()) }
    guard Int(nodes[worker].bucket) != bucket else { return }
    remove(worker)
    let last = tails[bucket]
    nodes[worker] = Node(bucket: Int32(bucket), previous: last, next: -1)
    if last >= 0 {
      nodes[Int(last)].next = Int32(worker)
    } else {
      heads[bucket] = Int32(worker)
      words[bucket >> 6] |= 1 << UInt64(bucket & 63)
      summary |= 1 << UInt64(bucket >> 6)
    }
    tails[bucket] = Int32(worker)
  }

  mutating func remove(_ worker: Int) {
    guard worker < nodes.count, nodes[worker].bucket >= 0 else { return }
    let node = nodes[worker]
    let bucket = Int(node.bucket)
    if node.previous >= 0 { nodes[Int(node.previous)].next = node.next } else { heads[bucket] = node.next }
    if node.next >= 0 { nodes[Int(node.next)].previous = node.previous } else { tails[bucket] = node.previous }
    if heads[bucket] < 0 {
      words[bucket >> 6] &= ~(1 << UInt64(bucket & 63))
      if words[bucket >> 6] == 0 { summary &= ~(1 << UInt64(bucket >> 6)) }
    }
    nodes[worker] = Node()
  }
}
