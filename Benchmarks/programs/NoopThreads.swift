import Muster
import MusterScheduling

/// Tasks that do nothing, each of which takes the number of another one, but for the hundredth part of them that are the
/// first, on the threads of one process.
enum NoopThreads {
  private static let steps = 100

  static func run(count: Int) async throws {
    try await Session.run { session in
      let start = ContinuousClock.now
      let width = count / Self.steps
      var plan = Plan()
      var last = plan.add(
        Layer(name: "make", count: width, yielding: NoopTasks.Number.self, inputs: { _, _ in }) {
          NoopTasks.Number(value: $0.index)
        })
      for _ in 1..<Self.steps {
        let before = last
        last = plan.add(
          Layer(
            name: "take", count: width, yielding: NoopTasks.Number.self,
            inputs: { index, inputs in inputs.append(TaskID(layer: before, index: index)) },
            run: { inputs in inputs.block(0, as: NoopTasks.Number.self) }))
      }
      plan.results = (0..<width).map { TaskID(layer: last, index: $0) }
      let blocks = try await session.compute(plan)
      print("{\"seconds\": \(seconds(since: start)), \"tasks\": \(width * Self.steps)}")
      let sum = blocks.reduce(0) { $0 + (($1 as? NoopTasks.Number)?.value ?? 0) }
      guard sum == width * (width - 1) / 2 else { throw MusterError(.internal, "the values add up to \(sum)") }
    }
  }
}
