import Muster

/// Task Bench's graphs as layers, one for each step. Timed from the making of the first to the values of those tasks that
/// no other takes. Says how long it took for each length
/// of task; Benchmarks/run finds in that the granularity at which half of the time is spent in the tasks.
enum METG {
  static func run(_ arguments: [String]) async throws {
    let name = try BenchmarkPrograms.text(arguments, 1)
    guard let pattern = TaskBench.Pattern(rawValue: name) else {
      throw MusterError(.invalidArgument, "there is no pattern '\(name)'")
    }
    let numbers = try arguments.indices.dropFirst(2).map { try BenchmarkPrograms.number(arguments, $0) }
    guard numbers.count > 3 else {
      throw MusterError(.invalidArgument, "width, steps, repeats and iterations of a task are needed")
    }
    let (width, steps, repeats, lengths) = (numbers[0], numbers[1], numbers[2], numbers[3...])
    try await Session.run { session in
      // Smaller, and the same whatever lengths are tried: what the other sides are compared with.
      let (_, check) = try await time(TaskBench(pattern: pattern, width: width, steps: 40, iterations: 10), session)
      var times: [Int: [Double]] = [:]
      var digests: [Int: UInt64] = [:]
      for _ in 0..<repeats {
        for length in lengths {
          let graph = TaskBench(pattern: pattern, width: width, steps: steps, iterations: length)
          let (seconds, digest) = try await time(graph, session)
          times[length, default: []].append(seconds)
          guard digests[length, default: digest] == digest else {
            throw MusterError(.internal, "the same graph gave \(digest) and \(digests[length] ?? 0)")
          }
          digests[length] = digest
        }
      }
      let calibrated = try await calibrate(session)
      let tasks = (0..<steps).reduce(0) {
        $0 + TaskBench(pattern: pattern, width: width, steps: steps, iterations: 0).width(at: $1)
      }
      let shown = times.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ")
      print(
        """
        {"iteration": \(calibrated), "workers": \(session.threadCount), "tasks": \(tasks), \
        "check": \(check >> 40), "times": {\(shown)}}
        """)
    }
  }

  /// Runs a graph: the seconds that it took, and the sum of the values that no task takes.
  private static func time(_ graph: TaskBench, _ session: Session) async throws -> (Double, UInt64) {
    let start = ContinuousClock.now
    var leaves: [DelayedLayer<TaskBench.Output>] = []
    var last: DelayedLayer<TaskBench.Output>?
    for step in 0..<graph.steps {
      guard let before = last else {
        last = session.layer(graph.width(at: step), name: "task") { try graph.run($0, at: step, taking: []) }
        continue
      }
      var isTaken = Array(repeating: false, count: before.count)
      let width = graph.width(at: step)
      for point in 0..<width { for input in graph.inputs(of: point, at: step) { isTaken[input] = true } }
      let left = isTaken.indices.filter { !isTaken[$0] }
      if !left.isEmpty { leaves.append(before[left]) }
      last = session.layer(width, of: before, name: "task") {
        graph.inputs(of: $0, at: step)
      } run: {
        try graph.run($0, at: step, taking: $1)
      }
    }
    leaves += [last].compactMap(\.self)
    let values = try await session.compute(leaves)
    return (seconds(since: start), values.joined().reduce(0) { $0 &+ $1.value })
  }

  /// The seconds of one iteration of the kernel where nothing else is done, on all workers at once.
  private static func calibrate(_ session: Session) async throws -> Double {
    let iterations = 5_000
    let tasks = (0..<2 * session.threadCount).map { point in
      session.delayed(name: "calibrate") {
        var best = Double.infinity
        for number in 0..<1_000 {
          let start = ContinuousClock.now
          // Not the same each time, or it would be done but once.
          let digest = TaskBench.kernel(point: point + number, iterations: iterations)
          best = min(best, seconds(since: start))
          guard digest != 0 else { throw MusterError(.internal, "the kernel's numbers are lost") }
        }
        return best / Double(iterations)
      }
    }
    return try await session.compute(tasks).min() ?? .nan
  }
}
