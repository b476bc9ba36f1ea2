internal import Synchronization

/// A report that is to be written at the session's end.
struct ReportDraft: Sendable {
  var file: ReportFile
  var program: String
  var members: [JobFigures.Member]
  /// What other ranks have told.
  var others: [RankFigures] = []
  var ending = JobFigures.Ending.done
  var earlierCalls = 0
  /// When all ranks had come to the session's end; nil before.
  var end: Int?
}

extension TraceRecorder {
  /// How many files this process has begun under each name.
  private static let begunReports = Mutex<[String: Int]>([:])

  /// Begins the report, on rank 0 at the session's start. The second session of a process that reports to `report.txt`
  /// gets `report-2.txt`.
  ///
  /// - Throws: `MusterError` where the file can't be made.
  func openReport(_ setting: String, program: String, members: [JobFigures.Member]) throws(MusterError) {
    let count = Self.begunReports.withLock { $0[setting, default: 0] }
    let isNumbered = count > 0 && !ReportFile.isStandardError(setting)
    let file = try ReportFile(isNumbered ? Self.path(setting, "\(count + 1)") : setting)
    Self.begunReports.withLock { $0[setting, default: 0] += 1 }
    report.withLock { $0 = ReportDraft(file: file, program: program, members: members) }
  }

  /// Takes what another rank has done. What it tells last counts.
  func add(_ figures: RankFigures) {
    report.withLock { draft in
      draft?.others.removeAll { $0.counts.rank == figures.counts.rank }
      draft?.others.append(figures)
    }
  }

  /// All ranks have come to the session's end. The first time counts.
  func noteEnd(at time: Int) {
    report.withLock { if $0?.end == nil { $0?.end = time } }
  }

  /// The session doesn't end as it should.
  func noteEnding(_ ending: JobFigures.Ending) { report.withLock { $0?.ending = ending } }

  /// The session goes on after so many calls of its journal.
  func noteEarlierCalls(_ count: Int) { report.withLock { $0?.earlierCalls = count } }

  /// Writes the report, where one was begun. Where that fails it is told on standard error: the session's results are
  /// worth more.
  func finishReport() {
    guard let draft = report.withLock({ $0.take() }) else { return }
    let own = figures(now: draft.end ?? MonotonicClock.nanoseconds)
    var job = JobFigures(
      program: draft.program, members: draft.members, wall: own.counts.wall, ending: draft.ending,
      ranks: ([own] + draft.others).sorted { $0.counts.rank < $1.counts.rank })
    job.earlierCalls = draft.earlierCalls
    do {
      try draft.file.write(ReportText.text(job))
    } catch {
      StandardStreams.writeError("muster: warning: \(error)\n")
    }
  }
}
