internal import Glibc
internal import Synchronization

extension TraceRecorder {
  /// How many files this process has begun under each name.
  private static let begun = Mutex<[String: Int]>([:])

  /// Begins the file, on rank 0 at the session's start: a path that can't be written to is found before there is
  /// anything to lose. The second session of a process that traces to `trace.json` gets `trace-2.json`.
  ///
  /// - Parameter processes: what the ranks are called.
  /// - Throws: `MusterError` where the file can't be made.
  package func open(_ path: String, processes: [String]) throws(MusterError) {
    let count = Self.begun.withLock { $0[path, default: 0] }
    let made = try TraceFile(
      path: count == 0 ? path : Self.path(path, "\(count + 1)"), origin: start, processes: processes)
    Self.begun.withLock { $0[path, default: 0] += 1 }
    file.withLock { $0 = made }
  }

  /// `folder/trace.json`, `2`: `folder/trace-2.json`.
  static func path(_ path: String, _ suffix: String) -> String {
    let name = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "\(path)-\(suffix)" }
    return "\(path[..<dot])-\(suffix)\(path[dot...])"
  }

  /// The program goes on from a journal: what was traced and reported of its earlier runs stays. Its second run gets
  /// `trace-run2.json` and `report-run2.txt`, or, where they are there, the next number.
  func nameFiles(ofRun number: Int) {
    func free(_ path: String) -> String {
      var number = number
      while access(Self.path(path, "run\(number)"), F_OK) == 0 { number += 1 }
      return Self.path(path, "run\(number)")
    }
    file.withLock { if let path = $0?.path { $0?.path = free(path) } }
    report.withLock { if let path = $0?.file.path { $0?.file.path = free(path) } }
  }

  /// Nothing happens that could be told.
  func dropFiles() {
    file.withLock { $0.take() }?.abandon()
    report.withLock { $0.take() }?.file.abandon()
  }

  /// Writes to the file, where there is one.
  func write(_ body: (inout TraceFile) -> Void) {
    file.withLock { if $0 != nil { body(&$0!) } }
  }

  /// Ends the session's trace: writes this rank's events, and gives the file its name. Where that fails it is told on
  /// standard error: the session's results are worth more.
  package func finish() {
    guard var file = file.withLock({ $0.take() }) else { return }
    let layers = layerNames
    forEachBatch { lane, events in
      if let events { file.append(events, layers) } else { file.append(lane, rank: rank) }
    }
    do {
      try file.close(layers)
    } catch {
      return StandardStreams.writeError("muster: warning: \(error)\n")
    }
    let lost = file.lanes.reduce(0) { $0 + $1.info.lost }
    guard lost > 0 else { return }
    StandardStreams.writeError(
      "muster: \"\(file.path)\" has the last \(file.eventCount) events; \(lost) older ones didn't fit. Raise"
        + " MUSTER_TRACE_EVENTS, which is \(capacity) events for each thread, to keep more\n")
  }
}
