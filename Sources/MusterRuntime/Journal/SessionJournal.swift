internal import Glibc
internal import MusterJournal
internal import MusterScheduling
internal import Synchronization

/// A session's journal on one rank: gives the program what its earlier runs got, call by call; from the first call on that
/// they didn't come to, rank 0 adds to it.
final class SessionJournal: Sendable {
  /// What an earlier run got of a collective.
  enum Replay: Sendable {
    case value([UInt8])
    case blocks([EncodedBlock])
    case failure(MusterError)
  }

  /// How far rank 0 is: either the program comes to its end, or the session leaves before.
  private enum Phase {
    case replaying
    /// The journal has this run.
    case running
    /// The program has come to its end.
    case ending
    /// Nothing is added any more.
    case left
  }

  private struct State {
    /// nil once the program has gone past it.
    var past: JournalPast?
    var deferred = DeferredWork()
    /// With how many submissions what isn't needed of them is dropped.
    var trimCount = SessionJournal.leastTrimCount
    /// Nothing is put off any more.
    var isLive = false
    var phase = Phase.replaying
    /// The program isn't the one that wrote the journal: every call fails with it.
    var difference: MusterError?
    /// The pieces that were done when the session went past its journal; nil before that.
    var pieces: PastPieces?
    /// That they are of other calls than the program's was said.
    var hasToldOfChange = false
    /// What makes pieces lasting.
    var syncs: [ObjectIdentifier: @Sendable () -> Void] = [:]
    /// What is to be done when the program has come to its end.
    var endings: [@Sendable () -> Void] = []
  }

  let path: String
  /// The program had come to its end: there is nothing to go on with.
  let isEnded: Bool
  /// An earlier run has done something.
  let wasBegun: Bool
  /// On rank 0.
  let recorder: JournalRecorder?
  let keeper: BlockKeeper
  private let mark: DrainMark
  private let outputLength: UInt64
  private let printedLength: UInt64
  private let state: Mutex<State>

  init(
    _ opening: JournalFile.Opening, past: sending JournalPast, recorder: JournalRecorder?, keeper: BlockKeeper
  ) {
    self.keeper = keeper
    path = opening.path
    mark = opening.mark
    isEnded = opening.isEnded
    wasBegun = opening.runCount > 0
    outputLength = opening.outputLength
    printedLength = opening.printedLength
    self.recorder = recorder
    state = Mutex(State(past: past))
  }

  /// Whether the program has come to all that its earlier runs have done, and there is more to do.
  var isPast: Bool { !isEnded && state.withLock { $0.past?.isOver ?? true } }
  var isLive: Bool { state.withLock { $0.isLive } }

  /// What an earlier run got of the collective that the program has come to.
  ///
  /// - Throws: `MusterError` with code `changedProgram` where that run came to another one, from then on at every call.
  func replay(_ log: borrowing CallLog) throws(MusterError) -> Replay {
    try state.withLock { state throws(MusterError) in
      if let difference = state.difference { throw difference }
      guard let past = state.past else {
        throw MusterError(.internal, "a call was looked up in a journal that is over")
      }
      let former = past.lastCall
      guard let (entry, call) = try read({ () throws(JournalFault) in try past.next() }) else {
        throw changed(
          "it had ended\(former == nil ? "" : " after call \(former!.callCount)") then, and comes to"
            + " \(log.recent.last?.call.text ?? "a call") now", &state)
      }
      guard call.fingerprint == (log.fingerprint.low, log.fingerprint.high) else {
        throw changed(past.difference(call, from: log.recent), &state)
      }
      switch call.outcome {
      case .value(let bytes): return .value(bytes)
      case .blocks(let parts):
        return .blocks(try read { () throws(JournalFault) in try past.blocks(of: entry, parts) })
      case .failure(let bytes):
        return .failure((try? CodedValue.value(MusterError.self, from: bytes)) ?? MusterError(.damaged, path: path))
      }
    }
  }

  private func read<R>(_ body: () throws(JournalFault) -> R) throws(MusterError) -> R {
    do throws(JournalFault) { return try body() } catch { throw MusterError(error, path: path) }
  }

  private func changed(_ difference: String, _ state: inout State) -> MusterError {
    let error = MusterError(
      changedProgram: "the program isn't the one that began the journal '\(path)': \(difference)")
    state.difference = error
    return error
  }

  /// Puts a request off. Returns false where it is to be made.
  func putOff(_ request: DeferredWork.Request) -> Bool {
    state.withLock { state in
      guard !state.isLive else { return false }
      state.deferred.append(request)
      return true
    }
  }

  /// The type of the blocks of a layer that was put off.
  func blockType(of layer: UInt32) -> (any Block.Type)? { state.withLock { $0.deferred.blockType(of: layer) } }

  // MARK: Going on

  /// Reads what the journal has besides calls.
  func readRest() throws(MusterError) {
    try state.withLock { state throws(MusterError) in
      guard let past = state.past else { return }
      try read { () throws(JournalFault) in try past.readRest() }
      state.pieces = PastPieces(past)
    }
  }

  var hasSubmissions: Bool { state.withLock { $0.deferred.submissionCount > 0 } }

  /// Whether so much is put off that what isn't needed of it should be dropped: the same on every rank.
  var isTrimDue: Bool { state.withLock { $0.deferred.submissionCount >= $0.trimCount } }

  /// Drops what isn't needed of what was put off.
  func trim(toGraphs needed: [Int]) {
    // What goes may ask for the lock.
    let deferred = state.withLock { state in
      defer { state.deferred = DeferredWork() }
      return state.deferred
    }
    let left = deferred.requests(ofGraphs: needed)
    state.withLock { state in
      // Handles may have gone meanwhile.
      let later = state.deferred
      state.deferred = DeferredWork(left)
      for request in later.allRequests { state.deferred.append(request) }
      state.trimCount = max(Self.leastTrimCount, 2 * state.deferred.submissionCount)
    }
  }

  private static let leastTrimCount = 512

  /// What is needed of what was put off.
  func neededGraphs() -> [Int] {
    // Handles may go meanwhile, and ask for the lock.
    let deferred = state.withLock { $0.deferred }
    return deferred.neededGraphs()
  }

  /// What was put off and is to be asked for now; empty once there is nothing left, and from then on nothing is put off.
  func takeRequests(ofGraphs needed: [Int]) -> [DeferredWork.Request] {
    let deferred = state.withLock { state -> DeferredWork in
      let taken = state.deferred
      if taken.isEmpty {
        state.isLive = true
        state.past = nil
      } else {
        state.deferred = DeferredWork()
      }
      return taken
    }
    return deferred.requests(ofGraphs: needed)
  }

  /// On rank 0: nothing is printed that has been.
  func holdOutput() throws(MusterError) { try recorder?.output.hold() }

  /// On rank 0: from now on what happens is added to the journal.
  func begin(_ run: RunRecord, callCount: Int) throws(MusterError) {
    guard let recorder else { return }
    let writer = recorder.writer
    awaitEndIfLeft()
    let passedOn = try recorder.output.begin(
      at: outputLength, passedOn: printedLength, tell: { writer.append(.printed($0)) },
      settle: {
        do throws(MusterError) { try writer.sync() } catch { StandardStreams.writeError("muster: \(error)\n") }
      })
    recorder.skipCalls(upTo: callCount)
    state.withLock { state in
      guard state.phase != .left else { return }
      state.phase = .running
      writer.append(.run(run))
      // The record that said so may have been cut off, or say more than the file has now.
      if passedOn > 0 || printedLength > 0 { writer.append(.printed(passedOn)) }
    }
    awaitEndIfLeft()
    for record in state.withLock({ $0.pieces?.diminishedRecords ?? [] }) { recorder.writer.append(.pieces(record)) }
  }

  // MARK: Pieces

  /// On rank 0: the files of what is kept beside the journal that aren't there as they were.
  ///
  /// - Parameter nextLedger: the number of the first ledger that the program hasn't come to.
  func lostFiles(nextLedger: Int) -> Set<String> {
    let places = state.withLock { $0.pieces?.places ?? [] }
    var lost = keeper.lostFiles(of: places.lazy.map(\.place))
    recorder?.keptFiles.value.withLock { files in
      files.goesOn(after: UInt32(nextLedger))
      // What nothing needs may have been removed before the journal said so.
      let needed = places.filter { $0.place.isShared || $0.ledger >= nextLedger || files.mayNeed($0.ledger) }
      lost.formIntersection(needed.map(\.place.file))
      for (ledger, piece, place) in places where !lost.contains(place.file) && !place.isShared {
        files.told([piece], of: ledger, in: place.file)
      }
    }
    return lost
  }

  /// What is kept in some files isn't there any more.
  func forgetPieces(in files: Set<String>) { state.withLock { $0.pieces?.forget(in: files) } }

  func forgetPieces(of ledger: UInt32) {
    state.withLock { state in
      state.pieces?.forget(ledger)
      state.past?.forgetPieces(of: ledger)
    }
  }

  /// What earlier runs have done of a ledger; nil where the program hasn't come past the journal, which may say more.
  ///
  /// - Parameter call: the fingerprint of all calls up to the one that the ledger is of, half of it.
  func donePieces(of ledger: UInt32, call: UInt64, total: Int) -> [UInt32: [UInt8]]? {
    let (found, isNews) = state.withLock { state -> ([UInt32: [UInt8]]?, Bool) in
      guard let pieces = state.pieces else { return (nil, false) }
      if let found = pieces.done(of: ledger, call: call, total: total) { return (found, false) }
      defer { state.hasToldOfChange = true }
      return ([:], !state.hasToldOfChange)
    }
    if isNews && recorder != nil {
      StandardStreams.writeError(
        "muster: warning: the program isn't as it was where the journal '\(path)' ends: what its earlier run had done of"
          + " the calls after that is done again\n")
    }
    return found
  }

  /// Has something called where the session leaves before its work is done.
  func register(_ owner: AnyObject, _ flush: @escaping @Sendable () -> Void) {
    state.withLock { $0.syncs[ObjectIdentifier(owner)] = flush }
  }

  func unregister(_ owner: AnyObject) { state.withLock { $0.syncs[ObjectIdentifier(owner)] = nil } }

  func atEnd(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.endings.append(body) } }

  /// The program has come to its end.
  func finish() {
    for ending in state.withLock({ $0.endings }) { ending() }
    keeper.removeAll()
  }

  /// Makes what tasks have written lasting, and notes it.
  func flushPieces() {
    keeper.flush()
    for flush in state.withLock({ Array($0.syncs.values) }) { flush() }
  }

  /// The program has come to its end on rank 0, where the session doesn't leave: else this doesn't return.
  func beginEnd() {
    guard recorder != nil else { return }
    state.withLock { state in if state.phase != .left { state.phase = .ending } }
    awaitEndIfLeft()
  }

  /// The same where the session has failed, which the journal tells who asks how far the program is.
  func beginEnd(failure: any Error) {
    let phase = state.withLock { $0.phase }
    beginEnd()
    // Before its first new call a run leaves the journal as it is.
    guard let recorder, phase != .replaying else { return }
    let text = ErrorText.of(failure)
    let shown = text.count > Self.mostFailureText ? text.prefix(Self.mostFailureText) + " …" : text[...]
    recorder.writer.append(.failed(FailureRecord(time: JournalRecorder.time, text: String(shown))))
  }

  private static let mostFailureText = 4000

  /// What the program did in the moments until the process ends would be done again by the next run.
  private func awaitEndIfLeft() {
    while recorder != nil && state.withLock({ $0.phase == .left }) { usleep(100_000) }
  }

  /// On rank 0: nothing is added any more, unless the program has come to its end. Returns how far it had come.
  ///
  /// - Parameter patience: how long to wait for who reads standard output, in milliseconds.
  private func stop(_ recorder: JournalRecorder, patience: Int) -> Phase {
    let phase = state.withLock { state in
      defer { if state.phase != .ending { state.phase = .left } }
      return state.phase
    }
    if phase == .running {
      recorder.stop()
      recorder.output.stop(patience: patience, isTotal: true)
    }
    return phase
  }

  /// On rank 0: what was done until now is on disk, and the process ends.
  func settle() {
    guard let recorder else { return }
    _ = stop(recorder, patience: 100)
    sync(recorder)
  }

  private func sync(_ recorder: JournalRecorder) {
    do throws(MusterError) { try recorder.writer.sync() } catch { StandardStreams.writeError("muster: \(error)\n") }
  }

  /// On rank 0: the session leaves before its work is done, maybe before it has come to any. Returns whether it does: a
  /// program that has come to its end ends.
  func leave(because reason: DrainState.Reason, _ run: RunRecord) -> Bool {
    guard let recorder else { return true }
    let phase = stop(recorder, patience: 200)
    guard phase != .ending else { return false }
    if phase == .replaying && !isEnded {
      recorder.writer.append(.run(run))
      if printedLength > 0 { recorder.writer.append(.printed(printedLength)) }
    }
    if !isEnded && !recorder.writer.hasGained {
      StandardStreams.writeError(
        "muster: warning: nothing that outlives this run came to an end in it: the next one begins the same again. Give the"
          + " job more time, or have shorter collectives, and checkpoints\n")
    }
    if !isEnded {
      recorder.writer.append(.drained(DrainRecord(time: JournalRecorder.time, reason: "\(reason)")))
    }
    sync(recorder)
    mark.set()
    return true
  }
}
