/// The report of a session as one page of text: pure, so that tests can read it.
package struct ReportText {
  package static let columns = 100
  package static let mostOperations = 12
  package static let mostRanks = 12

  private let job: JobFigures
  private var lines: [String] = []

  /// At most 60 lines of at most 100 columns.
  package static func text(_ job: JobFigures) -> String {
    var report = ReportText(job: job)
    report.appendHead()
    report.appendTotals()
    report.appendOperations()
    report.appendRanks()
    report.appendAdvice()
    return report.lines.joined(separator: "\n") + "\n"
  }

  private init(job: JobFigures) { self.job = job }

  private mutating func appendHead() {
    let name = ReportNumbers.name(job.program, columns: 60)
    let isAlone = job.members.count == 1
    let threads = job.members.map(\.threads).max() ?? 0
    let place =
      isAlone
      ? "one process with \(count(threads, "thread")) on \(ReportNumbers.name(job.members[0].node, columns: 30))"
      : "\(job.members.count) ranks on \(count(job.nodes, "node")): rank 0 schedules,"
        + " \(count(job.workers, "worker")) of \(count(threads, "thread"))"
    lines.append("Muster: report on \(name)")
    lines.append("\(place); \(ReportNumbers.time(job.wall))")
    if job.earlierCalls > 0 {
      lines.append(
        "It goes on after \(count(job.earlierCalls, "call")) of its journal: results that come from there count as tasks."
      )
    }
    switch job.ending {
    case .done: break
    case .failed: lines.append("The session ended with an error: this is what was done until then.")
    case .drained: lines.append("The session left before its work was done: this is its part of it.")
    }
    let missing = job.members.count - job.ranks.count
    if missing > 0 { lines.append("The figures of \(count(missing, "rank")) are missing.") }
  }

  private func count(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

  private func share(_ part: Int, of whole: Int) -> String { ReportNumbers.percent(JobFigures.share(part, of: whole)) }

  private mutating func appendTotals() {
    let (whole, files) = (job.threadTime, job.files)
    lines += ["", "Time of the threads, \(ReportNumbers.time(whole)) in all"]
    var table = ReportTable()
    func row(_ name: String, _ time: Int, of whole: Int) -> [String] {
      [name, ReportNumbers.time(time), share(time, of: whole)]
    }
    table.append(row("in tasks", job.taskTime, of: whole))
    table.append(row("  of it I/O: chunks of files", files.reading + files.writing, of: whole))
    table.append(row("waiting for tasks", job.waiting, of: whole))
    table.append(row("between tasks", job.between, of: whole))
    var text = table.lines()
    text[1] += "   read \(ReportNumbers.bytes(files.readBytes)), wrote \(ReportNumbers.bytes(files.writtenBytes))"
    lines += text

    let workers = job.workerRanks.map(\.counts)
    let wall = workers.reduce(0) { $0 + $1.wall }
    lines += ["", "Beside them, of the workers' \(ReportNumbers.time(wall))"]
    var beside = ReportTable()
    let finishing = job.finishing * workers.count
    beside.append(row("transfers: blocks on their way", workers.reduce(0) { $0 + $1.receiving }, of: wall))
    beside.append(row("I/O: local scratch", workers.reduce(0) { $0 + $1.spilling }, of: wall))
    beside.append(row("I/O: files brought to disk", finishing, of: wall))
    text = beside.lines()
    let blocks = workers.reduce(0) { $0 + $1.receivedBlocks }
    text[0] +=
      "   \(count(blocks, "block")), \(ReportNumbers.bytes(workers.reduce(0) { $0 + $1.receivedBytes })) came"
    text[1] +=
      "   \(ReportNumbers.bytes(workers.reduce(0) { $0 + $1.spilledBytes })) written,"
      + " \(ReportNumbers.bytes(workers.reduce(0) { $0 + $1.unspilledBytes })) read"
    lines += text
  }

  private mutating func appendOperations() {
    let operations = job.operations
    // Most often none has failed, and the room is scarce.
    let tellsFailures = operations.contains { $0.counts.failed > 0 }
    var table = ReportTable()
    table.append(
      ["Operation", "tasks"] + (tellsFailures ? ["failed"] : [])
        + ["time", "share", "mean", "longest", "I/O", "waiting", "transfers", "made"])
    func row(_ entry: OperationTotals) -> [String] {
      let counts = entry.counts
      return [ReportNumbers.name(entry.name, columns: 28), ReportNumbers.count(counts.tasks)]
        + (tellsFailures ? [ReportNumbers.count(counts.failed)] : [])
        + [
          ReportNumbers.time(counts.nanoseconds), share(counts.nanoseconds, of: job.taskTime),
          ReportNumbers.time(entry.mean), ReportNumbers.time(counts.longest), ReportNumbers.time(counts.files),
          ReportNumbers.time(counts.waiting), ReportNumbers.time(counts.receiving), ReportNumbers.bytes(counts.bytes),
        ]
    }
    let shown = operations.count <= Self.mostOperations ? operations.count : Self.mostOperations - 1
    for entry in operations.prefix(shown) { table.append(row(entry)) }
    if operations.count > shown {
      var rest = OperationTotals("\(operations.count - shown) others")
      for entry in operations.dropFirst(shown) { rest.add(entry) }
      table.append(row(rest))
    }
    if operations.count != 1 {
      var all = OperationTotals("all")
      for entry in operations { all.add(entry) }
      table.append(row(all))
    }
    lines.append("")
    lines += table.lines(indent: 0, columns: Self.columns)
  }

  /// Where there are many, those that had most to do, and those that had least.
  private mutating func appendRanks() {
    var table = ReportTable()
    table.append(["Rank", "tasks", "in tasks", "waiting", "sent", "came", "to disk", "peak memory", "of limit"])
    func row(_ rank: RankFigures) -> [String] {
      let (counts, member) = (rank.counts, job.members[rank.counts.rank])
      let whole = job.available(to: rank)
      let works = member.threads > 0
      let peak = counts.peakMemory == 0 ? "?" : ReportNumbers.bytes(counts.peakMemory)
      return [
        "\(counts.rank)" + (job.members.count > 1 ? " (\(ReportNumbers.name(member.node, columns: 12)))" : ""),
        works ? "\(rank.tasks)" : "-", works ? share(rank.taskTime, of: whole) : "-",
        works ? share(job.waiting(of: rank), of: whole) : "-",
        ReportNumbers.bytes(counts.sentBytes), ReportNumbers.bytes(counts.receivedBytes),
        ReportNumbers.bytes(counts.spilledBytes), peak,
        works && member.memoryLimit > 0 ? share(counts.peakMemory, of: member.memoryLimit) : "-",
      ]
    }
    let ranks = job.ranks
    if ranks.count <= Self.mostRanks {
      for rank in ranks { table.append(row(rank)) }
    } else {
      let workers = job.workerRanks.sorted { ($1.taskTime, $0.counts.rank) < ($0.taskTime, $1.counts.rank) }
      let (most, least) = (Self.mostRanks / 2, Self.mostRanks - Self.mostRanks / 2 - 2)
      if let root = ranks.first, job.members[root.counts.rank].threads == 0 { table.append(row(root)) }
      for rank in workers.prefix(most) { table.append(row(rank)) }
      table.append(["… \(max(0, workers.count - most - least)) others"])
      for rank in workers.dropFirst(most).suffix(least) { table.append(row(rank)) }
    }
    let peaks = job.workerRanks.map(\.counts.peakMemory)
    let busy = job.workerRanks.map { JobFigures.share($0.taskTime, of: job.available(to: $0)) }
    lines.append("")
    lines += table.lines(indent: 0)
    guard job.workers > 1, let low = busy.min(), let high = busy.max() else { return }
    lines.append(
      "Workers were in tasks for \(ReportNumbers.percent(low)) to \(ReportNumbers.percent(high)) of their time,"
        + " with peaks of \(ReportNumbers.bytes(peaks.min() ?? 0)) to \(ReportNumbers.bytes(peaks.max() ?? 0)).")
  }

  private mutating func appendAdvice() {
    lines += ["", "What to change"]
    for advice in ReportAdvice.of(job) { lines += Self.wrapped(advice.text) }
  }

  /// Cut between words, behind a dash.
  private static func wrapped(_ text: String) -> [String] {
    var lines = ["  -"]
    for word in text.split(separator: " ") {
      if lines[lines.count - 1].count + 1 + word.count > columns { lines.append("   ") }
      lines[lines.count - 1] += " " + word
    }
    return lines
  }
}
