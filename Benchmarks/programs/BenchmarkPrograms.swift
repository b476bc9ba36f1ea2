import Muster

/// Muster's sides of the comparisons that Benchmarks/run makes: the first argument names one. Each says its own time
/// in one line of JSON.
@main
struct BenchmarkPrograms {
  static func main() async throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch arguments.first {
    case "launch": try await Launch.run()
    case "noop-tasks": try await NoopTasks.run(count: try number(arguments, 1))
    case "noop-mpi": try await NoopTasks.runTree(count: try number(arguments, 1))
    case "submit-latency": try await SubmitLatency.run(count: try number(arguments, 1))
    case "noop-threads": try await NoopThreads.run(count: try number(arguments, 1))
    case "events-cost":
      try await EventsCost.run(
        count: try number(arguments, 1), microseconds: try number(arguments, 2), rounds: try number(arguments, 3),
        path: try text(arguments, 4), reports: arguments.dropFirst(5).first == "report")
    case "scheduler-core":
      try SchedulerCore.run(SchedulerCore.pairs(tasks: try number(arguments, 1)), workers: try number(arguments, 2))
    case "graph-10m":
      try SchedulerCore.run(SchedulerCore.reduction(tasks: try number(arguments, 1)), workers: try number(arguments, 2))
    case "metg": try await METG.run(arguments)
    case "compressed-write":
      try await CompressedWrite.run(
        rows: try number(arguments, 1), columns: try number(arguments, 2), path: try text(arguments, 3))
    case "elementwise": try await Elementwise.run(count: try number(arguments, 1))
    case "spill": try await Spill.run(limit: try number(arguments, 1), folder: try text(arguments, 2))
    case "plain-disk":
      try Spill.runPlain(
        bytes: try number(arguments, 1), folder: try text(arguments, 2),
        direct: try text(arguments, 3) == "direct")
    case "memory-uv":
      try await MemoryUV.run(fieldBytes: try number(arguments, 1), chunkBytes: try number(arguments, 2))
    case "journal-cost":
      try await JournalCost.run(
        count: try number(arguments, 1), rounds: try number(arguments, 2), folder: try text(arguments, 3))
    case "replay":
      try await JournalCost.replay(count: try number(arguments, 1), journal: try text(arguments, 2))
    case "drain":
      try await DrainTime.run(journal: try text(arguments, 1), notes: try text(arguments, 2))
    case "eof": try await EOF.run(input: try text(arguments, 1), output: try text(arguments, 2))
    default: throw MusterError(.invalidArgument, "there is no benchmark '\(arguments.first ?? "")'")
    }
  }

  static func text(_ arguments: [String], _ index: Int) throws -> String {
    guard index < arguments.count else {
      throw MusterError(.invalidArgument, "'\(arguments.joined(separator: " "))' lacks argument \(index)")
    }
    return arguments[index]
  }

  static func number(_ arguments: [String], _ index: Int) throws -> Int {
    guard let value = Int(try text(arguments, index)) else {
      throw MusterError(.invalidArgument, "'\(arguments[index])' isn't a number")
    }
    return value
  }
}

/// An empty session.
enum Launch {
  static func run() async throws {
    try await Session.run { session in
      guard session.rankCount == 3 else {
        throw MusterError(.internal, "the session has \(session.rankCount) ranks, and should have 3")
      }
    }
  }
}

/// Seconds since `start`.
func seconds(since start: ContinuousClock.Instant) -> Double {
  (ContinuousClock.now - start) / .seconds(1)
}
