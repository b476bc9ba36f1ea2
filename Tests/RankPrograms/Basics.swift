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

/// A block of bulk memory.
struct BulkBlock: Block {
  var storage: BlockStorage
  var byteCount: Int { storage.byteCount }
  func encode(into encoder: inout BlockEncoder) { encoder.append(storage, byteCount: storage.byteCount) }
  static func decode(from decoder: inout BlockDecoder) throws -> BulkBlock {
    BulkBlock(storage: try decoder.readStorage())
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

  /// Two workers make a block each, and one task takes both: one of the blocks has to cross. Both are results too, so
  /// they also go to every rank.
  static func bulk(bytes: Int) async throws {
    try await Session.run { session in
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 2, yielding: BulkBlock.self, inputs: { _, _ in }) { inputs in
          // Long enough that the second goes to the other worker.
          usleep(300_000)
          let storage = BlockStorage(byteCount: bytes)
          let words = storage.bytes.bindMemory(to: UInt64.self, capacity: bytes / 8)
          for word in 0..<bytes / 8 { words[word] = UInt64(word) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(inputs.index) }
          return BulkBlock(storage: storage)
        })
      let sums = plan.add(
        Layer(
          name: "checksum", count: 1, yielding: IntegerBlock.self,
          inputs: { _, inputs in
            inputs.append(TaskID(layer: made, index: 0))
            inputs.append(TaskID(layer: made, index: 1))
          },
          run: { inputs in
            IntegerBlock(
              value: checksum(inputs.block(0, as: BulkBlock.self).storage)
                ^ checksum(inputs.block(1, as: BulkBlock.self).storage))
          }))
      plan.results = [TaskID(layer: sums, index: 0)]
      if bytes < 1 << 28 { plan.results += [TaskID(layer: made, index: 0), TaskID(layer: made, index: 1)] }
      let blocks = try await session.compute(plan)
      if blocks.count == 3 {
        let here = checksum((blocks[1] as! BulkBlock).storage) ^ checksum((blocks[2] as! BulkBlock).storage)
        guard here == (blocks[0] as! IntegerBlock).value else {
          throw MusterError(.internal, "rank \(session.rank) got other bytes")
        }
      }
      print("checksum \((blocks[0] as! IntegerBlock).value)")
    }
  }

  /// Depends on every word and its place.
  static func checksum(_ storage: BlockStorage) -> Int {
    let words = storage.bytes.assumingMemoryBound(to: UInt64.self)
    var hash: UInt64 = 0
    for word in 0..<storage.byteCount / 8 { hash = (hash ^ words[word]) &* 0x0000_0100_0000_01B3 }
    return Int(bitPattern: UInt(hash))
  }
}

enum StandardError {
  static func write(_ text: String) {
    var text = text
    text.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
