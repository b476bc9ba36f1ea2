import Glibc
import Muster

/// What a journal costs, and what a program costs that is replayed from one.
enum JournalCost {
  /// The same collectives with and without a journal, in turn, in one job. The order changes from round to round. The
  /// median of the pairs' quotients counts; a machine that is shared with others slows single rounds down, never up: that of
  /// each side's quickest is told too.
  static func run(count: Int, rounds: Int, folder: String) async throws {
    var times: [Bool: [Double]] = [true: [], false: []]
    for round in 0..<rounds {
      for isJournaled in round % 2 == 0 ? [false, true] : [true, false] {
        let path = "\(folder)/cost-\(round).journal"
        if isJournaled { remove(path) }
        times[isJournaled]!.append(try await once(count: count, journal: isJournaled ? path : nil))
        remove(path)
      }
    }
    let (with, without) = (times[true]!, times[false]!)
    let quotients = zip(with, without).map { 100 * ($0 / $1 - 1) }.sorted()
    print(
      """
      {"percent": \(quotients[rounds / 2]), "percent_of_quickest": \(100 * (with.min()! / without.min()! - 1)), \
      "microseconds": \(1e6 * with.min()! / Double(count)), \
      "microseconds_without": \(1e6 * without.min()! / Double(count))}
      """)
  }

  private static func remove(_ path: String) {
    for suffix in ["", ".out"] { unlink(path + suffix) }
  }

  /// One run; started again with the same journal it is replayed.
  static func replay(count: Int, journal: String) async throws {
    let time = try await once(count: count, journal: journal)
    print("{\"seconds\": \(time), \"microseconds\": \(1e6 * time / Double(count))}")
  }

  /// Seconds for so many collectives, each of one task and with a result of 800 bytes.
  private static func once(count: Int, journal: String?) async throws -> Double {
    try await Session.run(SessionConfiguration(journal: journal)) { session in
      let start = ContinuousClock.now
      var sum = 0.0
      for number in 0..<count {
        let block = session.delayed { [Double](repeating: Double(number), count: 100) }
        sum += try await block.compute()[99]
      }
      let time = seconds(since: start)
      guard sum == Double(count * (count - 1) / 2) else { throw MusterError(.internal, "the values add up to \(sum)") }
      return time
    }
  }
}

/// Tasks of half a second, until a signal ends them: each notes when it ended.
enum DrainTime {
  static func run(journal: String, notes: String) async throws {
    try await Session.run(journal: journal) { session in
      let tasks = try session.map(Array(0..<1000)) { (number: Int) -> Int in
        usleep(500_000)
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let file = open(notes, O_WRONLY | O_CREAT | O_APPEND, 0o666)
        var line = "\(Double(now.tv_sec) + Double(now.tv_nsec) / 1e9)\n"
        _ = line.withUTF8 { write(file, $0.baseAddress, $0.count) }
        close(file)
        return number
      }
      _ = try await session.gather(tasks)
    }
  }
}
