extension ReportAdvice {
  /// In a sentence or two.
  package var text: String {
    switch self {
    case .nothingRan: "No task has run: there is nothing to say."
    case .tooShort:
      "The session took less than \(ReportNumbers.time(Self.shortest)): too little to say anything by."
    case .chunksTooSmall(let mean, let operation, let factor):
      "Chunks are too small: tasks take \(ReportNumbers.time(mean)) on average, most of them in"
        + " '\(ReportNumbers.name(operation, columns: 30))', and handing them out takes the threads from them. Make chunks"
        + " about \(Self.round(factor)) times larger."
    case .chunksTooLarge(let operation, let tasks, let threads):
      "Chunks are too large: '\(ReportNumbers.name(operation, columns: 30))' has \(tasks) task\(tasks == 1 ? "" : "s") for"
        + " \(threads) threads. Cut its chunks, or what each task does, so that there are at least"
        + " \(2 * Self.tasksPerThread * threads), or use fewer threads."
    case .longTask(let operation, let longest, let wall):
      "Chunks are too large or uneven: one task of '\(ReportNumbers.name(operation, columns: 30))' took"
        + " \(ReportNumbers.time(longest)) of the \(ReportNumbers.time(wall)), and the other threads had too little to do"
        + " meanwhile. Cut it into smaller ones."
    case .tooManyWorkers(let workers, let threads, let wouldDo, let threadsWouldDo):
      if workers == 1 {
        "Too many threads: \(threadsWouldDo) would do instead of \(threads). The others wait for tasks that aren't there"
          + " yet, or while the program computes outside of them."
      } else {
        "Too many ranks: \(wouldDo) worker\(wouldDo == 1 ? "" : "s") of \(threads)"
          + " thread\(threads == 1 ? "" : "s") would do instead of \(workers) (ask for \(wouldDo + 1) ranks). The others wait"
          + " for tasks that aren't there yet, or while the program computes outside of them."
      }
    case .memoryIsTight(let rank, let peak, let limit):
      "Memory is tight: rank \(rank) held \(ReportNumbers.bytes(peak)) at its peak, with a limit of"
        + " \(ReportNumbers.bytes(limit)). Raise the limit, make chunks smaller, or run fewer threads in each rank."
    case .spills(let bytes, let made):
      "Memory is short: \(ReportNumbers.bytes(bytes)) went to disk of the \(ReportNumbers.bytes(made)) that tasks made."
        + " Raise the memory limit, take more nodes, or make chunks smaller."
    case .transfers(let share, let bytes, let operation):
      "Transfers hold tasks up: blocks were on their way for \(ReportNumbers.percent(share)) of the workers' time,"
        + " \(ReportNumbers.bytes(bytes)) in all, the largest part made by '\(ReportNumbers.name(operation, columns: 30))'. Use fewer ranks with more threads each, which share memory, and cut chunks"
        + " so that what is computed together lies in one."
    case .waits(let share, let operation, let time):
      "Threads had nothing to do for \(ReportNumbers.percent(share)) of their time, \(ReportNumbers.time(time)) of it before"
        + " tasks of '\(ReportNumbers.name(operation, columns: 30))': look at what these wait for, and at what the program"
        + " does meanwhile."
    case .filesToDisk(let share, let time):
      "Bringing files to disk took \(ReportNumbers.time(time)), \(ReportNumbers.percent(share)) of the session, while nothing"
        + " else was done. Write fewer and larger files, what goes together in one write, or to a faster file system."
    case .files(let share):
      "Files take \(ReportNumbers.percent(share)) of the time in tasks. Where these read, let chunks cover whole chunks of"
        + " the file, or store it without compression; where they write, take larger chunks, or a faster file system. More"
        + " threads gain little."
    case .nothing: "Nothing: threads are busy, tasks long enough, and memory suffices."
    }
  }

  /// With one digit that counts: a guess isn't more than that.
  private static func round(_ factor: Int) -> Int {
    var unit = 1
    while factor / unit >= 10 { unit *= 10 }
    return factor / unit * unit
  }
}
