import Glibc
import Muster
import MusterRuntime
import MusterScheduling

/// A working set of four times the memory limit, written and read back: by the blocks' way to disk, and by plain calls.
///
/// Both write the same bytes into a file of the same folder, ask the disk whether it has them all (`fdatasync`), drop what
/// the kernel may have kept of them, and read them again.
enum Spill {
  private static let blockSize = 16 << 20

  /// Bulk that can go to disk.
  private struct Bulk: Block {
    var storage: BlockStorage
    var byteCount: Int { storage.byteCount }
    func encode(into encoder: inout BlockEncoder) { encoder.append(storage, byteCount: storage.byteCount) }
    static func decode(from decoder: inout BlockDecoder) throws -> Bulk { Bulk(storage: try decoder.readStorage()) }

    /// - Parameter number: What its words start with: of each page another.
    init(number: Int) {
      storage = BlockStorage(byteCount: Spill.blockSize)
      for place in 0..<Spill.blockSize / 8 {
        storage.bytes.storeBytes(of: Spill.word(number, place), toByteOffset: 8 * place, as: Int.self)
      }
    }
    init(storage: BlockStorage) { self.storage = storage }
  }

  /// Words that don't compress.
  private static func word(_ number: Int, _ place: Int) -> Int { ((number << 24) &+ place) &* 0x2545_f491_4f6c_dd1d }

  private static func task(_ number: Int) -> TaskID { TaskID(layer: 0, index: number) }

  // MARK: Muster's side

  /// Stores blocks of four times the limit and takes each of them again, in order. Writing is timed from the first block
  /// that goes to disk; what fills the memory before that isn't the disk's work. Making the blocks, at the same time, is in
  /// the figure.
  static func run(limit: Int, folder: String) throws {
    let count = 4 * limit / blockSize
    let scratch = Scratch(environment: ["MUSTER_SCRATCH": folder])
    let bell = Bell()
    let spiller = Spiller(scratch: scratch) { bell.ring() }
    var worker = Worker(store: BlockStore(limit: limit), spiller: spiller, bell: bell)

    // Made beforehand, in a few kinds: making them isn't the disk's work.
    let kinds = limit / 16 / blockSize + 1
    let made = (0..<kinds).map { Bulk(number: $0) }
    for number in 0..<count {
      // As a task does: room for what it makes, then the block, in memory of its own.
      try worker.run(.task(task(number)), inputs: [], outputBytes: blockSize) { _ in
        let storage = BlockStorage(byteCount: blockSize)
        storage.bytes.copyMemory(from: made[number % kinds].storage.bytes, byteCount: blockSize)
        return (Bulk(storage: storage), task(number))
      }
    }
    try worker.waitForDisk()
    try scratch.synchronize()
    guard let start = worker.firstWrite else { throw MusterError(.internal, "nothing was written") }
    let written = seconds(since: start)
    let spilled = worker.store.spilledBytes
    let begin = ContinuousClock.now
    var checked = 0
    for number in 0..<count {
      try worker.run(.task(TaskID(layer: 1, index: number)), inputs: [task(number)], outputBytes: 0) { blocks in
        guard let bulk = blocks[0] as? Bulk else { throw MusterError(.internal, "block \(number) is another one") }
        for place in stride(from: 0, to: blockSize / 8, by: 512) {
          let found = bulk.storage.bytes.load(fromByteOffset: 8 * place, as: Int.self)
          guard found == word(number % kinds, place) else { throw MusterError(.internal, "block \(number) is damaged") }
        }
        checked += 1
        return nil
      }
      worker.release(task(number))
    }
    let read = seconds(since: begin)
    spiller.shutDown()
    guard checked == count else { throw MusterError(.internal, "\(checked) of \(count) blocks came back") }
    report(bytes: spilled, written: written, read: read, peak: worker.peak)
  }

  /// Wakes the program where the disk has done something.
  private final class Bell: @unchecked Sendable {
    // Safe: a semaphore is for use from any thread, and its address doesn't change.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    init() { sem_init(semaphore, 0, 0) }
    deinit { semaphore.deallocate() }
    func ring() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 && errno == EINTR {} }
  }

  /// A worker with one thread that reads some tasks ahead.
  private struct Worker {
    var store: BlockStore
    let spiller: Spiller
    let bell: Bell
    var peak = 0
    var firstWrite: ContinuousClock.Instant?
    private var ready: [BlockStore.Consumer] = []
    private var completions: [Spiller.Completion] = []

    init(store: BlockStore, spiller: Spiller, bell: Bell) {
      self.store = store
      self.spiller = spiller
      self.bell = bell
    }

    mutating func run(
      _ consumer: BlockStore.Consumer, inputs: [TaskID], outputBytes: Int,
      _ body: ([any Block]) throws -> (block: any Block, task: TaskID)?
    ) throws {
      var actions: [BlockStore.Action] = []
      want(consumer, inputs: inputs, outputBytes: outputBytes, into: &actions)
      // As a scheduler does, which hands out some tasks ahead.
      if let input = inputs.first {
        for ahead in 1...4 where store.holds(TaskID(layer: 0, index: Int(input.index) + ahead)) {
          let next = Int(input.index) + ahead
          want(.task(TaskID(layer: 1, index: next)), inputs: [task(next)], outputBytes: outputBytes, into: &actions)
        }
      }
      try apply(&actions)
      while !ready.contains(consumer) { try waitOnce() }
      ready.removeAll { $0 == consumer }
      let blocks = inputs.compactMap { store.block(of: $0) }
      if let (block, made) = try body(blocks) {
        store.end(consumer, storing: block, of: made, into: &actions)
      } else {
        store.end(consumer, into: &actions)
      }
      try apply(&actions)
    }

    private var wanted: Set<BlockStore.Consumer> = []

    private mutating func want(
      _ consumer: BlockStore.Consumer, inputs: [TaskID], outputBytes: Int, into actions: inout [BlockStore.Action]
    ) {
      guard wanted.insert(consumer).inserted else { return }
      store.want(consumer, inputs: inputs, priority: Int64(inputs.first?.index ?? 0), outputBytes: outputBytes)
      store.prepare(consumer, into: &actions)
    }

    mutating func release(_ block: TaskID) {
      var actions: [BlockStore.Action] = []
      store.release(block, into: &actions)
      try? apply(&actions)
    }

    mutating func waitForDisk() throws { while store.isBusy { try waitOnce() } }

    private mutating func waitOnce() throws {
      bell.wait()
      spiller.takeCompletions(into: &completions)
      var actions: [BlockStore.Action] = []
      for completion in completions { store.receive(completion, into: &actions) }
      try apply(&actions)
    }

    private mutating func apply(_ actions: inout [BlockStore.Action]) throws {
      peak = max(peak, store.memoryBytes)
      for action in actions {
        switch action {
        case .spill(let orders):
          firstWrite = firstWrite ?? ContinuousClock.now
          spiller.spill(orders)
        case .load(let ticket, let task, let place): spiller.load(ticket, of: task, at: place, as: Bulk.self)
        case .discard(let place): spiller.discard(place)
        case .drop: break
        case .ready(let consumer): ready.append(consumer)
        case .unavailable(let consumer), .cannotFit(let consumer, _, _):
          throw MusterError(.internal, "\(consumer) can't run")
        case .failed(_, let error): throw error
        }
      }
      actions = []
    }
  }

  // MARK: The disk's side

  /// The same number of bytes as Muster's side writes, by plain calls of 8 MB.
  ///
  /// - Parameter direct: Past the page cache, as `dd oflag=direct`, or through it.
  static func runPlain(bytes: Int, folder: String, direct: Bool) throws {
    let callSize = 8 << 20
    let count = bytes / callSize
    let path = "\(folder)/muster-plain-\(getpid())"
    defer { unlink(path) }
    // O_DIRECT, which Glibc shows to _GNU_SOURCE only.
    #if arch(arm64)
      let directFlag: Int32 = 0o200000
    #else
      let directFlag: Int32 = 0o40000
    #endif
    let file = open(path, O_CREAT | O_RDWR | (direct ? directFlag : 0), 0o600)
    guard file >= 0 else { throw failure("make", path) }
    defer { close(file) }
    let memory = UnsafeMutableRawPointer.allocate(byteCount: callSize, alignment: 4096)
    defer { memory.deallocate() }
    for place in 0..<callSize / 8 { memory.storeBytes(of: word(1, place), toByteOffset: 8 * place, as: Int.self) }
    let start = ContinuousClock.now
    for _ in 0..<count { guard Glibc.write(file, memory, callSize) == callSize else { throw failure("write", path) } }
    guard fdatasync(file) == 0 else { throw failure("synchronize", path) }
    let written = seconds(since: start)
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
    lseek(file, 0, SEEK_SET)
    let begin = ContinuousClock.now
    for _ in 0..<count { guard Glibc.read(file, memory, callSize) == callSize else { throw failure("read", path) } }
    report(bytes: count * callSize, written: written, read: seconds(since: begin), peak: callSize)
  }

  private static func failure(_ action: String, _ path: String) -> MusterError {
    MusterError(.inputOutput, "can't \(action) \"\(path)\": \(String(cString: strerror(errno)))")
  }

  private static func report(bytes: Int, written: Double, read: Double, peak: Int) {
    let mega = Double(bytes) / 1e6
    print(
      "{\"seconds\": \(written + read), \"write\": \(mega / written), \"read\": \(mega / read),"
        + " \"both\": \(2 * mega / (written + read)), \"peak_blocks_mb\": \(Double(peak) / 1e6), \"mb\": \(mega)}")
  }
}
