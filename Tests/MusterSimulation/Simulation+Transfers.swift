import MusterRuntime
import MusterScheduling

/// Blocks between members.
extension Simulation {
  /// The bulk of a block that somebody holds for another member until it has come there.
  struct Sending {
    var task: TaskID
    var holder: Int
    var requester: Int
    var byteCount: Int
  }

  mutating func reply(_ block: any Block, of task: TaskID, from holder: Int, to requester: Int) throws {
    let bytes = block.byteCount
    if requester != Self.scheduler {
      report.transfers += 1
      report.transferredBytes += bytes
    }
    let delay = (options.transferDelay.lowerBound + bytes)...(options.transferDelay.upperBound + bytes)
    send(
      .block(to: requester, task, block), from: holder, to: requester, delay,
      mayBeOvertaken: bytes > Self.inlineLimit)
    guard bytes > Self.inlineLimit else { return }
    // Who is gone takes nothing.
    guard requester == Self.scheduler || workers[requester].isRunning else { return }
    sending.append(Sending(task: task, holder: holder, requester: requester, byteCount: bytes))
  }

  /// A block is there to come. The bulk of a large one does when there is room for it.
  mutating func announce(_ block: any Block, of task: TaskID, at worker: Int) throws {
    let bytes = block.byteCount
    guard workers[worker].isRunning, bytes > Self.inlineLimit else { return try receive(block, of: task, at: worker) }
    var actions: [WorkerState.Action] = []
    let isIn = workers[worker].state.admits(bytes, into: &actions)
    try carryOut(&actions, at: worker, asksAgain: false)
    guard isIn else {
      report.heldUp += 1
      workers[worker].heldUp.append((task, block))
      return
    }
    workers[worker].receivingBytes += bytes
    actions = []
    workers[worker].state.setTransit(transit(at: worker), into: &actions)
    try carryOut(&actions, at: worker)
    queue.add(.bulk(to: worker, task, block), at: now + Int.random(in: options.messageDelay, using: &random))
  }

  mutating func receiveBulk(_ block: any Block, of task: TaskID, at worker: Int) throws {
    workers[worker].receivingBytes -= block.byteCount
    try receive(block, of: task, at: worker)
    try hasCome(task, to: worker)
  }

  /// A large block has left its holder, where it had one until now.
  mutating func hasCome(_ task: TaskID, to requester: Int) throws {
    guard let place = sending.firstIndex(where: { $0.task == task && $0.requester == requester }) else { return }
    try tellSending(at: sending.remove(at: place).holder)
  }

  /// A member is gone: nothing goes to it any more.
  mutating func forgetTransfers(to requester: Int) throws {
    let holders = Set(sending.filter { $0.requester == requester }.map(\.holder))
    sending.removeAll { $0.requester == requester || $0.holder == requester }
    for holder in holders.sorted() { try tellSending(at: holder) }
  }

  /// What a worker's transport holds to send, where that has changed.
  mutating func tellSending(at worker: Int) throws {
    var transit = workers[worker].state.transit
    transit.sendingBytes = self.transit(at: worker).sendingBytes
    guard workers[worker].isRunning, workers[worker].state.store.marks.limit > 0,
      transit != workers[worker].state.transit
    else { return }
    var actions: [WorkerState.Action] = []
    workers[worker].state.setTransit(transit, into: &actions)
    try carryOut(&actions, at: worker)
  }

  private func transit(at worker: Int) -> BlockTransit {
    BlockTransit(
      receivingBytes: workers[worker].receivingBytes,
      sendingBytes: sending.reduce(0) { $0 + ($1.holder == worker ? $1.byteCount : 0) },
      announcedBytes: workers[worker].heldUp.map(\.block.byteCount).max() ?? 0)
  }

  private mutating func receive(_ block: any Block, of task: TaskID, at worker: Int) throws {
    guard workers[worker].isRunning else { return }
    var actions: [WorkerState.Action] = []
    workers[worker].state.received(block, of: task, leaving: transit(at: worker), into: &actions)
    try carryOut(&actions, at: worker)
  }
}
