import Muster
import MusterScheduling

/// Tasks that do nothing, each of which takes the number of another one, on the threads of one process.
enum NoopThreads {
  static func run(count: Int) async throws {
    try await Session.run { session in
      let start = ContinuousClock.now
      let half = count / 2
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: half, yielding: NoopTasks.Number.self, inputs: { _, _ in }) {
          NoopTasks.Number(value: $0.index)
        })
      let taken = plan.add(
        Layer(
          name: "take", count: half, yielding: NoopTasks.Number.self,
          inputs: { index, inputs in inputs.append(TaskID(layer: made, index: index)) },
          run: { inputs in inputs.block(0, as: NoopTasks.Number.self) }))
      plan.results = (0..<half).map { TaskID(layer: taken, index: $0) }
      let blocks = try await session.compute(plan)
      print("{\"seconds\": \(seconds(since: start)), \"tasks\": \(count)}")
      let sum = blocks.reduce(0) { $0 + (($1 as? NoopTasks.Number)?.value ?? 0) }
      guard sum == half * (half - 1) / 2 else { throw MusterError(.internal, "the values add up to \(sum)") }
    }
  }
}
