/// What a whole session has done, as the report tells it and its advice goes by.
package struct JobFigures: Equatable, Sendable {
  /// What is known of a rank from the start.
  package struct Member: Equatable, Sendable {
    package var node: String
    /// The threads that run tasks; 0 on a rank that only schedules.
    package var threads: Int
    /// In bytes; 0 where there is none.
    package var memoryLimit: Int

    package init(node: String, threads: Int, memoryLimit: Int) {
      self.node = node
      self.threads = threads
      self.memoryLimit = memoryLimit
    }
  }

  /// How the session ended.
  package enum Ending: Equatable, Sendable {
    case done
    case failed
    /// It left before its work was done, to go on when it is started again.
    case drained
  }

  package var program: String
  package var members: [Member]
  /// From the session's start to its end on rank 0, in nanoseconds.
  package var wall: Int
  package var ending = Ending.done
  /// The calls that a journal had of earlier runs.
  package var earlierCalls = 0
  /// In the order of the ranks. Of a session that drained some may be missing.
  package var ranks: [RankFigures]

  package init(
    program: String, members: [Member], wall: Int, ending: Ending = .done, ranks: [RankFigures]
  ) {
    self.program = program
    self.members = members
    self.wall = wall
    self.ending = ending
    self.ranks = ranks
  }

  // MARK: Sums

  /// The threads that run tasks, of all workers.
  package var threads: Int { members.reduce(0) { $0 + $1.threads } }
  package var workers: Int { members.count { $0.threads > 0 } }
  package var nodes: Int { Set(members.map(\.node)).count }
  /// The figures of those that run tasks.
  package var workerRanks: [RankFigures] { ranks.filter { members[$0.counts.rank].threads > 0 } }

  /// By operation, those first that threads spent most on, in tasks or waiting for one.
  package var operations: [OperationTotals] { operations(of: ranks) }

  func operations(of ranks: [RankFigures]) -> [OperationTotals] {
    OperationTotals.merged(
      ranks.flatMap { rank in
        // Their sum is at most what the rank waited for.
        let (waiting, told) = (waiting(of: rank), rank.counts.waiting)
        guard waiting < told else { return rank.operations }
        return rank.operations.map { operation in
          var operation = operation
          operation.counts.waiting = Int(Double(operation.counts.waiting) * Self.share(waiting, of: told))
          return operation
        }
      })
  }

  /// The time that the threads had: that of each rank, for as many threads as it has.
  package var threadTime: Int { workerRanks.reduce(0) { $0 + available(to: $1) } }
  package var taskTime: Int { ranks.reduce(0) { $0 + $1.taskTime } }
  package var waiting: Int { workerRanks.reduce(0) { $0 + waiting(of: $1) } }
  /// Neither in a task nor without one: taking tasks, and telling of their ends.
  package var between: Int { max(0, threadTime - taskTime - waiting) }
  /// Within tasks.
  package var files: FileTime.Totals {
    ranks.reduce(into: FileTime.Totals()) { sum, rank in
      sum.readBytes += rank.counts.files.readBytes
      sum.reading += rank.counts.files.reading
      sum.writtenBytes += rank.counts.files.writtenBytes
      sum.writing += rank.counts.files.writing
    }
  }

  /// For how long the program waited for files to be on disk: as long as the last of the other ranks, and then for
  /// rank 0, which gives them their names.
  package var finishing: Int {
    func longest(_ ranks: [RankFigures]) -> Int { ranks.map(\.counts.files.finishing).max() ?? 0 }
    return longest(ranks.filter { $0.counts.rank == 0 }) + longest(ranks.filter { $0.counts.rank > 0 })
  }

  /// The share of the threads' time that was spent in tasks, but for when all waited for files to be on disk.
  package var utilization: Double {
    let left = workerRanks.reduce(0) {
      $0 + max(0, $1.counts.wall - finishing) * members[$1.counts.rank].threads
    }
    return Self.share(taskTime, of: max(taskTime, left))
  }

  func available(to rank: RankFigures) -> Int { rank.counts.wall * members[rank.counts.rank].threads }

  /// At most what tasks leave: a thread that has lent its place to another waits and has a task.
  package func waiting(of rank: RankFigures) -> Int {
    min(rank.counts.waiting, max(0, available(to: rank) - rank.taskTime))
  }

  static func share(_ part: Int, of whole: Int) -> Double { whole <= 0 ? 0 : Double(part) / Double(whole) }
}
