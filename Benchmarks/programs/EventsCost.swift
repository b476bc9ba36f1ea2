import Glibc
import Muster
import MusterScheduling

/// What tracing costs, or reporting: the same tasks with and without it, in turn, in one process.
///
/// The tasks of `noop-threads`, which do nothing, or such that compute for some microseconds. The order changes from
/// round to round. A machine that is shared with others slows single rounds down, never up: of each side the quickest
/// counts, and the median of the pairs' quotients is told too.
enum EventsCost {
  static func run(count: Int, microseconds: Int, rounds: Int, path: String, reports: Bool) async throws {
    var times: [Bool: [Double]] = [true: [], false: []]
    var ends: [Bool: [Double]] = [true: [], false: []]
    for round in 0..<rounds {
      for traces in round % 2 == 0 ? [false, true] : [true, false] {
        // A second file under the same name would get another one.
        let file = "\(path).\(round)"
        let start = ContinuousClock.now
        let configuration =
          reports
          ? SessionConfiguration(report: traces ? file : nil) : SessionConfiguration(trace: traces ? file : nil)
        let time = try await once(count: count, microseconds: microseconds, configuration)
        times[traces]!.append(time)
        ends[traces]!.append(seconds(since: start) - time)
        if traces, unlink(file) != 0 { throw MusterError(.internal, "there is no file at \(file)") }
      }
    }
    let (with, without) = (times[true]!, times[false]!)
    let quotients = zip(with, without).map { 100 * ($0 / $1 - 1) }.sorted()
    let fields = [
      "\"percent\": \(100 * (with.min()! / without.min()! - 1))", "\"percent_median\": \(quotients[rounds / 2])",
      "\"seconds\": \(with.min()!)", "\"seconds_without\": \(without.min()!)",
      "\"writing\": \(ends[true]!.min()! - ends[false]!.min()!)", "\"tasks\": \(count)",
    ]
    print("{\(fields.joined(separator: ", "))}")
  }

  /// Seconds from the plan to the results; the file is written after that.
  private static func once(
    count: Int, microseconds: Int, _ configuration: SessionConfiguration
  ) async throws -> Double {
    try await Session.run(configuration) { session in
      let half = count / 2
      let start = ContinuousClock.now
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: half, yielding: NoopTasks.Number.self, inputs: { _, _ in }) {
          compute(microseconds: microseconds)
          return NoopTasks.Number(value: $0.index)
        })
      let taken = plan.add(
        Layer(
          name: "take", count: half, yielding: NoopTasks.Number.self,
          inputs: { index, inputs in inputs.append(TaskID(layer: made, index: index)) },
          run: { inputs in
            compute(microseconds: microseconds)
            return inputs.block(0, as: NoopTasks.Number.self)
          }))
      plan.results = (0..<half).map { TaskID(layer: taken, index: $0) }
      let blocks = try await session.compute(plan)
      let time = seconds(since: start)
      let sum = blocks.reduce(0) { $0 + (($1 as? NoopTasks.Number)?.value ?? 0) }
      guard sum == half * (half - 1) / 2 else { throw MusterError(.internal, "the values add up to \(sum)") }
      return time
    }
  }

  private static func compute(microseconds: Int) {
    guard microseconds > 0 else { return }
    let end = ContinuousClock.now + .microseconds(microseconds)
    while ContinuousClock.now < end {}
  }
}
