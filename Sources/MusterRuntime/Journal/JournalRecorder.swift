internal import Glibc
internal import MusterJournal
internal import Synchronization

/// On rank 0: adds what happens to the journal.
final class JournalRecorder: Sendable {
  /// The kinds of call that have been named, by their digests.
  private struct Words {
    var numbers: [Fingerprint: UInt32] = [:]
    var count: UInt32
  }

  /// A collective that the program has come to.
  struct Pending: Sendable {
    var fingerprint: Fingerprint
    var callCount: Int
    /// The list of calls since the last one, encoded.
    var calls: [UInt8]
  }

  let writer: JournalWriter
  /// Which files of what is kept beside the journal can go.
  let keptFiles: SharedKeptFiles
  private let keeper: BlockKeeper
  let output: OutputKeeper
  private let words: Mutex<Words>
  /// The calls up to this one, without it, have been recorded.
  private let nextCall = Atomic(0)
  /// Nothing more is added. With the lock held while something is: how much was printed by then belongs to it.
  private let hasStopped = Mutex(false)
  /// The last call was recorded with an error.
  private let hasFailed = Atomic(false)

  init(_ file: JournalFile, output: OutputKeeper, keeper: BlockKeeper, keptFiles: SharedKeptFiles) {
    self.output = output
    self.keptFiles = keptFiles
    self.keeper = keeper
    writer = JournalWriter(
      file: file.descriptor, path: file.opening.path, length: file.opening.length, beforeSync: { output.sync() })
    var numbers: [Fingerprint: UInt32] = [:]
    for (number, words) in file.words.enumerated() { numbers[CallKind.digest(of: words)] = UInt32(number) }
    words = Mutex(Words(numbers: numbers, count: UInt32(file.words.count)))
  }

  static var time: UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  /// No call is recorded any more.
  func stop() { hasStopped.withLock { $0 = true } }

  /// Calls up to a number needn't be recorded: the journal has them.
  func skipCalls(upTo count: Int) { nextCall.store(count, ordering: .relaxed) }

  /// Takes note of a collective that the program has come to.
  func pending(_ log: borrowing CallLog) -> Pending {
    if hasFailed.exchange(false, ordering: .relaxed) { writer.append(.wentOn) }
    let next = nextCall.exchange(log.count, ordering: .relaxed)
    let entries = log.latest(log.count - next)
    var encoder = RecordEncoder(reserving: 64)
    encoder.put(UInt32(entries.count))
    for entry in entries {
      CallEntry(
        words: number(of: entry.call.kind), fingerprint: entry.fingerprint.low, shape: entry.call.shape,
        detail: entry.call.detail
      ).write(to: &encoder)
    }
    return Pending(fingerprint: log.fingerprint, callCount: log.count, calls: encoder.bytes)
  }

  func record(_ pending: Pending, value: [UInt8]) {
    add(pending, []) { CallRecord.put(value: value, to: &$0) }
  }

  func record(_ pending: Pending, _ error: MusterError) {
    // An error's text can always be encoded.
    let bytes = (try? CodedValue.bytes(of: error)) ?? []
    add(pending, [], isError: true) { CallRecord.put(failure: bytes, to: &$0) }
    hasFailed.store(true, ordering: .relaxed)
  }

  /// Blocks that came from other ranks.
  func record(_ pending: Pending, _ blocks: [EncodedBlock]) {
    var bulk: [JournalWriter.Bulk] = []
    for block in blocks {
      for storage in block.storages {
        bulk.append(JournalWriter.Bulk(storage: storage, offset: 0, byteCount: storage.byteCount))
      }
    }
    add(pending, bulk) { encoder in
      CallRecord.put(blockCount: blocks.count, to: &encoder)
      for block in blocks {
        CallRecord.put(header: block.header, partCount: block.storages.count, to: &encoder)
        for storage in block.storages { encoder.put(storage.byteCount) }
      }
    }
  }

  /// Blocks that haven't left this process.
  ///
  /// - Throws: `MusterError` with code `taskFailed` where one can't be encoded.
  func record(_ pending: Pending, _ blocks: [any Block]) throws(MusterError) {
    var encoded: [BlockEncoder] = []
    var bulk: [JournalWriter.Bulk] = []
    for block in blocks {
      var parts = BlockEncoder()
      block.encode(into: &parts)
      if let refusal = parts.refusal {
        let error = MusterError(
          .taskFailed, "a value of a collective can't go into the journal: \(refusal)",
          fix: "Look at its encode(to:) and init(from:)")
        record(pending, error)
        throw error
      }
      for part in parts.segments {
        bulk.append(JournalWriter.Bulk(storage: part.storage, offset: part.offset, byteCount: part.byteCount))
      }
      encoded.append(parts)
    }
    add(pending, bulk) { encoder in
      CallRecord.put(blockCount: encoded.count, to: &encoder)
      for parts in encoded {
        CallRecord.put(header: parts.header, partCount: parts.segments.count, to: &encoder)
        for part in parts.segments { encoder.put(part.byteCount) }
      }
    }
  }

  /// Adds a collective's record.
  ///
  /// - Parameter outcome: puts the outcome into the head.
  private func add(
    _ pending: Pending, _ bulk: [JournalWriter.Bulk], isError: Bool = false, _ outcome: (inout RecordEncoder) -> Void
  ) {
    let isAdded = hasStopped.withLock { hasStopped in
      // What comes after the session has left its next run does again.
      guard !hasStopped else { return false }
      let length = output.length()
      if let failure = output.failure {
        writer.refuse(failure)
        return false
      }
      writer.append(.call, bulk: bulk) { encoder in
        CallRecord.put(
          time: Self.time, fingerprint: (pending.fingerprint.low, pending.fingerprint.high),
          callCount: UInt64(pending.callCount), outputLength: length, to: &encoder)
        outcome(&encoder)
        encoder.put(raw: pending.calls)
      }
      return true
    }
    guard isAdded else { return }
    // Where it's the program's end the next run makes the call again, and comes to what was before it.
    guard !isError else { return }
    let unneeded = keptFiles.value.withLock { $0.takeDue() }
    guard !unneeded.isEmpty else { return }
    for kept in unneeded {
      writer.append(.pieces(PiecesRecord(forgetting: kept.ledger)))
    }
    writer.whenSynced { [keeper] in keeper.remove(unneeded.flatMap(\.files)) }
  }

  /// The number of a kind of call, which is named first where that is new.
  private func number(of kind: CallKind) -> UInt32 {
    let (number, isNew) = words.withLock { words in
      if let known = words.numbers[kind.digest] { return (known, false) }
      let number = words.count
      words.numbers[kind.digest] = number
      words.count += 1
      return (number, true)
    }
    if isNew { writer.append(.words(kind.words)) }
    return number
  }
}

extension CallKind {
  fileprivate var words: CallWords {
    CallWords(
      operation: operation, elementType: elementType, file: callSite?.file ?? "", line: UInt32(callSite?.line ?? 0))
  }

  fileprivate static func digest(of words: CallWords) -> Fingerprint {
    CallKind(
      operation: words.operation, elementType: words.elementType,
      callSite: words.file.isEmpty ? nil : CallSite(file: words.file, line: Int(words.line))
    ).digest
  }
}
