package import MusterScheduling

/// Blocks on their way between members, which the transport holds besides the store.
package struct BlockTransit: Equatable, Sendable {
  /// Blocks up to so many bytes go along in messages, and aren't counted.
  package static let largestInMessage = 16 << 10

  /// What is coming, in bytes.
  package var receivingBytes: Int
  /// What is going. The store may have let go of it meanwhile.
  package var sendingBytes: Int
  /// The largest block that is ready to come, and has to wait for room; 0 where there is none.
  package var announcedBytes: Int

  package init(receivingBytes: Int = 0, sendingBytes: Int = 0, announcedBytes: Int = 0) {
    self.receivingBytes = receivingBytes
    self.sendingBytes = sendingBytes
    self.announcedBytes = announcedBytes
  }

  /// What takes up memory.
  var takenBytes: Int { receivingBytes + sendingBytes }
}

extension BlockStore {
  /// What the transport holds is another amount now. It takes up room as what tasks are making does. A block that is sent
  /// while it is stored counts twice: it may be let go before it is sent.
  package mutating func setTransit(_ new: BlockTransit, into actions: inout [Action]) {
    guard new != transit else { return }
    noteTransit(new)
    settle(into: &actions)
  }

  /// The same, where something follows that settles: a block that has come is the store's next.
  mutating func noteTransit(_ new: BlockTransit) {
    guard marks.limit > 0 else { return }
    reservedBytes += new.takenBytes - transit.takenBytes
    transit = new
  }

  /// Whether a block that is in memory may be sent now: there is room for it twice, since it may be let go before it has
  /// gone, or nothing else is being sent.
  package func maySend(_ task: TaskID) -> Bool {
    guard let entry = entries[task], entry.byteCount > marks.largestInMessage else { return true }
    return !isSending && !entry.isCopied || memoryBytes + reservedBytes + entry.byteCount <= room
  }

  /// A block is being sent, or is about to be.
  var isSending: Bool { transit.sendingBytes > 0 || membersLetIn > 0 }

  /// A block is about to be given to the transport, which tells (`setTransit`) what it really holds.
  package mutating func send(_ bytes: Int, into actions: inout [Action]) {
    noteSending(bytes)
    settle(into: &actions)
  }

  /// The same for a member that was let in, and with that has what it waited for.
  package mutating func send(_ bytes: Int, to member: Consumer, into actions: inout [Action]) {
    noteSending(bytes)
    end(member, into: &actions)
  }

  private mutating func noteSending(_ bytes: Int) {
    guard !isSmall(bytes), bytes > marks.largestInMessage else { return }
    var new = transit
    new.sendingBytes += bytes
    noteTransit(new)
  }

  /// Whether a block of so many bytes that another member has ready may come now. Where there is no room for it blocks
  /// leave memory, and it may be asked about again when something has happened. Where nothing is going on that makes room
  /// one block may come at a time: it is slow then, and never stuck.
  package mutating func admits(_ bytes: Int, into actions: inout [Action]) -> Bool {
    guard marks.limit > 0 else { return true }
    transit.announcedBytes = max(bytes, transit.announcedBytes)
    // Else it has been tried, and will be when the disk can be used again.
    if spillError == nil { makeRoom(into: &actions) }
    let fits = memoryBytes + reservedBytes + bytes <= room
    return fits || transit.receivingBytes == 0 && letInCount == idleCount && leavingBytes == 0
  }
}
