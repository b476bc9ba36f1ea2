/// What the figures of a session say about how to run the program the next time. Pure: figures in, advice out, the most
/// important first.
package enum ReportAdvice: Equatable, Sendable {
  /// No task has run.
  case nothingRan
  /// The session was over before figures say anything.
  case tooShort
  /// Tasks are so short that threads are kept from them by taking them; chunks may be so many times larger.
  case chunksTooSmall(mean: Int, operation: String, factor: Int)
  /// The operation has fewer tasks than it takes to keep all threads busy.
  case chunksTooLarge(operation: String, tasks: Int, threads: Int)
  /// One task of the operation took so long that the others waited for it, in nanoseconds.
  case longTask(operation: String, longest: Int, wall: Int)
  /// Threads wait though there are tasks enough: so many workers would do, each with so many threads.
  case tooManyWorkers(workers: Int, threads: Int, wouldDo: Int, threadsWouldDo: Int)
  /// A rank came near to its memory limit.
  case memoryIsTight(rank: Int, peak: Int, limit: Int)
  /// A large part of what tasks made went to disk.
  case spills(bytes: Int, made: Int)
  /// Threads wait while blocks cross between workers, the largest part of which the operation made.
  case transfers(share: Double, bytes: Int, operation: String)
  /// Threads have nothing to do for long, and no other advice says why: most of all before tasks of the operation.
  case waits(share: Double, operation: String, time: Int)
  /// A large part of the session was waiting for files to be on disk.
  case filesToDisk(share: Double, time: Int)
  /// Most of what tasks do is reading and writing files.
  case files(share: Double)
  /// There is nothing to change.
  case nothing

  // MARK: Thresholds

  /// A session of less says nothing, in nanoseconds.
  package static let shortest = 500_000_000
  /// Shorter tasks than this cost more to hand out than they should, in nanoseconds; this is what they should take.
  package static let shortTask = 1_000_000
  package static let goodTask = 10_000_000
  /// From this share of the threads' time on that is spent in tasks nothing is to be gained by other chunks.
  package static let busy = 0.9
  /// From this on it isn't worth while to look for tasks that are too few or too long.
  package static let fairlyBusy = 0.75
  /// Below this there are more threads than there is work for.
  package static let idle = 0.5
  /// How busy the threads would be that would do.
  package static let aim = 0.8
  /// So many tasks for each thread keep all of them busy.
  package static let tasksPerThread = 2
  /// The share of the time of all tasks from which on an operation counts.
  package static let largeOperation = 0.3
  /// The share of the session that one task may take.
  package static let longestShare = 0.25
  /// The shares of the memory limit, and of the bytes made, that are much.
  package static let tightMemory = 0.9
  package static let muchSpilled = 0.1
  /// The shares of the workers' time that are much for transfers, and for waiting beside them.
  package static let muchTransferred = 0.5
  package static let muchWaiting = 0.25
  /// The share of the threads' time in which they wait that is worth a note where no rule says why.
  package static let worthANote = 0.125
  /// The share of the session that is much for bringing files to disk.
  package static let muchFinishing = 0.25
  /// The share of the time of all tasks that is much for files.
  package static let muchFiles = 0.5

  // MARK: Rules

  package static func of(_ job: JobFigures) -> [ReportAdvice] {
    let operations = job.operations
    guard operations.contains(where: { $0.counts.tasks > 0 }) else { return [.nothingRan] }
    guard job.wall >= shortest else { return [.tooShort] }
    var advice: [ReportAdvice] = []
    if let tight = tightMemory(job) { advice.append(tight) }
    let made = operations.reduce(0) { $0 + $1.counts.bytes }
    let spilled = job.ranks.reduce(0) { $0 + $1.counts.spilledBytes }
    let spillsMuch = spilled > 0 && Double(spilled) > muchSpilled * Double(made)
    if spillsMuch { advice.append(.spills(bytes: spilled, made: made)) }

    let small = tooSmall(job, operations)
    let large = small == nil ? tooLarge(job, operations) : nil
    let transfers = transfers(job)
    advice += [small, large, transfers].compactMap { $0 }
    if small == nil, large == nil, transfers == nil {
      // Where memory is short threads wait for the disk: with fewer workers there would be less of it.
      if let reason = (spillsMuch ? nil : tooMany(job)) ?? waits(job, operations) { advice.append(reason) }
    }
    let finishing = JobFigures.share(job.finishing, of: job.wall)
    if finishing > muchFinishing { advice.append(.filesToDisk(share: finishing, time: job.finishing)) }

    let files = JobFigures.share(job.files.reading + job.files.writing, of: job.taskTime)
    if files > muchFiles { advice.append(.files(share: files)) }
    return advice.isEmpty ? [.nothing] : advice
  }

  private static func tightMemory(_ job: JobFigures) -> ReportAdvice? {
    let shares = job.workerRanks.compactMap { rank -> (rank: RankFigures, share: Double)? in
      let limit = job.members[rank.counts.rank].memoryLimit
      return limit == 0 ? nil : (rank, Double(rank.counts.peakMemory) / Double(limit))
    }
    guard let worst = shares.max(by: { $0.share < $1.share }), worst.share > tightMemory else { return nil }
    let counts = worst.rank.counts
    return .memoryIsTight(rank: counts.rank, peak: counts.peakMemory, limit: job.members[counts.rank].memoryLimit)
  }

  private static func tooSmall(_ job: JobFigures, _ operations: [OperationTotals]) -> ReportAdvice? {
    let tasks = operations.reduce(0) { $0 + $1.counts.tasks }
    let mean = job.taskTime / max(1, tasks)
    guard mean < shortTask, job.utilization < busy else { return nil }
    // Fewer tasks than threads would be worse than short ones.
    let factor = min(goodTask / max(1, mean), tasks / max(1, 2 * tasksPerThread * job.threads))
    guard factor >= 2 else { return nil }
    let short = operations.filter { $0.mean < shortTask }.max { $0.counts.tasks < $1.counts.tasks }
    return .chunksTooSmall(mean: mean, operation: short?.name ?? operations[0].name, factor: factor)
  }

  private static func tooLarge(_ job: JobFigures, _ operations: [OperationTotals]) -> ReportAdvice? {
    guard job.threads > 1, job.utilization < fairlyBusy else { return nil }
    let counting = operations.filter { Double($0.counts.nanoseconds) >= largeOperation * Double(job.taskTime) }
    if let few = counting.first(where: { $0.counts.tasks < tasksPerThread * job.threads }) {
      return .chunksTooLarge(operation: few.name, tasks: few.counts.tasks, threads: job.threads)
    }
    guard let long = operations.max(by: { $0.counts.longest < $1.counts.longest }),
      Double(long.counts.longest) > longestShare * Double(job.wall),
      long.counts.longest > 2 * long.mean || long.counts.tasks == 1
    else { return nil }
    return .longTask(operation: long.name, longest: long.counts.longest, wall: job.wall)
  }

  private static func transfers(_ job: JobFigures) -> ReportAdvice? {
    let workers = job.workerRanks
    let wall = workers.reduce(0) { $0 + $1.counts.wall }
    let share = JobFigures.share(workers.reduce(0) { $0 + $1.counts.receiving }, of: wall)
    guard share > muchTransferred, JobFigures.share(job.waiting, of: job.threadTime) > muchWaiting else { return nil }
    let most = job.operations(of: workers).max { $0.counts.receivedBytes < $1.counts.receivedBytes }
    return .transfers(
      share: share, bytes: workers.reduce(0) { $0 + $1.counts.receivedBytes }, operation: most?.name ?? "")
  }

  private static func waits(_ job: JobFigures, _ operations: [OperationTotals]) -> ReportAdvice? {
    let share = JobFigures.share(job.waiting, of: job.threadTime)
    guard job.utilization < fairlyBusy, share > worthANote,
      let most = operations.max(by: { $0.counts.waiting < $1.counts.waiting }),
      most.counts.waiting > 0
    else { return nil }
    return .waits(share: share, operation: most.name, time: most.counts.waiting)
  }

  private static func tooMany(_ job: JobFigures) -> ReportAdvice? {
    guard job.utilization < idle, job.threads > 1, job.workers > 0 else { return nil }
    let threadsEach = max(1, job.threads / job.workers)
    let needed = max(1, Int((job.utilization * Double(job.threads) / aim).rounded(.up)))
    let workers = (needed + threadsEach - 1) / threadsEach
    guard workers < job.workers || (job.workers == 1 && needed < threadsEach) else { return nil }
    return .tooManyWorkers(
      workers: job.workers, threads: threadsEach, wouldDo: workers, threadsWouldDo: min(needed, threadsEach))
  }
}
