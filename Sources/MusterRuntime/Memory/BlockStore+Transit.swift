/// Blocks on their way between members, which the transport holds besides the store.
extension BlockStore {
  /// What the transport holds of blocks that come and go is another amount now. It takes up room as what tasks are
  /// making does. A block that is sent while it is stored counts twice: it may be let go before it is sent.
  package mutating func setTransit(_ bytes: Int, into actions: inout [Action]) {
    guard marks.limit > 0, bytes != transitBytes else { return }
    reservedBytes += bytes - transitBytes
    transitBytes = bytes
    settle(into: &actions)
  }

  /// Whether a block of so many bytes that another member has ready may come now. Where there is no room for it blocks
  /// leave memory, and it may be asked about again when something has happened. Where nothing is going on that makes room
  /// one block may come at a time: it is slow then, and never stuck.
  ///
  /// - Parameter receivingBytes: What is coming already.
  package mutating func admits(_ bytes: Int, receivingBytes: Int, into actions: inout [Action]) -> Bool {
    guard marks.limit > 0 else { return true }
    announcedBytes = bytes
    makeRoom(into: &actions)
    let fits = memoryBytes + reservedBytes + bytes <= marks.limit
    guard fits || receivingBytes == 0 && letInCount == idleCount && leavingBytes == 0 else { return false }
    announcedBytes = 0
    return true
  }
}
