internal import Glibc
internal import MusterJournal
internal import Synchronization

/// On rank 0: adds what happens to the journal.
final class JournalRecorder: Sendable {
  private struct State {
    /// The kinds of call that have been named, by their digests.
    var words: [Fingerprint: UInt32] = [:]
    var wordCount: UInt32
    /// The calls up to this one, without it, have been recorded.
    var nextCall = 0
  }

  /// A collective that the program has come to.
  struct Pending: Sendable {
    var fingerprint: Fingerprint
    var callCount: Int
    /// The list of calls since the last one, encoded.
    var calls: [UInt8]
  }

  let writer: JournalWriter
  let output: OutputKeeper
  private let state: Mutex<State>

  /// - Parameter words: the kinds of call that the journal names already.
  init(_ file: JournalFile, output: OutputKeeper) {
    self.output = output
    writer = JournalWriter(
      file: file.descriptor, path: file.opening.path, length: file.opening.length, beforeSync: { output.sync() })
    var numbers: [Fingerprint: UInt32] = [:]
    for (number, words) in file.words.enumerated() { numbers[CallKind.digest(of: words)] = UInt32(number) }
    state = Mutex(State(words: numbers, wordCount: UInt32(file.words.count)))
  }

  static var time: UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  /// Calls up to a number needn't be recorded: the journal has them.
  func skipCalls(upTo count: Int) { state.withLock { $0.nextCall = count } }

  /// Takes note of a collective that the program has come to.
  func pending(_ log: CallLog) -> Pending {
    state.withLock { state in
      let entries = log.latest(log.count - state.nextCall)
      var encoder = RecordEncoder(reserving: 64)
      encoder.put(UInt32(entries.count))
      for entry in entries {
        CallEntry(
          words: number(of: entry.call.kind, &state), fingerprint: entry.fingerprint.low, shape: entry.call.shape,
          detail: entry.call.detail
        ).write(to: &encoder)
      }
      state.nextCall = log.count
      return Pending(fingerprint: log.fingerprint, callCount: log.count, calls: encoder.bytes)
    }
  }

  private func number(of kind: CallKind, _ state: inout State) -> UInt32 {
    if let known = state.words[kind.digest] { return known }
    let number = state.wordCount
    state.words[kind.digest] = number
    state.wordCount += 1
    writer.append(.words(kind.words))
    return number
  }

  func record(_ pending: Pending, value: [UInt8]) {
    var encoder = encoder(pending)
    CallRecord.put(value: value, to: &encoder)
    finish(pending, &encoder)
  }

  func record(_ pending: Pending, _ error: MusterError) {
    var encoder = encoder(pending)
    // An error's text can always be encoded.
    CallRecord.put(failure: (try? JSON.encode(error)) ?? [], to: &encoder)
    finish(pending, &encoder)
  }

  /// Blocks that came from other ranks.
  func record(_ pending: Pending, _ blocks: [EncodedBlock]) {
    var encoder = encoder(pending)
    var bulk: [JournalWriter.Bulk] = []
    CallRecord.put(blockCount: blocks.count, to: &encoder)
    for block in blocks {
      CallRecord.put(header: block.header, partCount: block.storages.count, to: &encoder)
      for storage in block.storages {
        encoder.put(storage.byteCount)
        bulk.append(JournalWriter.Bulk(storage: storage, offset: 0, byteCount: storage.byteCount))
      }
    }
    finish(pending, &encoder, bulk)
  }

  /// Blocks that haven't left this process.
  ///
  /// - Throws: `MusterError` with code `taskFailed` where one can't be encoded.
  func record(_ pending: Pending, _ blocks: [any Block]) throws(MusterError) {
    var encoder = encoder(pending)
    var bulk: [JournalWriter.Bulk] = []
    CallRecord.put(blockCount: blocks.count, to: &encoder)
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
      CallRecord.put(header: parts.header, partCount: parts.segments.count, to: &encoder)
      for part in parts.segments {
        encoder.put(part.byteCount)
        bulk.append(JournalWriter.Bulk(storage: part.storage, offset: part.offset, byteCount: part.byteCount))
      }
    }
    finish(pending, &encoder, bulk)
  }

  private func encoder(_ pending: Pending) -> RecordEncoder {
    CallRecord.encoder(
      time: Self.time, fingerprint: (pending.fingerprint.low, pending.fingerprint.high),
      callCount: UInt64(pending.callCount), outputLength: output.length())
  }

  private func finish(_ pending: Pending, _ encoder: inout RecordEncoder, _ bulk: [JournalWriter.Bulk] = []) {
    encoder.put(raw: pending.calls)
    writer.append(.call, head: encoder.bytes, bulk: bulk)
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
