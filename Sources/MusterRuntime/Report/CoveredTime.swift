/// For how long at least one of some spans was under way, which come in about the order of their ends. What goes on at the
/// same time counts once.
package struct CoveredTime: Sendable {
  /// How many separate pieces are remembered: a span that began before the oldest of them counts from there on.
  package static let capacity = 128

  /// Ascending, and apart from each other.
  private var pieces: [(begin: Int, end: Int)] = []
  private var forgotten = Int.min
  package private(set) var total = 0

  package init() {}

  package mutating func add(from first: Int, to last: Int) {
    var begin = max(first, forgotten)
    var end = last
    guard end > begin else { return }
    var high = pieces.count
    while high > 0, pieces[high - 1].begin > end { high -= 1 }
    var low = high
    while low > 0, pieces[low - 1].end >= begin {
      low -= 1
      total -= pieces[low].end - pieces[low].begin
      begin = min(begin, pieces[low].begin)
      end = max(end, pieces[low].end)
    }
    pieces.replaceSubrange(low..<high, with: CollectionOfOne((begin: begin, end: end)))
    total += end - begin
    guard pieces.count > Self.capacity else { return }
    forgotten = pieces[Self.capacity / 2 - 1].end
    pieces.removeFirst(Self.capacity / 2)
  }
}
