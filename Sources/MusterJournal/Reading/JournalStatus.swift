internal import Glibc

/// How far a program is, as its journal says.
package struct JournalStatus: Codable, Equatable, Sendable {
  package enum State: String, Codable, Sendable {
    /// A process has the journal open.
    case running
    /// The last run left before its work was done: it's to be started again.
    case drained
    /// The last run ended with an error.
    case failed
    /// The last run was ended from outside, or before it could say why.
    case interrupted
    /// The program has come to its end.
    case finished
  }

  package struct Run: Codable, Equatable, Sendable {
    /// In seconds since 1970.
    package var time: Double
    package var host: String
    package var process: Int
    /// What the batch system calls the job; missing without one.
    package var job: String?
    package var ranks: Int
  }

  package var state: State
  /// The program's name and arguments.
  package var arguments: [String]
  /// The collectives that have ended.
  package var calls: Int
  /// The last of them: what it was, where in the program, and when, in seconds since 1970.
  package var lastCall: String?
  package var lastPlace: String?
  package var lastTime: Double?
  /// Of what was being written or kept beside the journal since then: how many pieces there are, and how many of them are done.
  package var pieces: Int
  package var piecesDone: Int
  /// Why the last run left, where it drained.
  package var reason: String?
  /// The error that the last run ended with.
  package var error: String?
  /// Of a program with several sessions, which of them this is of: the last that it has come to.
  package var session: Int?
  package var runs: [Run]
  /// How many bytes the program has printed.
  package var printed: Int

  /// Looks at a journal; a program may be adding to it meanwhile.
  ///
  /// - Throws: `JournalFault`.
  package init(path: String) throws(JournalFault) {
    // Before the file is read: what a run says at its end is there once it has let go.
    let isOpen = Self.isLocked(path)
    let scan = try JournalScan(path: path)
    arguments = scan.program?.arguments ?? []
    calls = scan.callCount
    lastCall = scan.lastCall?.words?.operation
    lastPlace = scan.lastCall?.words.flatMap { $0.file.isEmpty ? nil : "\($0.file):\($0.line)" }
    lastTime = scan.lastCall.map { Double($0.time) / 1e9 }
    let open = scan.end == nil ? scan.pieces.filter { scan.activeLedgers.contains($0.key) } : [:]
    pieces = open.values.reduce(0) { $0 + Int($1.total) }
    piecesDone = open.values.reduce(0) { $0 + $1.done.count }
    reason = scan.drain?.reason
    error = scan.failure?.text
    runs = scan.runs.map {
      Run(
        time: Double($0.time) / 1e9, host: $0.host, process: Int($0.process), job: $0.job.isEmpty ? nil : $0.job,
        ranks: Int($0.ranks))
    }
    printed = Int(scan.end?.outputLength ?? max(scan.outputLength, scan.printedLength))
    state =
      scan.end != nil
      ? .finished
      : isOpen ? .running : error != nil ? .failed : scan.drain != nil ? .drained : .interrupted
  }

  /// That of the last session that a program has come to, which may have several, each with a journal of its own beside
  /// the first. While a run repeats the sessions before, which have ended, the program is running.
  ///
  /// - Throws: `JournalFault`.
  package static func ofLastSession(path: String) throws(JournalFault) -> JournalStatus {
    var status = try JournalStatus(path: path)
    var isRepeating = false
    var number = 2
    var last = path
    while let next = try? JournalStatus(path: "\(path).\(number)"), next.arguments == status.arguments {
      isRepeating = isRepeating || isLocked(last)
      last = "\(path).\(number)"
      status = next
      status.session = number
      number += 1
    }
    if isRepeating, status.state != .finished { status.state = .running }
    return status
  }

  /// Whether a process has the journal open; where the file system has no locks nobody knows.
  private static func isLocked(_ path: String) -> Bool {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    // Shared, and let go of at once: two who look don't see each other, and a run that begins just now isn't kept out.
    guard flock(file, LOCK_SH | LOCK_NB) == 0 else { return errno == EWOULDBLOCK }
    flock(file, LOCK_UN)
    return false
  }
}
