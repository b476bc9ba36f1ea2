import Muster
import MusterScheduling

/// Independent tasks that do nothing but give a number, and one that adds the numbers up.
enum NoopTasks {
  struct Number: Block {
    var value: Int
    var byteCount: Int { 8 }
    func encode(into encoder: inout BlockEncoder) { encoder.append(value) }
    static func decode(from decoder: inout BlockDecoder) throws -> Number {
      Number(value: try decoder.read(Int.self))
    }
  }

  static func run(count: Int) async throws {
    try await Session.run { session in
      let start = ContinuousClock.now
      var plan = Plan()
      let noop = plan.add(
        Layer(name: "noop", count: count, yielding: Number.self, inputs: { _, _ in }) { Number(value: $0.index) })
      let sum = plan.add(
        Layer(
          name: "sum", count: 1, yielding: Number.self,
          inputs: { _, inputs in for index in 0..<count { inputs.append(TaskID(layer: noop, index: index)) } },
          run: { inputs in
            Number(value: inputs.blocks.indices.reduce(0) { $0 + inputs.block($1, as: Number.self).value })
          }))
      plan.results = [TaskID(layer: sum, index: 0)]
      guard let result = try await session.compute(plan).first as? Number else {
        throw MusterError(.internal, "the sum isn't a number")
      }
      print("{\"seconds\": \(seconds(since: start)), \"check\": \(result.value)}")
    }
  }
}
