internal import Foundation

/// A batch system by its commands: takes jobs, says what has become of them, and cancels them.
///
/// Calls block the calling thread for as long as the commands take: at most `patience` each, and four tries where only a
/// question is asked.
public struct BatchQueue: Sendable {
  /// SLURM or PBS.
  public let system: BatchSystem
  var command = BatchCommand()

  /// The batch system of this machine.
  ///
  /// - Parameters:
  ///   - system: SLURM or PBS.
  ///   - patience: For how many seconds a command may take.
  /// - Throws: `BatchError` with code `unsupported` for `local`, which has no queue.
  public init(_ system: BatchSystem, patience: Double = 60) throws(BatchError) {
    guard system != .local else {
      throw BatchError(.unsupported, "local has no queue", fix: "Run the program with muster run")
    }
    self.system = system
    command.patience = patience
  }

  /// Submits a job.
  ///
  /// A submission that isn't answered isn't repeated: the job may be queued all the same.
  ///
  /// - Parameter script: The script's text. The job belongs to the current folder.
  /// - Returns: the job's number.
  /// - Throws: `BatchError` with code `refused` and what the batch system said, `commandNotFound` or `timedOut`.
  public func submit(_ script: String) throws(BatchError) -> String {
    let (name, arguments) = system == .slurm ? ("sbatch", ["--parsable"]) : ("qsub", [])
    let result: BatchCommand.Result
    do {
      result = try command.run(name, arguments, script: script)
    } catch {
      guard error.code == .timedOut else { throw error }
      throw BatchError(
        .timedOut, error.message,
        fix: "The job may be queued all the same: look at \(system == .slurm ? "squeue" : "qstat") before you try again"
      )
    }
    guard result.status == 0 else { throw refusal(name, result) }
    guard let id = system == .slurm ? SLURMText.jobID(result.output) : PBSText.jobID(result.output) else {
      throw BatchError(
        .refused, "\(name) said nothing of a job's number, but: \(result.output.trimmingSpaces())",
        fix: "Look whether the job is queued")
    }
    return id
  }

  /// Has the batch system look at a script without taking it.
  ///
  /// - Returns: what it said: when the job would begin, and where.
  /// - Throws: `BatchError` with code `refused`; `unsupported` under PBS, which has no such test.
  public func test(_ script: String) throws(BatchError) -> String {
    guard system == .slurm else {
      throw BatchError(
        .unsupported, "pbs has no test of a script", fix: "muster script prints what would be submitted")
    }
    let result = try command.run("sbatch", ["--test-only"], script: script)
    guard result.status == 0 else { throw refusal("sbatch", result) }
    return result.words
  }

  /// What has become of some jobs, by number. Jobs that the batch system doesn't know, or doesn't any more, are missing.
  ///
  /// - Throws: `BatchError` with code `commandNotFound`, `timedOut` or `refused`.
  public func statuses(of ids: [String]) throws(BatchError) -> [String: JobStatus] {
    guard !ids.isEmpty else { return [:] }
    return system == .slurm ? try slurmStatuses(ids) : try pbsStatuses(ids)
  }

  /// The number of this user's jobs that wait or run.
  public func queuedCount() throws(BatchError) -> Int {
    var result =
      system == .slurm
      ? try command.ask("squeue", ["--noheader", "--array", "--me", "--format=%i"])
      // Each job of an array that isn't over.
      : try command.ask("qselect", ["-T", "-s", "EHQRSTUW", "-u", NSUserName()])
    // Torque's lists these without being told.
    if system == .pbs && result.status != 0 { result = try command.ask("qselect", ["-u", NSUserName()]) }
    guard result.status == 0 else { throw refusal(system == .slurm ? "squeue" : "qselect", result) }
    return result.output.split(whereSeparator: \.isNewline).filter {
      $0.first(where: { !$0.isWhitespace })?.isNumber == true
    }
    .count
  }

  /// Cancels jobs.
  ///
  /// - Throws: `BatchError` with code `unknownJob` where a job is over or isn't known, and `refused` with what the batch
  ///   system said. The other jobs are cancelled all the same.
  public func cancel(_ ids: [String]) throws(BatchError) {
    let name = system == .slurm ? "scancel" : "qdel"
    var first: BatchError?
    // scancel says nothing of a job that it doesn't know.
    let statuses = try statuses(of: ids)
    for id in ids {
      guard let status = statuses[id], !status.state.isFinal else {
        let word = statuses[id].map { "is over: \($0.state.rawValue)" } ?? "isn't known to \(system.rawValue) any more"
        first = first ?? BatchError(.unknownJob, "job \(id) \(word)", fix: "There is nothing to cancel")
        continue
      }
      let result = try command.run(name, [id])
      if result.status != 0 { first = first ?? refusal("\(name) \(id)", result) }
    }
    if let first { throw first }
  }

  private func refusal(_ command: String, _ result: BatchCommand.Result) -> BatchError {
    let words = result.words
    return BatchError(.refused, "\(command): \(words.isEmpty ? "status \(result.status), without a word" : words)")
  }

  // MARK: SLURM

  /// Accounting knows most, where there is any; then the queue, which forgets; then the controller, a job at a time.
  private func slurmStatuses(_ ids: [String]) throws(BatchError) -> [String: JobStatus] {
    var statuses: [String: JobStatus] = [:]
    var missing: [String] { ids.filter { statuses[$0] == nil } }
    func merge(_ found: [String: JobStatus]) {
      for (id, status) in found where ids.contains(id) && statuses[id] == nil { statuses[id] = status }
    }
    let list = ids.joined(separator: ",")
    if let accounted = accounting(
      ["--noheader", "--allocations", "--parsable2", "--jobs=\(list)", "--format=JobID,State,Reason,JobName,ExitCode"])
    {
      merge(SLURMText.statuses(accounted.output))
    }
    if !missing.isEmpty {
      let queued = try command.ask(
        "squeue", ["--noheader", "--states=all", "--format=%i|%T|%r|%j", "--jobs=\(missing.joined(separator: ","))"])
      guard queued.status == 0 || Self.saysUnknown(queued) else { throw refusal("squeue", queued) }
      merge(SLURMText.statuses(queued.output))
    }
    // squeue says nothing of a single job that is over, nor how any ended.
    for id in ids where statuses[id] == nil || statuses[id]!.state.isFinal && statuses[id]!.exitStatus == nil {
      let described = try command.ask("scontrol", ["--oneliner", "show", "job", id])
      guard described.status == 0 || Self.saysUnknown(described) else { throw refusal("scontrol", described) }
      if let found = SLURMText.described(described.output)[id] { statuses[id] = found }
    }
    return statuses
  }

  private static func saysUnknown(_ result: BatchCommand.Result) -> Bool {
    result.words.lowercased().contains("invalid job id")
  }

  /// The answer of accounting, which a site may not have, or which may be down while the queue answers.
  private func accounting(_ arguments: [String]) -> BatchCommand.Result? {
    guard let result = try? command.run("sacct", arguments), result.status == 0 else { return nil }
    return result
  }

  // MARK: PBS

  private func pbsStatuses(_ ids: [String]) throws(BatchError) -> [String: JobStatus] {
    // -x has jobs that are over, too, where the server keeps them; other versions don't know it. A job that is unknown is
    // no reason not to hear of the others, so the status isn't looked at while there is an answer.
    var found = PBSText.statuses(try command.ask("qstat", ["-x", "-f"] + ids).output)
    if found.isEmpty {
      let result = try command.ask("qstat", ["-f"] + ids)
      found = PBSText.statuses(result.output)
      let isUnknown = result.words.lowercased().contains("unknown job")
      if found.isEmpty && result.status != 0 && !isUnknown { throw refusal("qstat", result) }
    }
    var statuses: [String: JobStatus] = [:]
    for id in ids { statuses[id] = found[PBSText.number(id)] }
    return statuses
  }
}
