internal import HeapModule
package import MusterScheduling

/// The blocks of a worker, in memory and on disk, as a state machine: events in, actions out; no thread, clock or file.
///
/// What blocks hold in memory is counted, with what is being read back and what tasks that are about to run are expected
/// to make. Past a mark the blocks that are wanted last are written to disk. A task whose inputs are here is let in when
/// there is room: its inputs are read back, stay in memory until it ends, and then it is ready. The most urgent one comes
/// first, and is let in above the limit too where nothing is going on that makes room: it is slow then, and never stuck.
/// A task that waits for others makes no room before those have run.
///
/// A block that was read back keeps its copy on disk until it is released, since it can leave memory again without being
/// written.
package struct BlockStore: Sendable {
  /// Who needs blocks in memory.
  package enum Consumer: Hashable, Sendable {
    /// A task that takes them as inputs.
    case task(TaskID)
    /// A member that asked for a block.
    case member(Int, block: TaskID)
    /// The end of the graph with this number.
    case results(UInt32)

    func isTask(of layer: UInt32) -> Bool { if case .task(let task) = self { task.layer == layer } else { false } }
  }

  /// Stands for one write or read, whose end is reported with it.
  package typealias Ticket = UInt64

  package struct SpillOrder: Sendable {
    package var ticket: Ticket
    package var task: TaskID
    package var block: any Block
    /// Most of it is copied to be written.
    package var isCopied: Bool

    package init(ticket: Ticket, task: TaskID, block: any Block, isCopied: Bool = false) {
      self.ticket = ticket
      self.task = task
      self.block = block
      self.isCopied = isCopied
    }
  }

  package enum Action: Sendable {
    /// To be written together; each is answered by `spilled` or `spillFailed`.
    case spill([SpillOrder])
    /// To be answered by `loaded` or `loadFailed`.
    indirect case load(Ticket, TaskID, SpillPlace)
    /// The place on disk is free.
    indirect case discard(SpillPlace)
    /// A block left the store: to be let go where no lock is held. What of it counts until then is to be reported by
    /// `dropped`.
    case drop(any Block, leaving: Int)
    /// All inputs are in memory, and stay there until `end`.
    case ready(Consumer)
    /// What the consumer was waiting for has been released.
    case unavailable(Consumer)
    /// Its inputs and what it is expected to make are beyond the limit; it is forgotten.
    case cannotFit(Consumer, inputBytes: Int, outputBytes: Int)
    /// What the consumer needs is lost, or there is no room for it since the disk can't be used; it is forgotten.
    indirect case failed(Consumer, MusterError)
  }

  enum Phase: Equatable {
    case resting
    case writing(Ticket)
    case reading(Ticket)
  }

  /// There may be millions: it is kept small.
  struct Entry {
    private indirect enum Copy { case at(SpillPlace) }

    /// nil where it is on disk only.
    var block: (any Block)?
    var byteCount: Int
    private var copy: Copy?
    /// When it was stored or read, in such events.
    var age: UInt64
    var phase = Phase.resting
    /// Its type can't be written.
    var mustStay = false
    /// It is copied to be written or sent, all of it or most.
    let isCopied: Bool
    /// How many consumers that were let in take it.
    var pins: UInt32 = 0

    /// - Parameter leastCopied: Of how many bytes on it is of interest what is copied.
    init(block: any Block, byteCount: Int, age: UInt64, leastCopied: Int) {
      self.block = block
      self.byteCount = byteCount
      self.age = age
      isCopied = byteCount >= leastCopied && CodingRoom.isNeeded(copying: block.encodingByteCount, of: byteCount)
    }

    /// What is copied, in bytes.
    var codingBytes: Int { isCopied ? byteCount : 0 }

    var place: SpillPlace? {
      get { if case .at(let place)? = copy { place } else { nil } }
      set { copy = newValue.map { .at($0) } }
    }
    var isOnDisk: Bool { copy != nil }
  }

  struct Operation {
    var task: TaskID
    var byteCount: Int
    /// Of a read.
    var place: SpillPlace?
    /// The block was released meanwhile.
    var isAbandoned = false
    /// Of a write that was abandoned.
    var block: (any Block)?
  }

  struct Demand {
    var inputs: [TaskID]
    var priority: Int64
    /// What it is expected to make.
    var outputBytes: Int
    /// Nobody has said so: others of its layer have made as much, if any has.
    var isGuess = false
    /// Its inputs are here, in memory or not, and it waits to be let in.
    var isWaiting = false
    var isLetIn = false
    /// It runs, and waits for others: it gives its memory back only when those have run.
    var isIdle = false
    /// Inputs that are being read.
    var missing = 0
  }

  struct Waiting: Comparable {
    var priority: Int64
    var order: UInt64
    var consumer: Consumer
    static func < (a: Waiting, b: Waiting) -> Bool { (a.priority, a.order) < (b.priority, b.order) }
    static func == (a: Waiting, b: Waiting) -> Bool { (a.priority, a.order) == (b.priority, b.order) }
  }

  package internal(set) var marks: Marks
  /// Blocks too small for disks, and all where there is no limit: there may be millions, and nothing happens to them.
  var small = TaskMap<any Block>()
  var entries: [TaskID: Entry] = [:]
  var operations: [Ticket: Operation] = [:]
  var demands: [Consumer: Demand] = [:]
  /// Who waits to be let in: members for themselves, since what they wait for may concern nobody else.
  var waiting = Heap<Waiting>()
  var waitingMembers = Heap<Waiting>()
  /// Of those who are let in.
  var membersLetIn = 0
  /// Who is told when a block has been read.
  var readers: [TaskID: [Consumer]] = [:]
  /// Blocks that could be written, or dropped where they have a copy on disk.
  var candidates: Set<TaskID> = []
  var candidateBytes = 0
  var coding: CodingRoom
  /// The largest block of each layer that doesn't say how much its tasks make, as far as it was seen here.
  var seen: [UInt32: Int] = [:]
  /// Layers whose first block has come that isn't small, for `takeUnexpected`.
  var unexpected: [UInt32] = []
  /// Events so far, for ages and tickets.
  var clock: UInt64 = 0

  /// What blocks hold in memory, those included that are being read, in bytes.
  package var memoryBytes: Int { smallBytes + entryBytes }
  /// What of that blocks hold that are too small for disks, and others.
  var smallBytes = 0
  var entryBytes = 0
  /// What of that can't leave memory, since its type can't be written.
  var stayingBytes = 0
  /// Why, of the last one.
  var stayingReason: String?
  /// What of that leaves when it is written, or dropped.
  package internal(set) var leavingBytes = 0
  /// What of that is only to be dropped.
  var droppingBytes = 0
  /// What of it consumers take that were let in.
  package internal(set) var pinnedBytes = 0
  /// What consumers that were let in are expected to make, and what else is about to take up room.
  package internal(set) var reservedBytes = 0
  /// What the transport holds; it is part of that.
  package internal(set) var transit = BlockTransit()
  /// What the blocks that are on disk only would hold.
  package internal(set) var spilledBytes = 0
  var letInCount = 0
  /// Those of them that wait for others.
  var idleCount = 0
  /// Why blocks can't be written now.
  var spillError: MusterError?
  /// Tasks have failed for that: the next one has the disk tried again, which may have come back.
  var hasToldSpillError = false
  /// Blocks that couldn't be read back, until they are released: whoever needs one fails.
  var lost: [TaskID: MusterError] = [:]

  package init(marks: Marks) {
    self.marks = marks
    coding = CodingRoom(limit: marks.processLimit)
  }
  package init(limit: Int) { self.init(marks: Marks(limit: limit)) }

  /// The block, where it is in memory.
  package func block(of task: TaskID) -> (any Block)? {
    if let block = small[task] { return block }
    return entries[task]?.block
  }
  /// Whether the block is here, in memory or on disk, or has been until the disk lost it.
  package func holds(_ task: TaskID) -> Bool {
    small.contains(task) || entries[task] != nil || !lost.isEmpty && lost[task] != nil
  }
  /// How many of the blocks that the disk has lost haven't been released.
  package var lostCount: Int { lost.count }
  /// The tasks whose blocks are here.
  package var tasks: [TaskID] { small.tasks + Array(entries.keys) }
  /// Whether somebody's end is waited for.
  package func wants(_ consumer: Consumer) -> Bool { !demands.isEmpty && demands[consumer] != nil }
  package var count: Int { entries.count + small.count }
  /// Whether something was asked for and hasn't been answered: to write a block, to read one, or to let go of one.
  package var isBusy: Bool { !operations.isEmpty || droppingBytes > 0 }

  mutating func tick() -> UInt64 {
    clock += 1
    return clock
  }

  // MARK: Blocks

  /// A block was made, or has come. A second one of the same task is dropped.
  package mutating func store(_ block: any Block, of task: TaskID, into actions: inout [Action]) {
    insert(block, of: task, into: &actions)
    settle(into: &actions)
  }

  mutating func insert(_ block: any Block, of task: TaskID, into actions: inout [Action]) {
    guard entries.isEmpty || entries[task] == nil else {
      actions.append(.drop(block, leaving: 0))
      return
    }
    // It was made once more.
    if !lost.isEmpty { lost[task] = nil }
    let bytes = block.byteCount
    if isSmall(bytes) {
      if small.insert(block, for: task) {
        smallBytes += bytes
      } else {
        actions.append(.drop(block, leaving: 0))
      }
      return
    }
    guard !small.contains(task) else {
      actions.append(.drop(block, leaving: 0))
      return
    }
    let entry = Entry(block: block, byteCount: bytes, age: tick(), leastCopied: coding.unit)
    entries[task] = entry
    coding.add(entry.codingBytes)
    see(bytes, of: task.layer)
    entryBytes += bytes
    updateCandidate(task)
  }

  func isSmall(_ byteCount: Int) -> Bool { byteCount < marks.smallestBlock || marks.limit == 0 }

  /// Nobody needs the block any more.
  package mutating func release(_ task: TaskID, into actions: inout [Action]) {
    if let block = takeSmall(task) {
      actions.append(.drop(block, leaving: 0))
      settle(into: &actions)
      return
    }
    if !lost.isEmpty { lost[task] = nil }
    guard let entry = entries.removeValue(forKey: task) else { return }
    coding.remove(entry.codingBytes)
    if candidates.remove(task) != nil { candidateBytes -= entry.byteCount }
    if entry.pins > 0 {
      pinnedBytes -= entry.byteCount
      // Who runs has the block already; it is no longer theirs to unpin.
      for (consumer, demand) in demands where demand.isLetIn && demand.inputs.contains(task) {
        demands[consumer]!.inputs.removeAll { $0 == task }
      }
    }
    switch entry.phase {
    case .resting:
      if entry.mustStay { stayingBytes -= entry.byteCount }
      if let block = entry.block {
        drop(block, entry.byteCount, into: &actions)
      } else {
        spilledBytes -= entry.byteCount
      }
    case .writing(let ticket):
      // Whoever writes holds it until then.
      operations[ticket]!.isAbandoned = true
      operations[ticket]!.block = entry.block
      if entry.pins > 0 { leavingBytes += entry.byteCount }
    case .reading(let ticket):
      operations[ticket]?.isAbandoned = true
      loseReaders(of: task, into: &actions)
    }
    // What is being read is discarded after that.
    if let place = entry.place, !entry.phase.isReading { discard(place, into: &actions) }
    settle(into: &actions)
  }

  /// Releases a block that is in memory only, and returns it; nil where it is another kind.
  private mutating func takeSmall(_ task: TaskID) -> (any Block)? {
    guard let block = small.removeValue(forKey: task) else { return nil }
    smallBytes -= block.byteCount
    return block
  }

  /// Somebody else holds the block until it was let go, which may take a moment: it counts until then.
  mutating func drop(_ block: any Block, _ byteCount: Int, into actions: inout [Action]) {
    leavingBytes += byteCount
    droppingBytes += byteCount
    actions.append(.drop(block, leaving: byteCount))
  }

  /// So much of what was to be let go has been.
  package mutating func dropped(_ byteCount: Int, into actions: inout [Action]) {
    leavingBytes -= byteCount
    droppingBytes -= byteCount
    entryBytes -= byteCount
    settle(into: &actions)
  }

  private mutating func loseReaders(of task: TaskID, into actions: inout [Action]) {
    for consumer in readers.removeValue(forKey: task) ?? [] where demands[consumer] != nil {
      forget(consumer)
      actions.append(.unavailable(consumer))
    }
  }

  func isPinned(_ task: TaskID) -> Bool { (entries[task]?.pins ?? 0) > 0 }

  mutating func discard(_ place: SpillPlace, into actions: inout [Action]) {
    actions.append(.discard(place))
    // There is room again on a disk that was full.
    if spillError?.code == .diskFull { spillError = nil }
  }
}

extension BlockStore.Phase {
  var isReading: Bool { if case .reading = self { true } else { false } }
}
