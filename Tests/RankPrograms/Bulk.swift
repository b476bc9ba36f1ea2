import Glibc
import Muster
import MusterScheduling

/// A block of bulk memory.
struct BulkBlock: Block {
  var storage: BlockStorage
  var byteCount: Int { storage.byteCount }
  func encode(into encoder: inout BlockEncoder) { encoder.append(storage, byteCount: storage.byteCount) }
  static func decode(from decoder: inout BlockDecoder) throws -> BulkBlock {
    BulkBlock(storage: try decoder.readStorage())
  }
}

/// A block with a long header and several parts, each from the middle of its memory, some short enough to travel in a
/// message and some not.
struct PartsBlock: Block {
  static let sizes = [70_001, 3, 16_385, 0]
  static let offset = 5
  static let headerCount = 3000

  var header: [Int]
  /// Memory, and where in it the part begins.
  var parts: [(storage: BlockStorage, offset: Int)]

  init(seed: Int) {
    header = (0..<Self.headerCount).map { $0 &* seed }
    parts = Self.sizes.enumerated().map { number, size in
      let storage = BlockStorage(byteCount: size + 2 * Self.offset)
      storage.bytes.initializeMemory(as: UInt8.self, repeating: 0xEE, count: storage.byteCount)
      Pattern.fill(storage.bytes + Self.offset, byteCount: size, seed: seed + number)
      return (storage, Self.offset)
    }
  }

  private init(header: [Int], parts: [(storage: BlockStorage, offset: Int)]) {
    self.header = header
    self.parts = parts
  }

  var byteCount: Int { parts.reduce(8 * header.count) { $0 + $1.storage.byteCount } }

  func encode(into encoder: inout BlockEncoder) {
    encoder.append(header)
    for (part, size) in zip(parts, Self.sizes) {
      encoder.append(part.storage, offset: part.offset, byteCount: size)
    }
  }

  static func decode(from decoder: inout BlockDecoder) throws -> PartsBlock {
    // Parts stay in the middle of their memory, so that rank 0 broadcasts from there.
    let header = try decoder.readInts()
    let parts = try sizes.map { size in
      let storage = BlockStorage(byteCount: size + 2 * offset)
      let part = try decoder.readStorage()
      guard part.byteCount == size else { throw MusterError(.internal, "\(size) bytes became \(part.byteCount)") }
      storage.bytes.initializeMemory(as: UInt8.self, repeating: 0xEE, count: storage.byteCount)
      (storage.bytes + offset).copyMemory(from: part.bytes, byteCount: size)
      return (storage: storage, offset: offset)
    }
    return PartsBlock(header: header, parts: parts)
  }

  func check(seed: Int) throws {
    guard header == (0..<Self.headerCount).map({ $0 &* seed }) else {
      throw MusterError(.internal, "the header of \(seed) is damaged")
    }
    for (number, size) in Self.sizes.enumerated() {
      try Pattern.check(parts[number].storage.bytes + parts[number].offset, byteCount: size, seed: seed + number)
    }
  }
}

/// Bytes that differ from place to place and from seed to seed.
enum Pattern {
  private static func word(_ number: Int, seed: Int) -> UInt64 {
    let value = (UInt64(number) &+ UInt64(seed) &* 0x1_0000_0001) &* 0x9E37_79B9_7F4A_7C15
    return value ^ (value >> 29)
  }

  static func fill(_ bytes: UnsafeMutableRawPointer, byteCount: Int, seed: Int) {
    let words = byteCount / 8
    for number in 0..<words {
      bytes.storeBytes(of: word(number, seed: seed), toByteOffset: 8 * number, as: UInt64.self)
    }
    withUnsafeBytes(of: word(words, seed: seed)) { last in
      for rest in 0..<byteCount % 8 { bytes.storeBytes(of: last[rest], toByteOffset: 8 * words + rest, as: UInt8.self) }
    }
  }

  /// Compares every byte.
  static func check(_ bytes: UnsafeMutableRawPointer, byteCount: Int, seed: Int) throws {
    let words = byteCount / 8
    var difference: UInt64 = 0
    for number in 0..<words {
      difference |= bytes.loadUnaligned(fromByteOffset: 8 * number, as: UInt64.self) ^ word(number, seed: seed)
    }
    withUnsafeBytes(of: word(words, seed: seed)) { last in
      for rest in 0..<byteCount % 8 {
        difference |= UInt64(bytes.load(fromByteOffset: 8 * words + rest, as: UInt8.self) ^ last[rest])
      }
    }
    guard difference == 0 else { throw MusterError(.internal, "\(byteCount) bytes with seed \(seed) are damaged") }
  }
}

enum Bulk {
  /// Two workers make a block each, and one task takes both: one of the blocks has to cross.
  static func cross(bytes: Int) async throws {
    try await Session.run { session in
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 2, yielding: BulkBlock.self, inputs: { _, _ in }) { inputs in
          // Long enough that the second goes to the other worker.
          usleep(300_000)
          return make(bytes: bytes, seed: inputs.index)
        })
      let checked = plan.add(check(made, as: BulkBlock.self) { try check($0, bytes: bytes, seed: $1) })
      plan.results = [TaskID(layer: checked, index: 0)]
      // Every rank is there when the tasks are given out.
      try session.onRoot("begin") { true }
      _ = try await session.compute(plan)
      print("2 blocks of \(bytes) bytes are right")
      tellTraffic(session)
    }
  }

  /// A worker makes a block that is the result: it goes to every rank.
  static func result(bytes: Int) async throws {
    try await Session.run { session in
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 1, yielding: BulkBlock.self, inputs: { _, _ in }) { _ in
          make(bytes: bytes, seed: 7)
        })
      plan.results = [TaskID(layer: made, index: 0)]
      let blocks = try await session.compute(plan)
      try check(blocks[0] as! BulkBlock, bytes: bytes, seed: 7)
      print("the result of \(bytes) bytes is right")
      tellTraffic(session)
    }
  }

  /// Everything that can be long enough for several pieces, in every direction.
  static func pieces() async throws {
    try await Session.run { session in
      // From rank 0 to the others, in a packet.
      let text = (0..<5000).map { "line \($0)" }.joined(separator: "\n")
      guard try session.onRoot("a long value", { session.isRoot ? text : "" }) == text else {
        throw MusterError(.internal, "the value of rank 0 is damaged")
      }

      // From worker to worker, and as a result: a block with a long header and several parts. Many small results: a
      // long packet from a worker to rank 0, and one from there to all.
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 2, yielding: PartsBlock.self, inputs: { _, _ in }) { inputs in
          usleep(300_000)
          return PartsBlock(seed: 100 * inputs.index)
        })
      let checked = plan.add(check(made, as: PartsBlock.self) { try $0.check(seed: 100 * $1) })
      let small = plan.add(
        Layer(name: "small", count: 2000, yielding: IntegerBlock.self, inputs: { _, _ in }) {
          IntegerBlock(value: $0.index * $0.index)
        })
      plan.results =
        [TaskID(layer: checked, index: 0), TaskID(layer: made, index: 1), TaskID(layer: made, index: 0)]
        + (0..<2000).map { TaskID(layer: small, index: $0) }
      let blocks = try await session.compute(plan)
      try (blocks[1] as! PartsBlock).check(seed: 100)
      try (blocks[2] as! PartsBlock).check(seed: 0)
      guard blocks.dropFirst(3).map({ ($0 as! IntegerBlock).value }) == (0..<2000).map({ $0 * $0 }) else {
        throw MusterError(.internal, "small results are damaged")
      }

      // From a worker to rank 0 and to all: a long error.
      do {
        _ = try await session.compute(Failures.plan { throw MusterError(.diskFull, text) })
        throw MusterError(.internal, "there was no error")
      } catch let error as MusterError where error.code == .diskFull {
        guard error.message.contains(text) else { throw MusterError(.internal, "the error is damaged") }
      }
      print("every piece is right")
      tellTraffic(session)
    }
  }

  private static func make(bytes: Int, seed: Int) -> BulkBlock {
    let storage = BlockStorage(byteCount: bytes)
    Pattern.fill(storage.bytes, byteCount: bytes, seed: seed)
    return BulkBlock(storage: storage)
  }

  private static func check(_ block: BulkBlock, bytes: Int, seed: Int) throws {
    guard block.byteCount == bytes else { throw MusterError(.internal, "\(bytes) bytes became \(block.byteCount)") }
    try Pattern.check(block.storage.bytes, byteCount: bytes, seed: seed)
  }

  /// One task that takes both blocks of a layer and looks at each.
  private static func check<B: Block>(
    _ made: Int, as type: B.Type, _ check: @escaping @Sendable (B, Int) throws -> Void
  ) -> Layer {
    Layer(
      name: "check", count: 1, yielding: EmptyBlock.self,
      inputs: { _, inputs in for index in 0..<2 { inputs.append(TaskID(layer: made, index: index)) } },
      run: { inputs in
        for index in 0..<2 { try check(inputs.block(index, as: B.self), index) }
        return EmptyBlock()
      })
  }

  private static func tellTraffic(_ session: Session) {
    let traffic = session.traffic
    print("block bytes \(traffic.blockBytes) block pieces \(traffic.blockPieces)")
    print("broadcast pieces \(traffic.broadcastPieces) packet pieces \(traffic.packetPieces)")
  }
}
