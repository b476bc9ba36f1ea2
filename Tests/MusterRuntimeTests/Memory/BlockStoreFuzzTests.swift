import Foundation
import MusterRuntime
import MusterScheduling
import MusterSimulation
import Testing

/// A block that says how much it holds, and which one it is.
struct NumberedBlock: Block {
  var number: Int
  var byteCount: Int
  /// It is copied when it's written.
  var isCopied = false
  var encodingByteCount: Int { isCopied ? byteCount : 0 }
  func encode(into encoder: inout BlockEncoder) {
    encoder.append(number)
    encoder.append(byteCount)
  }
  static func decode(from decoder: inout BlockDecoder) throws -> NumberedBlock {
    NumberedBlock(number: try decoder.read(Int.self), byteCount: try decoder.read(Int.self))
  }
}

struct ModelViolation: Error, CustomStringConvertible {
  var description: String
}

/// A store with a disk that answers in any order, and sometimes fails, against a plain account of what has to be.
struct StoreModel {
  private enum Pending {
    case write(BlockStore.SpillOrder)
    case read(BlockStore.Ticket, TaskID, SpillPlace)
    case drop(Int)
  }

  private(set) var store: BlockStore
  private var random: SplitMix64
  /// What was stored and not released.
  private var live: [TaskID: NumberedBlock] = [:]
  private var disk: [SpillPlace: NumberedBlock] = [:]
  private var pending: [Pending] = []
  private var consumers: [BlockStore.Consumer: [TaskID]] = [:]
  private var ready: [BlockStore.Consumer] = []
  private var prepared: Set<BlockStore.Consumer> = []
  /// Those of whose inputs one was released.
  private var bereft: Set<BlockStore.Consumer> = []
  /// Ready ones that wait for others.
  private var idle: Set<BlockStore.Consumer> = []
  private(set) var waits = 0
  private var nextNumber = 0
  private var nextPlace = 0
  private var failures: Double
  private(set) var failed = 0
  private(set) var writes = 0
  private(set) var reads = 0
  private(set) var refusals = 0
  private(set) var crowded = 0

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    let limit = random.chance(0.1) ? 0 : Int.random(in: 500...4000, using: &random)
    var marks = BlockStore.Marks(limit: limit)
    marks.smallestBlock = [0, 0, 30, 90].randomElement(using: &random)!
    marks.largestBatch = Int.random(in: 1...1000, using: &random)
    store = BlockStore(marks: marks)
    failures = random.chance(0.3) ? 0.05 : 0
  }

  mutating func run(steps: Int) throws {
    for _ in 0..<steps { try step() }
    try drain()
    try expect(prepared.isEmpty, "\(prepared.count) consumers never became ready")
    try expectRoom()
    for task in live.keys.sorted() { try release(task) }
    try drain()
    try expect(store.count == 0 && store.memoryBytes == 0 && store.spilledBytes == 0, "something is left")
    try expect(disk.isEmpty, "\(disk.count) places on disk are left")
  }

  private func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw ModelViolation(description: message()) }
  }

  private mutating func step() throws {
    switch Int.random(in: 0..<100, using: &random) {
    case ..<25: try storeNew()
    case ..<45: try demand()
    case ..<60: if !ready.isEmpty { try finish(Int.random(in: 0..<ready.count, using: &random)) }
    case ..<65:
      if let consumer = consumers.keys.min(by: { "\($0)" < "\($1)" }), !ready.contains(consumer) {
        try withdraw(consumer)
      }
    case ..<75:
      let unwanted = live.keys.sorted().filter { task in !consumers.values.contains { $0.contains(task) } }
      if let task = unwanted.randomElement(using: &random) { try release(task) }
    case ..<80:
      // A member doesn't wait for others.
      if let consumer = ready.randomElement(using: &random), case .task = consumer { try changeIdle(consumer) }
    case ..<81: if let task = live.keys.sorted().randomElement(using: &random) { try release(task) }
    default: if !pending.isEmpty { try answer(Int.random(in: 0..<pending.count, using: &random)) }
    }
  }

  /// Answers and ends everything that is going on.
  private mutating func drain() throws {
    while !pending.isEmpty || !ready.isEmpty {
      if !pending.isEmpty { try answer(0) } else { try finish(0) }
    }
  }

  private mutating func perform(_ body: (inout BlockStore, inout [BlockStore.Action]) -> Void) throws {
    var actions: [BlockStore.Action] = []
    body(&store, &actions)
    try store.checkInvariants()
    for action in actions {
      switch action {
      case .spill(let orders):
        try expect(!orders.isEmpty, "an empty batch")
        for order in orders {
          let isTaken = ready.contains { consumers[$0]!.contains(order.task) }
          try expect(!isTaken, "\(order.task) is to be written while a task takes it")
          pending.append(.write(order))
        }
      case .load(let ticket, let task, let place):
        try expect(disk[place] == live[task], "\(task) is read from the place of another block")
        pending.append(.read(ticket, task, place))
      case .discard(let place):
        try expect(disk.removeValue(forKey: place) != nil, "a place on disk is given back that isn't in use")
      case .drop(_, let leaving): if leaving > 0 { pending.append(.drop(leaving)) }
      case .ready(let consumer):
        try expect(prepared.remove(consumer) != nil, "\(consumer) is ready, and wasn't to be")
        ready.append(consumer)
      case .unavailable(let consumer):
        consumers[consumer] = nil
        try expect(bereft.contains(consumer), "\(consumer) lacks nothing")
        prepared.remove(consumer)
      case .cannotFit(let consumer, let inputBytes, let outputBytes):
        try expect(inputBytes + outputBytes > store.marks.taskLimit, "\(consumer) would fit")
        prepared.remove(consumer)
        consumers[consumer] = nil
        refusals += 1
      case .failed(let consumer, let error):
        if error.code == .outOfMemory {
          try expect(store.fixedBytes > store.marks.limit, "\(consumer) is refused memory that there is")
          crowded += 1
        } else {
          try expect(failures > 0, "a failure without a cause")
        }
        try expect(prepared.remove(consumer) != nil, "\(consumer) failed, and wasn't to be ready")
        consumers[consumer] = nil
        failed += 1
      }
    }
    try compare()
  }

  /// No block is lost or mistaken for another, and what ready tasks take is in memory.
  private func compare() throws {
    try expect(store.count == live.count, "\(store.count) blocks are here, should be \(live.count)")
    for (task, block) in live {
      try expect(store.holds(task), "\(task) is lost")
      if let held = store.block(of: task) {
        try expect((held as? NumberedBlock) == block, "\(task) is another block")
      }
    }
    for consumer in ready {
      for input in consumers[consumer]! where live[input] != nil {
        try expect(store.block(of: input) != nil, "\(input) isn't in memory, and \(consumer) takes it")
      }
    }
  }

  /// With nothing going on, what could leave has left.
  private func expectRoom() throws {
    guard store.marks.limit > 0, failures == 0 else { return }
    let spillable = live.filter { $0.value.byteCount >= store.marks.smallestBlock && store.block(of: $0.key) != nil }
    let bytes = spillable.reduce(0) { $0 + $1.value.byteCount }
    try expect(
      store.memoryBytes <= store.marks.high || bytes < store.marks.smallestBatch,
      "\(store.memoryBytes) bytes are in memory, of which \(bytes) could leave")
  }

  private mutating func newBlock() -> (TaskID, NumberedBlock) {
    nextNumber += 1
    let isLarge = random.chance(0.1)
    let block = NumberedBlock(
      number: nextNumber, byteCount: Int.random(in: 0...(isLarge ? 600 : 100), using: &random),
      isCopied: random.chance(0.1))
    // Tasks are few: a block comes again after it was released, also while its old one is being written.
    return (TaskID(layer: 0, index: Int.random(in: 0..<60, using: &random)), block)
  }

  private mutating func storeNew() throws {
    let (task, block) = newBlock()
    if live[task] == nil { live[task] = block }
    try perform { $0.store(block, of: task, into: &$1) }
  }

  private mutating func demand() throws {
    let choices = live.keys.sorted()
    guard !choices.isEmpty else { return }
    let inputs = (0..<Int.random(in: 0...4, using: &random)).map { _ in choices.randomElement(using: &random)! }
    nextNumber += 1
    let consumer: BlockStore.Consumer =
      random.chance(0.9) ? .task(TaskID(layer: 1, index: nextNumber)) : .member(nextNumber, block: choices[0])
    consumers[consumer] = inputs
    let (priority, output) = (Int64.random(in: 0..<1000, using: &random), Int.random(in: 0...80, using: &random))
    store.want(consumer, inputs: inputs, priority: priority, outputBytes: output)
    if random.chance(0.8) {
      prepared.insert(consumer)
      try perform { $0.prepare(consumer, into: &$1) }
    }
  }

  private mutating func finish(_ place: Int) throws {
    let consumer = ready.remove(at: place)
    consumers[consumer] = nil
    let (task, block) = newBlock()
    if live[task] == nil && random.chance(0.7) {
      live[task] = block
      try perform { $0.end(consumer, storing: block, of: task, into: &$1) }
    } else {
      try perform { $0.end(consumer, into: &$1) }
    }
  }

  /// A task that runs begins to wait for others, or doesn't any more.
  private mutating func changeIdle(_ consumer: BlockStore.Consumer) throws {
    let isIdle = idle.insert(consumer).inserted
    if !isIdle { idle.remove(consumer) }
    waits += 1
    try perform { $0.setIdle(consumer, isIdle, into: &$1) }
    // However much those hold that wait, somebody runs or is about to.
    let isGoingOn = ready.contains { !idle.contains($0) } || !pending.isEmpty
    try expect(isGoingOn || prepared.isEmpty, "all wait, and \(prepared.count) that could run are kept out")
  }

  private mutating func withdraw(_ consumer: BlockStore.Consumer) throws {
    consumers[consumer] = nil
    prepared.remove(consumer)
    try perform { $0.end(consumer, into: &$1) }
  }

  private mutating func release(_ task: TaskID) throws {
    live[task] = nil
    for (consumer, inputs) in consumers where inputs.contains(task) {
      // If it comes again that is another block.
      consumers[consumer]!.removeAll { $0 == task }
      bereft.insert(consumer)
    }
    try perform { $0.release(task, into: &$1) }
  }

  private mutating func answer(_ place: Int) throws {
    let fails = random.chance(failures)
    switch pending.remove(at: place) {
    case .write(let order):
      if fails {
        let code: MusterError.Code = random.chance(0.5) ? .diskFull : .unsupported
        try perform { $0.spillFailed(order.ticket, MusterError(code, "a test"), into: &$1) }
        return
      }
      writes += 1
      nextPlace += 1
      let place = SpillPlace(file: 0, offset: nextPlace, byteCount: 1, headerSize: 1, segmentSizes: [])
      disk[place] = order.block as? NumberedBlock
      try perform { $0.spilled(order.ticket, at: place, into: &$1) }
    case .read(let ticket, let task, let place):
      if fails && random.chance(0.1) {
        // Unless it was released meanwhile, and came again.
        if live[task] == disk[place] { live[task] = nil }
        try perform { $0.loadFailed(ticket, MusterError(.inputOutput, "a test"), into: &$1) }
        return
      }
      reads += 1
      guard let block = disk[place] else { throw ModelViolation(description: "what is being read was discarded") }
      try perform { $0.loaded(ticket, block, into: &$1) }
    case .drop(let leaving): try perform { $0.dropped(leaving, into: &$1) }
    }
  }
}

extension NumberedBlock: Equatable {}

struct BlockStoreFuzzTests {
  private static let seeds: UInt64 = 2000

  /// `MUSTER_FUZZ_SEED` runs that seed alone, `MUSTER_FUZZ_SEEDS` that many from 0 on where it's fewer than usual.
  @Test func randomEventsLoseNothing() {
    let environment = ProcessInfo.processInfo.environment
    let seed = environment["MUSTER_FUZZ_SEED"].flatMap { UInt64($0) }
    let count = min(Self.seeds, environment["MUSTER_FUZZ_SEEDS"].flatMap { UInt64($0) } ?? Self.seeds)
    var (writes, reads, refusals, failed, crowded, waits) = (0, 0, 0, 0, 0, 0)
    for seed in seed.map({ $0..<$0 + 1 }) ?? 0..<count {
      var model = StoreModel(seed: seed)
      do {
        try model.run(steps: 300)
      } catch {
        Issue.record("MUSTER_FUZZ_SEED=\(seed): \(error)")
        return
      }
      writes += model.writes
      reads += model.reads
      refusals += model.refusals
      failed += model.failed
      crowded += model.crowded
      waits += model.waits
    }
    guard seed == nil, count == Self.seeds else { return }
    // What the fuzzer is for has to have happened.
    #expect(
      writes > 10_000 && reads > 5_000 && refusals > 100 && failed > 20 && crowded > 20 && waits > 5_000,
      "\(writes) \(reads) \(refusals) \(failed) \(crowded) \(waits)")
  }
}
