internal import Foundation

/// A job that was submitted: what the batch system forgets, or never knew.
public struct JobRecord: Hashable, Sendable, Codable {
  /// The job's number.
  public var id: String
  /// Where it was submitted.
  public var system: BatchSystem
  /// The job's name.
  public var name: String
  /// When, as seconds since 1970.
  public var time: Double
  /// The folder of the submission.
  public var folder: String
  /// The file of its output, with `{index}` for that of an array's job.
  public var output: String
  /// The file of its errors, where that is another one.
  public var errors: String?
  /// The program's journal, where it has one, with `{index}` for that of an array's job.
  public var journal: String?
  /// The program with its arguments.
  public var command: [String]
}

extension BatchSystem: Codable {}

/// The jobs that this user has submitted from this machine, a line of JSON each.
public struct JobLedger: Sendable {
  /// The file's path.
  public let path: String

  /// A ledger in a file; by default `muster/jobs.jsonl` in `XDG_STATE_HOME`, or in `.local/state` of the home folder.
  public init(path: String? = nil) {
    if let path {
      self.path = path
      return
    }
    let environment = ProcessInfo.processInfo.environment
    let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let home = environment["HOME"] ?? NSHomeDirectory()
    self.path = (state ?? home + "/.local/state") + "/muster/jobs.jsonl"
  }

  /// Notes a job. Several processes may do so at a time: the file is locked meanwhile.
  ///
  /// - Throws: `BatchError` with code `unwritableFile`.
  public func append(_ record: JobRecord) throws(BatchError) {
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      // A line that a full disk has cut off ends before this one.
      let line = Data("\n".utf8) + (try encoder.encode(record)) + Data("\n".utf8)
      try FileManager.default.createDirectory(
        at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
      let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o600)
      guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
      defer { close(descriptor) }
      // Where the file system has no locks a line still goes out in one piece.
      _ = flock(descriptor, LOCK_EX)
      let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written == line.count else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    } catch {
      throw BatchError(
        .unwritableFile, "\(path), where submitted jobs are noted, can't be written: \(error.localizedDescription)",
        fix: "Free some space, or set XDG_STATE_HOME")
    }
  }

  /// The jobs, from the first. Lines that are no record, such as one that a full disk has cut off, are passed over.
  public func records() -> [JobRecord] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    let decoder = JSONDecoder()
    return data.split(separator: UInt8(ascii: "\n")).compactMap { try? decoder.decode(JobRecord.self, from: Data($0)) }
  }

  /// The last job of a number; PBS's may be given without the server.
  public func record(of id: String) -> JobRecord? {
    records().last { $0.id == id || $0.system == .pbs && PBSText.number($0.id) == id }
  }
}
