internal import Foundation

/// Jobs as a user has them: descriptions go in, numbers come out, and what was submitted is known later.
public struct Submission: Sendable {
  /// Where submitted jobs are noted.
  public var ledger: JobLedger
  /// For how many seconds a command of the batch system may take.
  public var patience: Double

  /// Jobs of this user.
  public init(ledger: JobLedger = JobLedger(), patience: Double = 60) {
    self.ledger = ledger
    self.patience = patience
  }

  /// Submits a program as a job, from the current folder, unless as many jobs are queued as the configuration allows.
  ///
  /// - Parameters:
  ///   - job: The job.
  ///   - system: The batch system; nil for that of the job's cluster.
  ///   - command: The program and its arguments.
  /// - Returns: what was noted of it.
  /// - Throws: `BatchError`: what is wrong with the description, or what the batch system said on refusal. With code
  ///   `unwritableFile` the job was submitted, and the message has its number.
  public func submit(
    _ job: JobDescription, to system: BatchSystem? = nil, running command: [String]
  ) throws(BatchError) -> JobRecord {
    let (job, script, queue) = try prepare(job, for: system, running: command)
    let folder = FileManager.default.currentDirectoryPath
    let id = try queue.submit(script)
    let record = JobRecord(
      id: id, system: queue.system, name: job.name ?? ShellText.name(ofProgram: command[0]),
      time: Date().timeIntervalSince1970, folder: folder, output: job.outputFile(ofJob: id, running: command),
      errors: job.errorFile(ofJob: id, running: command), journal: job.journalFile(running: command), command: command)
    do {
      try ledger.append(record)
    } catch {
      throw BatchError(error.code, "job \(id) was submitted, and \(error.message)", fix: error.fix)
    }
    return record
  }

  /// Has the batch system look at a job without taking it, where it would be submitted.
  ///
  /// - Returns: what it said: when the job would begin, and where.
  /// - Throws: `BatchError` as `submit` does; `unsupported` under PBS, which has no such test.
  public func test(
    _ job: JobDescription, in system: BatchSystem? = nil, running command: [String]
  ) throws(BatchError) -> String {
    let (_, script, queue) = try prepare(job, for: system, running: command)
    return try queue.test(script)
  }

  /// What is submitted, where there is nothing in its way.
  private func prepare(
    _ job: JobDescription, for system: BatchSystem?, running command: [String]
  ) throws(BatchError) -> (job: JobDescription, script: String, queue: BatchQueue) {
    let script = try job.script(for: system, running: command).text()
    var job = job
    job.cluster.system = system ?? job.cluster.system
    let queue = try BatchQueue(job.cluster.system!, patience: patience)
    if let most = job.cluster.mostQueuedJobs {
      let queued = try queue.queuedCount()
      let new = job.array.map { ($0.bounds.upperBound - $0.bounds.lowerBound) / $0.step + 1 } ?? 1
      guard queued + new <= most else {
        throw BatchError(
          .queueFull, "\(counted(queued, "job")) of yours are queued, and with \(new) more there would be over \(most)",
          fix: "Wait for some to end, or raise cluster.most-queued-jobs where the cluster allows more")
      }
    }
    try Self.expectFolders(of: job)
    return (job, script, queue)
  }

  /// A batch system takes a job whose output can't be written, and ends it without a word.
  private static func expectFolders(of job: JobDescription) throws(BatchError) {
    for file in [job.output, job.error] {
      guard
        let folder = file?.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/"),
        !folder.isEmpty, !folder.contains("{")
      else { continue }
      var isFolder: ObjCBool = false
      guard !FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) || !isFolder.boolValue else {
        continue
      }
      throw BatchError(.unwritableFile, "\(file!) can't be written: there is no folder \(folder)", fix: "Make it first")
    }
  }

  /// What has become of jobs that were submitted, the last first; nil where the batch system doesn't know any more. Where
  /// jobs are of several batch systems, and one doesn't answer, its jobs are `unknown`, with the reason.
  ///
  /// - Throws: `BatchError` where no batch system answers.
  public func statuses(of records: [JobRecord]) throws(BatchError) -> [(record: JobRecord, status: JobStatus?)] {
    var found: [BatchSystem: [String: JobStatus]] = [:]
    var failures: [BatchError] = []
    for system in Set(records.map(\.system)) {
      let ids = records.filter { $0.system == system }.map(\.id)
      do {
        found[system] = try BatchQueue(system, patience: patience).statuses(of: ids)
      } catch {
        failures.append(error)
        found[system] = ids.reduce(into: [:]) { statuses, id in
          var status = JobStatus(id: id, state: .unknown, word: "")
          status.reason = error.message
          statuses[id] = status
        }
      }
    }
    if let failure = failures.first, failures.count == found.count { throw failure }
    // Numbers may begin anew, and be those of another cluster: the last job of a number is meant, and it has its name.
    var seen: Set<String> = []
    return records.reversed().map { record in
      let status = found[record.system]?[record.id]
      let isLast = seen.insert("\(record.system) \(record.id)").inserted
      return (record, isLast && (status?.name ?? record.name) == record.name ? status : nil)
    }
  }

  /// The job of a number.
  ///
  /// - Throws: `BatchError` with code `unknownJob`.
  public func record(of id: String) throws(BatchError) -> JobRecord {
    if let record = ledger.record(of: id) { return record }
    throw BatchError(
      .unknownJob, "job \(id) wasn't submitted by muster submit, as far as \(ledger.path) tells",
      fix: "muster jobs lists those that were")
  }
}
