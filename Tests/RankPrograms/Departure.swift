import Glibc
import Muster
import MusterScheduling

/// How processes go, and what they wait for before.
enum Departure {
  /// Every rank prints its process and the time, and then the program ends in one of several ways.
  static func end(_ way: String) async throws {
    try await Session.run { session in
      _ = try await session.compute(Failures.plan {})
      guard way == "throw" else { return }
      sayGoodbye()
      throw Failures.Unhappy(number: 7)
    }
    sayGoodbye()
    if way == "exit" { exit(3) }
  }

  private static func sayGoodbye() {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    print("process \(getpid()) leaves at \(now.tv_sec * 1_000_000_000 + now.tv_nsec)")
  }

  /// A block with a long header, which travels in messages, and bulk. Only the first is slow to be made ready for
  /// another rank.
  private struct LongBlock: Block {
    var header: [Int]
    var storage: BlockStorage
    var delay: UInt32 = 0

    init(headerCount: Int, bytes: Int, seed: Int, delay: UInt32 = 0) {
      header = (0..<headerCount).map { $0 &* seed }
      storage = BlockStorage(byteCount: bytes)
      Pattern.fill(storage.bytes, byteCount: bytes, seed: seed)
      self.delay = delay
    }

    private init(header: [Int], storage: BlockStorage) {
      self.header = header
      self.storage = storage
    }

    var byteCount: Int { 8 * header.count + storage.byteCount }

    func encode(into encoder: inout BlockEncoder) {
      usleep(delay)
      encoder.append(header)
      encoder.append(storage, byteCount: storage.byteCount)
    }

    static func decode(from decoder: inout BlockDecoder) throws -> LongBlock {
      LongBlock(header: try decoder.readInts(), storage: try decoder.readStorage())
    }

    func check(seed: Int) throws {
      guard header == header.indices.map({ $0 &* seed }) else {
        throw MusterError(.internal, "the header of \(seed) is damaged")
      }
      try Pattern.check(storage.bytes, byteCount: storage.byteCount, seed: seed)
    }
  }

  /// One session after the other, each with a block that crosses between its two workers, and with another one that is
  /// still on its way when the session ends: the collective that it belongs to has failed. For workers of one thread.
  static func leaveBlocksOnTheirWay(sessions: Int, headerCount: Int, bytes: Int) async throws {
    for number in 0..<sessions {
      try await Session.run { session in
        // Every rank is there when tasks are given out.
        try session.onRoot("begin") {}
        _ = try await session.compute(crossing(headerCount: headerCount, bytes: bytes, seed: 10 * number, fails: false))
        try session.onRoot("begin again") {}
        do {
          _ = try await session.compute(
            crossing(headerCount: headerCount, bytes: bytes, seed: 10 * number + 5, fails: true))
        } catch let error as MusterError where error.message.contains("Unhappy") {}
      }
    }
    print("\(sessions) sessions")
  }

  /// One session after the other, each with tasks and spills that come to an end around the time at which it does: nobody
  /// asks for what they make. For workers of one thread and little memory.
  static func leaveWhileBusy(sessions: Int) async throws {
    for number in 0..<sessions {
      try await Session.run { session in
        let blocks = try session.map(0..<32) { NDArray([Double](repeating: Double($0), count: 1 << 17)) }
        let sums = try session.map(blocks) { $0[5] }
        _ = try await session.gather(Array(sums.prefix(20)))
        let late = try session.map(0..<8) { usleep(200 * UInt32($0 + number % 16)) }
        _ = try await late[0].value()
      }
    }
    print("\(sessions) sessions")
  }

  /// Each worker makes a block, and a task of one takes both. Where it fails, another task does so while the block that
  /// has to cross is being made ready.
  private static func crossing(headerCount: Int, bytes: Int, seed: Int, fails: Bool) -> Plan {
    var plan = Plan()
    let made = plan.add(
      Layer(name: "make", count: 2, yielding: LongBlock.self, inputs: { _, _ in }) { inputs in
        // Long enough that each goes to a worker of its own.
        usleep(50_000)
        return LongBlock(
          headerCount: headerCount, bytes: bytes, seed: seed + inputs.index, delay: fails ? 150_000 : 0)
      })
    let both = plan.add(
      Layer(
        name: "both", count: 1, yielding: EmptyBlock.self,
        inputs: { _, inputs in for index in 0..<2 { inputs.append(TaskID(layer: made, index: index)) } },
        run: { inputs in
          for index in 0..<2 { try inputs.block(index, as: LongBlock.self).check(seed: seed + index) }
          return EmptyBlock()
        }))
    plan.results = [TaskID(layer: both, index: 0)]
    guard fails else { return plan }
    let failing = plan.add(
      Layer(
        name: "fail", count: 2, yielding: EmptyBlock.self,
        inputs: { index, inputs in inputs.append(TaskID(layer: made, index: index)) },
        run: { _ in
          usleep(50_000)
          throw Failures.Unhappy(number: 7)
        }))
    plan.results += (0..<2).map { TaskID(layer: failing, index: $0) }
    return plan
  }
}
