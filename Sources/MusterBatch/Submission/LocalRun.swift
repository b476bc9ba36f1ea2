internal import Foundation

/// A program on ranks of this machine, without a batch system.
public struct LocalRun: Hashable, Sendable {
  /// The number of ranks: rank 0 schedules, and the others work.
  public var ranks: Int
  /// The threads of each rank.
  public var threads: Int
  /// What starts the ranks.
  public var launcher: Launcher

  /// A run of so many ranks.
  public init(ranks: Int = 3, threads: Int = 1, launcher: Launcher = .openmpi4) {
    self.ranks = ranks
    self.threads = threads
    self.launcher = launcher
  }

  /// The job that it is.
  public var job: JobDescription {
    var job = JobDescription()
    job.cluster.system = .local
    job.cluster.launcher = launcher
    job.cluster.bindsRanks = false
    job.ranksPerNode = ranks
    job.coresPerRank = threads
    return job
  }

  /// The script that runs a program, with the variables that it will have.
  ///
  /// - Throws: `BatchError` with code `invalidValue` without ranks, threads or a program.
  package func script(running command: [String], in environment: [String: String]) throws(BatchError) -> String {
    var job = job
    // Launchers may tell another status than that of ranks that drained.
    if let journal = environment["MUSTER_JOURNAL"], !journal.isEmpty { job.journal = journal }
    return try job.script(running: command).text()
  }

  /// Runs a program, and waits for its end. What it prints goes where this process's output goes.
  ///
  /// - Returns: its status, as a shell has it: 127 where there is no launcher.
  /// - Throws: `BatchError` with code `invalidValue` without ranks, threads or a program.
  public func run(_ command: [String]) throws(BatchError) -> Int32 {
    let script = try script(running: command, in: ProcessInfo.processInfo.environment)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "-c", script]
    do { try process.run() } catch { throw BatchError(.commandNotFound, "bash can't be run: \(error)") }
    process.waitUntilExit()
    return process.terminationStatus + (process.terminationReason == .uncaughtSignal ? 128 : 0)
  }
}
