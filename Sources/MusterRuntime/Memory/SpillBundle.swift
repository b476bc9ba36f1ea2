internal import Glibc

/// Small blocks as they go to disk together, one right after the other: pages that they share. They are given back when
/// none of the blocks is needed any more.
struct SpillBundle {
  /// What a bundle holds at most. Larger ones would come back later, and smaller ones end in the middle of a page more often.
  static let capacity = 64 << 10
  /// What a block in a bundle takes at most. Of the pages of larger ones at most an eighth is empty.
  static let largestBlock = 32 << 10

  let pages: SpillRecord.Pages
  /// What is used of the pages.
  private(set) var end = 0
  private(set) var count = 0

  var byteCount: Int { SpillRecord.padded(end) }

  init() {
    pages = SpillRecord.Pages(byteCount: Self.capacity)
    // The end of the last page is no one's, and goes to disk.
    memset(pages.bytes, 0, pages.byteCount)
  }

  /// Appends a block, and says where it begins; nil where there isn't room for it.
  mutating func append(_ encoded: SpillEncoding) -> Int? {
    // A block of no bytes has a place too.
    guard end + max(1, encoded.smallBytes) <= Self.capacity else { return nil }
    let start = end
    encoded.copySmall(to: pages.bytes + start)
    end += max(1, encoded.smallBytes)
    count += 1
    return start
  }
}
