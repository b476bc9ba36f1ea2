internal import Glibc
internal import MusterJournal
internal import Synchronization

/// The beginning and the end of a session with a journal.
extension Session {
  /// Opens the journal, where one is wanted, on every rank. Collective.
  ///
  /// - Throws: `MusterError`, the same on every rank: see `JournalFile.open`.
  func openJournal(_ configuration: SessionConfiguration, _ environment: [String: String]) throws {
    // A setting in the environment may have reached rank 0 alone.
    if rankCount == 1 && configuration.journal == nil { return }
    var file: JournalFile?
    // Not by its name: on another day it may be called otherwise.
    let found: JournalFile.Opening? = try onRoot("open the journal") {
      guard let name = configuration.journal else { return nil }
      try configuration.checkDeadline()
      let opened = try JournalFile.open(name, start: configuration.journalStart ?? .resume)
      file = opened
      return opened.opening
    }
    guard let opening = found else { return }
    var journal: SessionJournal?
    let keeper = BlockKeeper(folder: JournalFile.blocksPath(of: opening.path), rank: rank) { [weak self] in
      self?.tell($0)
    }
    let recorder = file.map {
      JournalRecorder(
        $0, output: OutputKeeper(path: JournalFile.outputPath(of: opening.path)), keeper: keeper,
        keptFiles: keptFiles)
    }
    // Where it can't be read on some rank nothing is added to it, and others may have it.
    defer { if journal == nil { recorder?.writer.close() } }
    try onEachRank("read the journal") {
      do throws(JournalFault) {
        journal = SessionJournal(
          opening, past: try JournalPast(opening), recorder: recorder, keeper: keeper)
      } catch { throw MusterError(error, path: opening.path) }
    }
    guard let journal else { return }
    if let remark = file?.remark, !remark.isEmpty { StandardStreams.writeError(remark) }
    if let other = environment["MUSTER_JOURNAL"], !other.isEmpty, let own = configuration.journal, own != other {
      tellUser("warning: the program itself names its journal, '\(own)': MUSTER_JOURNAL ('\(other)') isn't used")
    }
    if isRoot {
      if opening.isEnded {
        engine.events?.dropFiles()
      } else if opening.runCount > 0 {
        engine.events?.nameFiles(ofRun: opening.runCount + 1)
      }
    }
    // It may have been killed before it could.
    if isRoot && opening.isEnded { keeper.removeAll() }
    try beginReplay(journal, opening, configuration, environment)
  }

  private func beginReplay(
    _ journal: SessionJournal, _ opening: JournalFile.Opening, _ configuration: SessionConfiguration,
    _ environment: [String: String]
  ) throws {
    let run = RunRecord(
      time: JournalRecorder.time, host: Self.hostName, process: UInt32(getpid()),
      job: environment["SLURM_JOB_ID"] ?? environment["PBS_JOBID"] ?? "", ranks: UInt32(rankCount))
    state.value.withLock { state in
      state.journal = journal
      state.run = run
    }
    if journal.recorder != nil, let engine = engine as? RankEngine {
      engine.takeNotes { [weak self] bytes in
        guard case .pieces(let pieces)? = try? JournalRecord(kind: JournalRecord.Kind.pieces.rawValue, head: bytes[...])
        else { preconditionFailure("a note for the journal can't be read") }
        self?.add(pieces)
      }
    }
    FileWriting.ignoreSizeSignal()
    DrainSignal.watch(configuration.drainSignals(onRanks: rankCount > 1))
    engine.drains(
      by: DrainPlan(
        jobEnd: configuration.deadline.map { DrainPlan.monotonic($0) },
        isBusy: { [weak self] in self.map { $0.unrecordedResults.load(ordering: .relaxed) > 0 } ?? false },
        flush: { journal.flushPieces() },
        settle: { journal.settle() }, leave: { journal.leave(because: $0, run) }))
    hasJournal.store(true, ordering: .relaxed)
    isReplaying.store(true, ordering: .relaxed)
    if opening.isEnded {
      tellUser(
        opening.hasLater
          ? "this session of the program has ended already, as its journal '\(journal.path)' says: nothing of it is computed"
            + " again. The program had come to a further one"
          : "the program has ended already, as its journal '\(journal.path)' says: nothing is computed again."
            + " Set MUSTER_JOURNAL_START=anew to begin from the start")
    } else if opening.callCount > 0 {
      let calls = opening.callCount == 1 ? "a call" : "\(opening.callCount) calls"
      tellUser("goes on after \(calls) that the journal '\(journal.path)' has")
      engine.events?.noteEarlierCalls(opening.callCount)
    }
    guard !journal.isPast else { return try goOn(journal) }
    _ = try agree("print nothing again") {
      try journal.holdOutput()
      return true
    }
  }

  package func tellUser(_ text: String) {
    if isRoot { StandardStreams.writeError("muster: \(text)\n") }
  }

  private static var hostName: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The program has come to the end of its session: so says the journal from now on. Collective.
  ///
  /// - Throws: `MusterError`, the same on every rank, where the journal can't be written.
  func endJournal() throws {
    guard let journal = state.value.withLock({ $0.journal }) else { return }
    guard !isReplaying.load(ordering: .relaxed) else {
      journal.beginEnd()
      DrainSignal.unwatch()
      journal.recorder?.output.end()
      journal.recorder?.writer.close()
      if !journal.isEnded {
        throw MusterError(
          changedProgram:
            "the program isn't the one that began the journal '\(journal.path)': it has come to its end, and had made"
            + " further calls then")
      }
      return
    }
    // Once the journal says so no run does anything any more: not before the last rank is there.
    try onAllRanks("the program's end") {}.get()
    _ = try agree("end the journal") {
      guard let recorder = journal.recorder else { return true }
      var hasEnded = false
      defer {
        StandardStreams.flushBufferedOutput()
        if hasEnded {
          recorder.output.passOnRest()
          recorder.output.end()
          recorder.writer.close()
        } else {
          // The next run passes on what this one can't; the journal is still to say what went wrong.
          recorder.output.passOnAndTell()
        }
      }
      StandardStreams.flushBufferedOutput()
      if let failure = recorder.writer.failure ?? recorder.output.failure { throw failure }
      // No other run will. Until somebody has read it the session may leave.
      recorder.output.passOnAndTell()
      journal.beginEnd()
      DrainSignal.unwatch()
      // What another thread has printed meanwhile.
      if let failure = recorder.output.failure { throw failure }
      recorder.writer.append(
        .end(EndRecord(time: JournalRecorder.time, outputLength: recorder.output.length())))
      try recorder.writer.sync()
      hasEnded = true
      journal.finish()
      return true
    }
    DrainSignal.unwatch()
    journal.keeper.close()
  }

  /// The session ends with an error: what is in the journal stays for the next run.
  func abandonJournal(_ failure: any Error) {
    guard let journal = state.value.withLock({ $0.journal }) else { return }
    journal.beginEnd(failure: failure)
    if hasJournal.load(ordering: .relaxed) { DrainSignal.unwatch() }
    journal.keeper.flush()
    journal.keeper.close()
    // What nobody reads in that time the next run passes on.
    journal.recorder?.output.stop(patience: 5000, isTotal: false)
    journal.recorder?.output.end()
    journal.recorder?.writer.close()
  }
}
