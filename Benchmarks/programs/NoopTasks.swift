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

  /// The numbers are added up in two steps, a thousand at a time: no task takes a million inputs.
  static func runTree(count: Int) async throws {
    try await Session.run { session in
      let start = ContinuousClock.now
      let width = 1000
      var plan = Plan()
      let noop = plan.add(
        Layer(name: "noop", count: count, yielding: Number.self, inputs: { _, _ in }) { Number(value: $0.index) })
      func add(_ counts: Int, of layer: Int, total: Int) -> Int {
        plan.add(
          Layer(
            name: "sum", count: counts, yielding: Number.self,
            inputs: { index, inputs in
              for input in index * width..<min(total, (index + 1) * width) {
                inputs.append(TaskID(layer: layer, index: input))
              }
            },
            run: { inputs in
              Number(value: inputs.blocks.indices.reduce(0) { $0 + inputs.block($1, as: Number.self).value })
            }))
      }
      let parts = (count + width - 1) / width
      let partial = add(parts, of: noop, total: count)
      guard parts <= width else { throw MusterError(.invalidArgument, "\(count) tasks are more than \(width * width)") }
      plan.results = [TaskID(layer: add(1, of: partial, total: parts), index: 0)]
      guard let result = try await session.compute(plan).first as? Number else {
        throw MusterError(.internal, "the sum isn't a number")
      }
      let time = seconds(since: start)
      print("{\"seconds\": \(time), \"per_second\": \(Double(count) / time), \"check\": \(result.value)}")
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
