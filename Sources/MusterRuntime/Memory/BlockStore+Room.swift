internal import HeapModule
internal import MusterScheduling

/// Who is let in, and what has to leave for that.
extension BlockStore {
  /// After every event: writes what is to leave, and lets in who fits.
  mutating func settle(into actions: inout [Action]) {
    if waiting.isEmpty && waitingMembers.isEmpty && transit.announcedBytes == 0
      && memoryBytes + reservedBytes - leavingBytes <= min(marks.high, room)
    {
      return
    }
    if marks.limit > 0 { makeRoom(into: &actions) }
    if marks.limit > 0, memoryBytes - leavingBytes > marks.limit, let error = spillError ?? crowding {
      failWaiting(error, into: &actions)
    }
    while let next = nextWaiting() {
      guard letIn(next, into: &actions) else { break }
      if marks.limit > 0 { makeRoom(into: &actions) }
    }
  }

  /// Nothing can leave memory, which is full: tasks that would fill it more fail.
  private mutating func failWaiting(_ error: MusterError, into actions: inout [Action]) {
    var others: [Waiting] = []
    while let next = waiting.popMin() {
      guard demands[next.consumer]?.isWaiting == true else { continue }
      if case .task = next.consumer {
        demands[next.consumer] = nil
        actions.append(.failed(next.consumer, error))
        hasToldSpillError = spillError != nil
      } else {
        others.append(next)
      }
    }
    waiting = Heap(others)
  }

  /// The most urgent of those who wait: members before tasks, but where their block goes when another has gone. That is up
  /// to who receives that one, and tasks needn't wait for it.
  private mutating func nextWaiting() -> Consumer? {
    if let member = nextWaiting(\.waitingMembers), case .member(_, let task) = member, mayGo(task) { return member }
    guard let next = nextWaiting(\.waiting) else { return nil }
    // More may be known by now of what it will make than when it came.
    guessOutput(of: next)
    return next
  }

  /// Those who have gone meanwhile are forgotten.
  private mutating func nextWaiting(_ heap: WritableKeyPath<BlockStore, Heap<Waiting>>) -> Consumer? {
    while let first = self[keyPath: heap].min {
      if demands[first.consumer]?.isWaiting == true { return first.consumer }
      self[keyPath: heap].removeMin()
    }
    return nil
  }

  private mutating func removeNext(_ consumer: Consumer) {
    if case .member = consumer { waitingMembers.removeMin() } else { waiting.removeMin() }
  }

  /// Whether it's the turn of a member that waits for a block, as far as others are concerned that are sent.
  private func mayGo(_ task: TaskID) -> Bool {
    guard isSending, let entry = entries[task] else { return true }
    return hasRoomToSend(entry)
  }

  private func hasRoomToSend(_ entry: Entry) -> Bool {
    memoryBytes + reservedBytes + entry.byteCount <= room
      && pinnedBytes + (entry.pins == 0 ? entry.byteCount : 0) <= marks.pinned
  }

  /// Whether the consumer needn't wait any longer: it was let in, or will never be.
  private mutating func letIn(_ consumer: Consumer, into actions: inout [Action]) -> Bool {
    let demand = demands[consumer]!
    if !lost.isEmpty, let missing = demand.inputs.first(where: { lost[$0] != nil }), let error = lost[missing] {
      removeNext(consumer)
      demands[consumer] = nil
      actions.append(.failed(consumer, error))
      return true
    }
    guard demand.inputs.allSatisfy(holds) else {
      removeNext(consumer)
      demands[consumer] = nil
      actions.append(.unavailable(consumer))
      return true
    }
    if marks.limit > 0 {
      let sizes = sizes(of: demand)
      // Results go to the program whatever they hold; a member takes a block that has been in memory before.
      let outputBytes = demand.isGuess ? 0 : demand.outputBytes
      if case .task = consumer, sizes.inputs + outputBytes > marks.taskLimit {
        removeNext(consumer)
        demands[consumer] = nil
        actions.append(.cannotFit(consumer, inputBytes: sizes.inputs, outputBytes: outputBytes))
        return true
      }
      if case .member(_, let task) = consumer {
        // A member's block is sent, and may leave memory before it has gone.
        let isAtHand = entries[task].map { $0.block != nil && !$0.isCopied } ?? true
        guard isAtHand || isIdle || entries[task].map(hasRoomToSend) ?? true else { return false }
      } else {
        let fits =
          memoryBytes + reservedBytes + sizes.added + transit.announcedBytes
          <= (demand.inputs.isEmpty ? min(room, marks.roots) : room) && pinnedBytes + sizes.pinned <= marks.pinned
        // What comes and goes does so whether or not a task is let in: one that is too large for both has the time to wait.
        guard fits || isIdle && transit.takenBytes == 0 else { return false }
      }
    }
    removeNext(consumer)
    demands[consumer]!.isWaiting = false
    demands[consumer]!.isLetIn = true
    letInCount += 1
    if case .member = consumer { membersLetIn += 1 }
    reservedBytes += demand.outputBytes
    // What never leaves needs no pin. A block that comes again after its release may be larger, and is another.
    let inputs = entries.isEmpty ? [] : demand.inputs.filter { entries[$0] != nil }
    demands[consumer]!.inputs = inputs
    for input in inputs { pin(input, for: consumer, into: &actions) }
    if demands[consumer]!.missing == 0 { actions.append(.ready(consumer)) }
    return true
  }

  /// What blocks may take, but for what it takes to write one.
  package var room: Int { max(0, marks.limit - coding.byteCount) }

  /// Nothing goes on that makes room.
  private var isIdle: Bool { letInCount == idleCount && leavingBytes == 0 }

  /// What the inputs hold, what of it isn't pinned, and what letting the consumer in adds to memory. An input that it
  /// takes twice counts once.
  private func sizes(of demand: Demand) -> (inputs: Int, pinned: Int, added: Int) {
    var (all, pinned, added) = (0, 0, demand.outputBytes)
    func count(_ input: TaskID) {
      guard let entry = entries[input] else {
        all += small[input]?.byteCount ?? 0
        return
      }
      all += entry.byteCount
      if entry.pins == 0 { pinned += entry.byteCount }
      if entry.block == nil && !entry.phase.isReading { added += entry.byteCount }
    }
    if demand.inputs.count <= 1 {
      if let input = demand.inputs.first { count(input) }
    } else {
      for input in Set(demand.inputs) { count(input) }
    }
    return (all, pinned, added)
  }

  private mutating func pin(_ task: TaskID, for consumer: Consumer, into actions: inout [Action]) {
    let entry = entries[task]!
    entries[task]!.pins += 1
    if entry.pins == 0 {
      pinnedBytes += entry.byteCount
      if case .writing = entry.phase { leavingBytes -= entry.byteCount }
    }
    if entry.block == nil {
      readers[task, default: []].append(consumer)
      demands[consumer]!.missing += 1
      if entry.phase == .resting {
        let ticket = tick()
        operations[ticket] = Operation(task: task, byteCount: entry.byteCount, place: entry.place)
        entries[task]!.phase = .reading(ticket)
        entryBytes += entry.byteCount
        spilledBytes -= entry.byteCount
        actions.append(.load(ticket, task, entry.place!))
      }
    }
    updateCandidate(task)
  }

  mutating func unpin(_ task: TaskID) {
    guard let entry = entries[task], entry.pins > 0 else { return }
    entries[task]!.pins -= 1
    if entry.pins == 1 {
      pinnedBytes -= entry.byteCount
      if case .writing = entry.phase { leavingBytes += entry.byteCount }
      updateCandidate(task)
    }
  }

  /// Keeps the blocks that could leave in a set of their own.
  mutating func updateCandidate(_ task: TaskID) {
    guard let entry = entries[task] else { return }
    let isOne = entry.block != nil && entry.phase == .resting && entry.pins == 0 && !entry.mustStay
    if isOne {
      if candidates.insert(task).inserted { candidateBytes += entry.byteCount }
    } else if candidates.remove(task) != nil {
      candidateBytes -= entry.byteCount
    }
  }

  // MARK: Leaving memory

  mutating func removeFromMemory(_ task: TaskID, into actions: inout [Action]) {
    let entry = entries[task]!
    entries[task]!.block = nil
    spilledBytes += entry.byteCount
    drop(entry.block!, entry.byteCount, into: &actions)
  }

  /// How many bytes have to leave besides those that are leaving.
  private mutating func excess() -> Int {
    let staying = memoryBytes + reservedBytes - leavingBytes
    var target = min(marks.low, room / 6 * 5)
    var isNeeded = staying > min(marks.high, room)
    var (added, limit) = (transit.announcedBytes, room)
    if let next = nextWaiting(), let demand = demands[next], demand.inputs.allSatisfy(holds) {
      added += sizes(of: demand).added
      if demand.inputs.isEmpty { limit = min(room, marks.roots) }
      if case .member(_, let task) = next { added += entries[task]?.codingBytes ?? 0 }
    }
    if added > 0, staying + added > limit {
      isNeeded = true
      target = min(target, max(0, limit - added))
    }
    return isNeeded ? staying - target : 0
  }

  /// Has the blocks that are wanted last leave memory, where it is too full.
  mutating func makeRoom(into actions: inout [Action]) {
    let excess = excess()
    guard excess > 0, !candidates.isEmpty else { return }
    // A little at a time isn't worth the disk's while, but where it is urgent.
    guard candidateBytes >= marks.smallestBatch || memoryBytes + reservedBytes + transit.announcedBytes > room
    else {
      return
    }
    var left = excess
    var orders: [SpillOrder] = []
    var choices = candidatesByUrgency()
    while left > 0, let task = choices.popMin()?.task {
      let entry = entries[task]!
      if entry.isOnDisk {
        removeFromMemory(task, into: &actions)
      } else if spillError == nil {
        let ticket = tick()
        operations[ticket] = Operation(task: task, byteCount: entry.byteCount)
        entries[task]!.phase = .writing(ticket)
        leavingBytes += entry.byteCount
        orders.append(SpillOrder(ticket: ticket, task: task, block: entry.block!, isCopied: entry.isCopied))
      } else {
        continue
      }
      updateCandidate(task)
      left -= entry.byteCount
    }
    batch(orders, into: &actions)
  }

  private struct Choice: Comparable {
    var task: TaskID
    var isWanted: Bool
    var priority: Int64
    var age: UInt64
    /// Those that nobody wants who is here, the oldest first; then those that are wanted last. Ages differ.
    static func < (a: Choice, b: Choice) -> Bool {
      if a.isWanted != b.isWanted { return !a.isWanted }
      if a.priority != b.priority { return a.priority > b.priority }
      return a.age < b.age
    }
  }

  /// The blocks that could leave, the least urgent first. A heap, since there may be millions, of which few leave.
  private func candidatesByUrgency() -> Heap<Choice> {
    var urgencies: [TaskID: Int64] = [:]
    for demand in demands.values {
      for input in demand.inputs { urgencies[input] = min(urgencies[input] ?? .max, demand.priority) }
    }
    return Heap(
      candidates.lazy.map { task in
        let priority = urgencies[task]
        return Choice(task: task, isWanted: priority != nil, priority: priority ?? 0, age: entries[task]!.age)
      })
  }

  private func batch(_ orders: [SpillOrder], into actions: inout [Action]) {
    var batch: [SpillOrder] = []
    var bytes = 0
    for order in orders {
      batch.append(order)
      bytes += operations[order.ticket]!.byteCount
      if bytes >= marks.largestBatch {
        actions.append(.spill(batch))
        (batch, bytes) = ([], 0)
      }
    }
    if !batch.isEmpty { actions.append(.spill(batch)) }
  }
}
