internal import FoundationEssentials
internal import Glibc
internal import MusterJournal

/// On rank 0: the file of a journal, open for this run alone, with what it holds.
struct JournalFile {
  /// What every rank has to know of it.
  struct Opening: Codable, Sendable {
    var path: String
    var mark: DrainMark
    /// Up to where it holds earlier runs.
    var length: UInt64
    /// The collectives in it.
    var callCount: Int
    var outputLength: UInt64
    var printedLength: UInt64
    /// The program has come to its end.
    var isEnded: Bool
    /// How many runs there were before this one.
    var runCount = 0
    /// There is a journal of a session after this one.
    var hasLater = false
  }

  var opening: Opening
  var descriptor: Int32
  var words: [CallWords]
  /// What to tell the user of it; empty for nothing.
  var remark = ""

  static func outputPath(of path: String) -> String { path + ".out" }
  /// The folder of blocks that are kept beside a journal.
  static func blocksPath(of path: String) -> String { path + ".blocks" }

  /// More than that isn't what a run that was killed has left.
  private static let mostTornBytes: UInt64 = 64 << 10

  /// Opens a journal, or begins one.
  ///
  /// - Throws: `MusterError`: `session` where another process has it open; `changedProgram` where it was begun with other
  ///   arguments; `invalidArgument` where the file isn't a journal; `permissionDenied`, `diskFull`, `fileNotFound`,
  ///   `inputOutput`.
  static func open(_ name: String, start: SessionConfiguration.JournalStart) throws(MusterError) -> JournalFile {
    FileWriting.ignoreSizeSignal()
    let path = ownPath(for: name)
    let mark = DrainMark(journal: fullPath(of: name))
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure(path, errno) }
    var isKept = false
    defer { if !isKept { close(descriptor) } }
    // Some file systems have no locks: then nothing keeps two runs apart.
    if !lock(descriptor, path) {
      throw MusterError(
        .session, "the journal '\(path)' is in use by another process",
        fix: "Wait for its end, or give this run a journal of its own")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path, errno) }
    let program = ProgramIdentity.current
    let isFirst = path == fullPath(of: name)
    if start == .anew && status.st_size > 0 {
      guard begins(descriptor) else { throw notAJournal(path) }
      // Before what says whose they are goes: a run that is killed meanwhile is begun anew again, or goes on.
      if isFirst {
        let former = (try? JournalScan(path: path))?.program
        try removeLater(path, begunWith: [program.arguments] + (former.map { [$0.arguments] } ?? []))
      }
      guard ftruncate(descriptor, 0) == 0 else { throw failure(path, errno) }
      unlink(outputPath(of: path))
      try? FileManager.default.removeItem(atPath: blocksPath(of: path))
      status.st_size = 0
    }
    try mark.remove()
    var file = JournalFile(
      opening: Opening(
        path: path, mark: mark, length: 0, callCount: 0, outputLength: 0, printedLength: 0, isEnded: false),
      descriptor: descriptor, words: [])
    let goesOn = status.st_size > 0 ? try file.take(try scan(path), program: program) : false
    if !goesOn {
      if isFirst { try removeLater(path, begunWith: [program.arguments]) }
      try file.begin(program)
    }
    file.opening.hasLater = hasLater(than: name)
    isKept = true
    noteSession(of: name)
    return file
  }

  /// Whether a file begins as journals do, of whatever version.
  private static func begins(_ descriptor: Int32) -> Bool {
    let letters = JournalRecord.preamble.prefix(8)
    var found = [UInt8](repeating: 0, count: letters.count)
    let count = pread(descriptor, &found, found.count, 0)
    return count >= 0 && found.prefix(count) == letters.prefix(count)
  }

  private static func notAJournal(_ path: String) -> MusterError {
    MusterError(.invalidArgument, "'\(path)' isn't a journal of Muster's", fix: "Name another file for the journal")
  }

  /// Returns false where another process has the lock. One that only looks lets go of it at once, and the ranks of a job
  /// whose launcher was killed take some seconds to go.
  private static func lock(_ descriptor: Int32, _ path: String) -> Bool {
    for attempt in 0..<300 {
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { return true }
      if attempt == 40 {
        StandardStreams.writeError("muster: waits for the journal '\(path)', which another process has open\n")
      }
      usleep(15_000)
    }
    return false
  }

  static func fullPath(of name: String) -> String {
    name.hasPrefix("/") ? name : FileManager.default.currentDirectoryPath + "/" + name
  }

  private static func scan(_ path: String) throws(MusterError) -> JournalScan {
    do throws(JournalFault) {
      return try JournalScan(path: path)
    } catch {
      switch error {
      case .foreign, .damaged:
        throw notAJournal(path)
      case .version(let version):
        throw MusterError(
          .unsupported,
          "the journal '\(path)' is of version \(version) of the format, and this Muster writes version"
            + " \(JournalRecord.version)",
          fix: "Run the program with the Muster that it was begun with, or set MUSTER_JOURNAL_START=anew to discard it")
      case .missing: throw failure(path, ENOENT)
      case .system(let number): throw failure(path, number)
      }
    }
  }

  /// Takes over what earlier runs have left. Returns false where that is nothing.
  private mutating func take(_ scan: JournalScan, program: ProgramIdentity) throws(MusterError) -> Bool {
    let path = opening.path
    guard let former = scan.program else {
      // A run that was killed while it began the file has left a few bytes.
      guard scan.cutBytes > Self.mostTornBytes else { return false }
      throw MusterError(.damaged, path: path)
    }
    guard former.arguments == program.arguments else {
      throw MusterError(
        .changedProgram,
        "the journal '\(path)' was begun by `\(former.arguments.joined(separator: " "))`, and this is"
          + " `\(program.arguments.joined(separator: " "))`",
        fix:
          "Start it under the same name with the same arguments, use another journal, or MUSTER_JOURNAL_START=anew to discard what it holds"
      )
    }
    if (former.byteCount, former.checksum) != (program.byteCount, program.checksum) {
      remark +=
        "muster: warning: the program was built anew since the journal '\(path)' was begun. Results of the former build"
        + " are taken over; where they would differ now, discard them with MUSTER_JOURNAL_START=anew\n"
    }
    if scan.isDamaged {
      remark +=
        "muster: warning: the journal '\(path)' is damaged: its last \(scan.cutBytes) bytes, which may be calls, are"
        + " dropped\n"
    } else if scan.tornBytes > 0 {
      remark +=
        "muster: the last \(scan.tornBytes) bytes of the journal '\(path)' aren't whole, and are dropped\n"
    }
    if scan.cutBytes > 0, ftruncate(descriptor, off_t(scan.length)) != 0 { throw Self.failure(path, errno) }
    opening.length = scan.length
    opening.callCount = scan.callCount
    opening.runCount = scan.runs.count
    opening.outputLength = scan.outputLength
    opening.printedLength = scan.printedLength
    opening.isEnded = scan.end != nil
    words = scan.words
    return true
  }

  private mutating func begin(_ program: ProgramIdentity) throws(MusterError) {
    let bytes = JournalRecord.preamble + JournalRecord.start(program).framed
    guard ftruncate(descriptor, 0) == 0 else { throw Self.failure(opening.path, errno) }
    let status = bytes.withUnsafeBytes { FileWriting.write($0, to: descriptor, at: 0) }
    guard status == 0, fsync(descriptor) == 0 || errno == EINVAL else {
      ftruncate(descriptor, 0)
      throw Self.failure(opening.path, status == 0 ? errno : status)
    }
    // The file's name lasts once its folder is on disk.
    FileWriting.syncFolder(String(opening.path[..<opening.path.lastIndex(of: "/")!]) + "/")
    opening.length = UInt64(bytes.count)
  }

  static func failure(_ path: String, _ number: Int32) -> MusterError {
    let fix =
      switch FileWriting.code(of: number) {
      case .diskFull: "Free some space, or put the journal on another disk"
      default: "Name a file for the journal in a folder that all nodes see and this job may write to"
      }
    return MusterError(
      FileWriting.code(of: number), "the journal '\(path)' can't be used: \(FileWriting.text(of: number))",
      fix: fix)
  }
}

extension ProgramIdentity {
  /// Of this process.
  static let current: ProgramIdentity = {
    var arguments = CommandLine.arguments
    // However it was named.
    if let first = arguments.first { arguments[0] = String(first.split(separator: "/").last ?? "") }
    var byteCount: UInt64 = 0
    var checksum: UInt32 = 0
    let file = Glibc.open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
    if file >= 0 {
      defer { close(file) }
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let count = read(file, &buffer, buffer.count)
        guard count > 0 else { break }
        checksum = Checksum.adding(buffer[..<count], to: checksum)
        byteCount += UInt64(count)
      }
    }
    return ProgramIdentity(arguments: arguments, byteCount: byteCount, checksum: checksum)
  }()
}
