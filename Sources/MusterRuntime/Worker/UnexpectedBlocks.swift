/// Has tasks wait of which nothing large is expected, while one of them has made a large block that hasn't been stored.
///
/// Room is made for tasks before they begin, but not for those that are taken for light. Where one turns out not to be, the
/// others of its layer are held back, by another thread: meanwhile each free thread would begin one more.
package struct UnexpectedBlocks: Sendable {
  private let smallestBlock: Int
  private var waitingBlocks = 0

  /// - Parameter smallestBlock: From how many bytes on room has to be made for a block; nil where there is no limit.
  package init(smallestBlock: Int?) { self.smallestBlock = smallestBlock ?? .max }

  /// Whether so much was to be expected of a task that has ended.
  package func isUnexpected(byteCount: Int, isLight: Bool) -> Bool { isLight && byteCount >= smallestBlock }

  /// A task has made an unexpected block.
  package mutating func made() { waitingBlocks += 1 }

  /// Some of the unexpected blocks have been stored, and what was to be held back for them has been.
  package mutating func stored(_ count: Int) { waitingBlocks -= count }

  /// Whether a task may begin now.
  package func mayBegin(isLight: Bool) -> Bool { waitingBlocks == 0 || !isLight }
}
