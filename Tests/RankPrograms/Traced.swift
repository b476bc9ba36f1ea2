import Glibc
import Muster
import MusterScheduling

/// A graph whose tasks say where they ran, for the trace to be compared with: bulk blocks, each taken by tasks next to it.
enum Traced {
  /// Tasks of some microseconds, and then one of a hundredth of a second.
  static func reportBrief(count: Int) async throws {
    try await Session.run { session in
      let tasks = session.layer(count, name: "brief") { index in
        var value = Double(index)
        for _ in 0..<2_000 { value = (value * 1.000_001).squareRoot() }
        return value
      }
      let sum = try await session.compute([tasks])[0].reduce(0, +)
      let long = session.delayed(name: "long") { () -> Double in
        usleep(10_000)
        return sum
      }
      print(try await long.compute() == sum)
    }
  }

  /// A file is written in compressed chunks, and tasks wait for each other.
  static func reportWaits(path: String) async throws {
    try await Session.run { session in
      try await session.arange(0.0, 200_000.0, chunks: [50_000]).write(
        to: path, dataset: "field", compression: .deflate)
      let lock = session.lock("one at a time")
      let tasks = session.layer(12, name: "locked") { index in
        try lock.withLock {
          usleep(50_000)
          return index
        }
      }
      let numbers: [Int] = try await tasks.compute()
      print(numbers.reduce(0, +))
    }
  }

  /// A file is written and read, and one task takes long, which all others wait for.
  static func report(path: String) async throws {
    try await Session.run { session in
      let field = session.arange(0.0, 4_000_000.0, chunks: [200_000])
      try await field.write(to: path, dataset: "field")
      let sum = try await session.open(path, dataset: "field", as: Double.self).sum().compute().item()
      let alone = session.delayed(name: "alone") { () -> [Double] in
        usleep(500_000)
        return [Double](repeating: 1, count: 500_000)
      }
      let parts = (0..<8).map { number in
        session.delayed(alone, name: "after") { (values: [Double]) -> Double in
          usleep(20_000)
          return values[number]
        }
      }
      let total = session.delayed(parts, name: "total") { (values: [Double]) in values.reduce(0, +) }
      print(sum, try await total.compute())
    }
  }

  static func run(count: Int, bytes: Int, fails: Bool) async throws {
    try await Session.run { session in
      let rank = session.rank
      var plan = Plan()
      let make = plan.add(
        Layer(name: "make", count: count, yielding: BulkBlock.self, inputs: { _, _ in }) { _ in
          let storage = BlockStorage(byteCount: bytes)
          storage.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(rank), count: bytes)
          return BulkBlock(storage: storage)
        })
      // Says by which rank its inputs were made, and on which it runs itself.
      let take = plan.add(
        Layer(
          name: "take \"two\"", count: count, yielding: IntegerBlock.self,
          inputs: { index, inputs in
            inputs.append(TaskID(layer: make, index: index))
            inputs.append(TaskID(layer: make, index: (index + count / 2) % count))
          },
          run: { inputs in
            if fails && inputs.index == 1 { throw MusterError(.internal, "as it should") }
            let makers = (0..<2).map { place in
              Int(inputs.block(place, as: BulkBlock.self).storage.bytes.load(as: UInt8.self))
            }
            return IntegerBlock(value: rank << 16 | makers[0])
          }))
      plan.results = (0..<count).map { TaskID(layer: take, index: $0) }
      let results = try await session.compute(plan)
      for (index, block) in results.enumerated() {
        guard let value = (block as? IntegerBlock)?.value else { throw MusterError(.internal, "no number") }
        print("ran make \(index) \(value & 0xFFFF)\nran take \(index) \(value >> 16)")
      }
      for number in 0..<session.rankCount {
        try session.onEachRank("tell the traffic") {
          if number == rank { StandardError.write("traffic \(rank) \(session.traffic.blockBytes);\n") }
        }
      }
    }
  }
}
