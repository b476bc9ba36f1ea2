import Glibc
import Muster
import MusterScheduling

/// A block of one integer.
struct IntegerBlock: Block {
  var value: Int
  var byteCount: Int { 8 }
  func encode(into encoder: inout BlockEncoder) { encoder.append(value) }
  static func decode(from decoder: inout BlockDecoder) throws -> IntegerBlock {
    IntegerBlock(value: try decoder.read(Int.self))
  }
}

enum Basics {
  /// What each rank knows of the session, and that the program speaks once.
  static func report() async throws {
    try await Session.run { session in
      print("ranks \(session.rankCount) workers \(session.workerCount) threads \(session.threadCount)")
      print("rank \(session.rank) isRoot \(session.isRoot)")
      print("order \(Set((0..<50).map { "key \($0)" }).joined(separator: ","))")
      let host = try session.onRoot("root value") { [1.5, .infinity, -0.0] }
      print("value \(host)")
      StandardError.write("rank \(session.rank) speaks\n")
    }
  }

  /// A layer of `count` tasks, sums of 100 each, and a sum of those: the result on every rank.
  static func sum(count: Int) async throws {
    try await Session.run { session in
      let plan = sumPlan(count: count)
      for _ in 0..<3 {
        let result = try await session.compute(plan, operation: "sum")
        guard (result[0] as? IntegerBlock)?.value == count * (count - 1) / 2 else {
          throw MusterError(.internal, "rank \(session.rank) got \(result)")
        }
      }
      print("sum \(count * (count - 1) / 2)")
    }
  }

  /// One short collective after the other, with results that are broadcast: the quick ranks come to the next one while
  /// the slow ones are still at the last.
  static func quick(rounds: Int) async throws {
    try await Session.run { session in
      var plan = Plan()
      let layer = plan.add(
        Layer(name: "make", count: 3, yielding: BulkBlock.self, inputs: { _, _ in }) { inputs in
          let storage = BlockStorage(byteCount: 40_000 * (1 + inputs.index))
          storage.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(inputs.index), count: storage.byteCount)
          return BulkBlock(storage: storage)
        })
      plan.results = (0..<3).map { TaskID(layer: layer, index: $0) }
      var bytes = 0
      for round in 0..<rounds {
        if round % 7 == session.rank { usleep(300) }
        bytes += try await session.compute(plan).reduce(0) { $0 + $1.byteCount }
        if round % 5 == 0 { bytes += try session.onRoot("one") { 1 } }
      }
      print("bytes \(bytes)")
    }
  }

  /// As many tasks of a second as two workers of 20 threads run at once, and one worker comes late: in milliseconds, how
  /// long it takes.
  static func long() async throws {
    try await Session.run { session in
      var plan = Plan()
      let layer = plan.add(
        Layer(name: "long", count: 40, yielding: IntegerBlock.self, inputs: { _, _ in }) { inputs in
          sleep(1)
          return IntegerBlock(value: inputs.index)
        })
      plan.results = (0..<40).map { TaskID(layer: layer, index: $0) }
      try session.onRoot("begin") { true }
      let begin = ContinuousClock.now
      if session.rank == 2 { usleep(100_000) }
      _ = try await session.compute(plan)
      print("milliseconds \(Int(begin.duration(to: .now) / .milliseconds(1)))")
    }
  }

  static func sumPlan(count: Int) -> Plan {
    var plan = Plan()
    let leaves = plan.add(
      Layer(name: "leaf", count: count, yielding: IntegerBlock.self, inputs: { _, _ in }) {
        IntegerBlock(value: $0.index)
      })
    let groups = (count + 99) / 100
    let partial = plan.add(
      Layer(
        name: "partial", count: groups, yielding: IntegerBlock.self,
        inputs: { index, inputs in
          for leaf in index * 100..<min(count, index * 100 + 100) {
            inputs.append(TaskID(layer: leaves, index: leaf))
          }
        },
        run: { inputs in
          IntegerBlock(value: inputs.blocks.indices.reduce(0) { $0 + inputs.block($1, as: IntegerBlock.self).value })
        }))
    let total = plan.add(
      Layer(
        name: "total", count: 1, yielding: IntegerBlock.self,
        inputs: { _, inputs in for group in 0..<groups { inputs.append(TaskID(layer: partial, index: group)) } },
        run: { inputs in
          IntegerBlock(value: inputs.blocks.indices.reduce(0) { $0 + inputs.block($1, as: IntegerBlock.self).value })
        }))
    plan.results = [TaskID(layer: total, index: 0)]
    return plan
  }
}

enum StandardError {
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
