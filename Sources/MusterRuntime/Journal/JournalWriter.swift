internal import Glibc
internal import MusterJournal
internal import Synchronization

/// Adds records to a journal, on a thread of its own: the program doesn't wait for the disk.
///
/// A record is in the file a few milliseconds after it was added, and so outlives the process; it is on disk, and outlives
/// the machine, a second later at the most. Where the disk is full the file ends with the last whole record.
///
/// `@unchecked Sendable` is safe: the variables are read and written with `condition` locked only, but for those of the
/// writing, which belong to the thread.
final class JournalWriter: @unchecked Sendable {
  /// A part of a storage.
  struct Bulk: Sendable {
    var storage: BlockStorage
    var offset: Int
    var byteCount: Int

    var bytes: UnsafeRawBufferPointer {
      UnsafeRawBufferPointer(start: storage.bytes + offset, count: byteCount)
    }
  }

  /// What is to be written, in the order of the file.
  private enum Part {
    case bytes([UInt8])
    case bulk(Bulk)
  }

  /// A bulk up to this size is copied.
  private static let copiedBytes = 64 << 10
  /// For how long records are collected before they are written.
  private static let collecting = 5_000_000
  /// For how long what is written may not be on disk.
  private static let syncing = 1_000_000_000

  /// How much may wait to be written.
  private static let mostHeldBytes = 64 << 20

  private let file: Int32
  private let path: String
  /// Has on disk what has to be there before the records are; returns the error that it met.
  private let beforeSync: @Sendable () -> MusterError?
  private let condition = ConditionLock()
  private var parts: [Part] = []
  /// The last bytes of what is to be written.
  private var open = RecordEncoder(reserving: 1 << 18)
  /// Where records end in the file.
  private var ends: [UInt64] = []
  private var end: UInt64
  /// The thread has nothing to do and waits to be woken.
  private var isIdle = false
  /// Somebody waits for all to be on disk.
  private var isUrgent = false
  private var isClosing = false
  private var isClosed = false
  private var added = 0
  /// Something was added that a later run needn't do again.
  private var hasAddedGain = false
  /// What the records hold that haven't been written, in bytes.
  private var heldBytes = 0
  private var synced = 0
  /// What is to be done when records are on disk, by how many these are.
  private var afterSync: [(count: Int, body: @Sendable () -> Void)] = []
  private var error: MusterError?
  /// Why no call is added any more; what was before is written.
  private var refusal: MusterError?
  /// Whether anything has gone wrong; for a look at every call.
  private let hasFailed = Atomic<Bool>(false)

  // Of the thread
  private var length: UInt64
  private var unsyncedSince: Int?

  /// - Parameters:
  ///   - file: the journal's descriptor, which the writer closes.
  ///   - length: where to begin to write.
  init(file: Int32, path: String, length: UInt64, beforeSync: @escaping @Sendable () -> MusterError?) {
    self.file = file
    self.path = path
    self.length = length
    end = length
    self.beforeSync = beforeSync
    SystemThread.start(name: "muster-journal") { self.run() }
  }

  /// What went wrong; no call is added any more then.
  var failure: MusterError? {
    guard hasFailed.load(ordering: .relaxed) else { return nil }
    return condition.withLock { error ?? refusal }
  }

  /// Whether anything was added that a later run needn't do again.
  var hasGained: Bool { condition.withLock { hasAddedGain } }

  /// Something went wrong elsewhere, after which no call is to be added, nor the program's end.
  func refuse(_ failure: MusterError) {
    condition.withLock {
      if refusal == nil { refusal = failure }
      hasFailed.store(true, ordering: .relaxed)
    }
  }

  /// Adds a record. Waits where the disk is far behind.
  func append(_ record: JournalRecord) { append(record.kind) { record.writeHead(to: &$0) } }

  /// The same by its parts.
  ///
  /// - Parameter head: puts the head.
  func append(_ kind: JournalRecord.Kind, bulk: [Bulk] = [], head: (inout RecordEncoder) -> Void) {
    let bulkBytes = bulk.reduce(0) { $0 + $1.byteCount }
    let checksum = bulk.reduce(0) { Checksum.adding($1.bytes, to: $0) }
    condition.lock()
    // What is small needn't wait, also where the caller may not.
    while bulkBytes > Self.copiedBytes, heldBytes > 0, heldBytes + bulkBytes > Self.mostHeldBytes, error == nil,
      !isClosed
    { condition.wait() }
    guard !isClosed, refusal == nil || !kind.isOfProgram else { return condition.unlock() }
    let start = open.bytes.count
    open.record(kind, bulkBytes: bulkBytes, bulkChecksum: checksum, head: head)
    end += UInt64(open.bytes.count - start + bulkBytes)
    heldBytes += open.bytes.count - start + bulkBytes
    ends.append(end)
    if bulkBytes <= Self.copiedBytes {
      for part in bulk { open.put(raw: part.bytes) }
    } else {
      parts.append(.bytes(open.bytes))
      parts += bulk.map { .bulk($0) }
      open.removeAll()
    }
    added += 1
    if kind == .call || kind == .pieces { hasAddedGain = true }
    let wakes = isIdle
    isIdle = false
    if wakes { condition.broadcast() }
    condition.unlock()
  }

  /// Has something done when all that was added by now is on disk.
  func whenSynced(_ body: @escaping @Sendable () -> Void) { condition.withLock { afterSync.append((added, body)) } }

  /// Waits until all that was added is on disk.
  ///
  /// - Throws: `MusterError` with code `diskFull`, `inputOutput`, where it can't be, or wasn't added.
  func sync() throws(MusterError) {
    condition.lock()
    let target = added
    while synced < target, error == nil, !isClosed {
      isUrgent = true
      condition.broadcast()
      condition.wait()
    }
    let error = error ?? refusal
    condition.unlock()
    if let error { throw error }
  }

  /// Waits until all that was added is on disk, as far as that can be, and closes the file.
  func close() {
    condition.lock()
    isClosing = true
    condition.broadcast()
    while !isClosed { condition.wait() }
    condition.unlock()
  }

  private func run() {
    // Taken in turns with what the program adds to: neither gives its memory back.
    var bytes = RecordEncoder(reserving: 1 << 18)
    condition.lock()
    while true {
      waitForWork()
      var taken: [Part] = []
      var takenEnds: [UInt64] = []
      swap(&taken, &parts)
      swap(&takenEnds, &ends)
      swap(&bytes, &open)
      let last = added
      let isLast = isClosing
      let isUrgent = isUrgent
      let hasError = error != nil
      heldBytes = 0
      condition.unlock()
      var failure: MusterError?
      if !hasError && !takenEnds.isEmpty {
        failure = write(taken, bytes.bytes, takenEnds)
        if unsyncedSince == nil { unsyncedSince = MonotonicClock.nanoseconds }
      }
      taken = []
      bytes.removeAll()
      var isSynced = unsyncedSince == nil
      if let since = unsyncedSince, failure == nil, !hasError,
        isUrgent || isLast || MonotonicClock.nanoseconds - since >= Self.syncing
      {
        failure = syncFile()
        unsyncedSince = nil
        isSynced = true
      }
      condition.lock()
      if isSynced { synced = last }
      if let failure {
        error = failure
        hasFailed.store(true, ordering: .relaxed)
      }
      if error != nil { unsyncedSince = nil }
      if synced == added || error != nil { self.isUrgent = false }
      condition.broadcast()
      if isSynced && error == nil { runAfterSync() }
      if isLast && ends.isEmpty { break }
      if !self.isUrgent && !isClosing {
        // Others that are about to come are written along.
        condition.unlock()
        usleep(UInt32(Self.collecting / 1000))
        condition.lock()
      }
    }
    _ = Glibc.close(file)
    isClosed = true
    condition.broadcast()
    condition.unlock()
  }

  /// With the lock held, which is let go of meanwhile.
  private func runAfterSync() {
    let due = afterSync.prefix { $0.count <= synced }.map(\.body)
    guard !due.isEmpty else { return }
    afterSync.removeFirst(due.count)
    condition.unlock()
    for body in due { body() }
    condition.lock()
  }

  /// With the lock held: until there is something to write, or to have on disk.
  private func waitForWork() {
    guard ends.isEmpty && !isUrgent && !isClosing else { return }
    isIdle = true
    if let unsyncedSince {
      let left = unsyncedSince + Self.syncing - MonotonicClock.nanoseconds
      if left > 0 { condition.wait(nanoseconds: left) }
    } else {
      condition.wait()
    }
    isIdle = false
  }

  private func syncFile() -> MusterError? {
    if let failure = beforeSync() { return failure }
    guard fdatasync(file) == 0 || errno == EINVAL else { return failure(errno) }
    return nil
  }

  /// Writes some records; where that fails the file ends with the last that is whole.
  private func write(_ parts: [Part], _ last: [UInt8], _ ends: [UInt64]) -> MusterError? {
    var status: Int32 = 0
    var place = length
    func put(_ bytes: UnsafeRawBufferPointer) {
      guard status == 0, !bytes.isEmpty else { return }
      status = FileWriting.write(bytes, to: file, at: place)
      place += UInt64(bytes.count)
    }
    for part in parts {
      switch part {
      case .bytes(let bytes): bytes.withUnsafeBytes { put($0) }
      case .bulk(let bulk): put(bulk.bytes)
      }
    }
    last.withUnsafeBytes { put($0) }
    guard status == 0 else {
      // All goes one behind the other: what was written before is whole.
      var found = stat()
      let written = fstat(file, &found) == 0 ? UInt64(found.st_size) : length
      length = ends.last { $0 <= written } ?? length
      ftruncate(file, off_t(length))
      return failure(status)
    }
    length = place
    return nil
  }

  private func failure(_ number: Int32) -> MusterError {
    let code = FileWriting.code(of: number)
    let fix =
      (FileWriting.wayOut(of: number) ?? "Start the program again when that is mended")
      + ": it goes on after the last call that the journal has"
    return MusterError(
      code, "the journal '\(path)' can't be written: \(FileWriting.text(of: number))", fix: fix)
  }
}

extension JournalRecord.Kind {
  /// What the program has come to: once a part of that is missing nothing can follow.
  fileprivate var isOfProgram: Bool {
    switch self {
    case .call, .wentOn, .end: true
    default: false
    }
  }
}
