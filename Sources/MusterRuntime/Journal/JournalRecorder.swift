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
    var calls: [CallEntry]
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
      var calls: [CallEntry] = []
      for entry in log.latest(log.count - state.nextCall) {
        calls.append(
          CallEntry(
            words: number(of: entry.call.kind, &state), fingerprint: entry.fingerprint.low, shape: entry.call.shape,
            detail: entry.call.detail))
      }
      state.nextCall = log.count
      return Pending(fingerprint: log.fingerprint, callCount: log.count, calls: calls)
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

  func record(_ pending: Pending, _ outcome: CallRecord.Outcome, bulk: [JournalWriter.Bulk] = []) {
    writer.append(
      .call(
        CallRecord(
          time: Self.time, fingerprint: (pending.fingerprint.low, pending.fingerprint.high),
          callCount: UInt64(pending.callCount), outputLength: output.length(), outcome: outcome,
          calls: pending.calls)),
      bulk: bulk)
  }

  func record(_ pending: Pending, _ error: MusterError) {
    // An error's text can always be encoded.
    record(pending, .failure((try? JSON.encode(error)) ?? []))
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
