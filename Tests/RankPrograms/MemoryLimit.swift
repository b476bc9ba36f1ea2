import Glibc
import Muster
import MusterScheduling
import Synchronization

/// Blocks that say they hold a megabyte, and are counted while they live.
enum MemoryLimit {
  private static let counts = Mutex((now: 0, peak: 0))

  private final class Life: Sendable {
    init() {
      MemoryLimit.counts.withLock {
        $0.now += 1
        $0.peak = max($0.peak, $0.now)
      }
    }
    deinit { MemoryLimit.counts.withLock { $0.now -= 1 } }
  }

  private struct Megabyte: Block {
    var life = Life()
    var byteCount: Int { 1 << 20 }
    func encode(into encoder: inout BlockEncoder) {}
    static func decode(from decoder: inout BlockDecoder) throws -> Megabyte { Megabyte() }
  }

  /// Each step of a sum takes one more block. The steps are slow, and a worker that isn't held back makes the blocks of
  /// those to come meanwhile. Each rank prints how many it had at a time.
  static func run(steps: Int) async throws {
    try await Session.run { session in
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: steps, yielding: Megabyte.self, expectedBytes: 1 << 20, inputs: { _, _ in }) { _ in
          Megabyte()
        })
      for step in 0..<steps {
        let layer = made + 1 + step
        _ = plan.add(
          Layer(
            name: "add", count: 1, yielding: EmptyBlock.self,
            inputs: { _, inputs in
              inputs.append(TaskID(layer: made, index: step))
              if step > 0 { inputs.append(TaskID(layer: layer - 1, index: 0)) }
            },
            run: { _ in
              usleep(1000)
              return EmptyBlock()
            }))
      }
      plan.results = [TaskID(layer: made + steps, index: 0)]
      _ = try await session.compute(plan)
      print("peak \(counts.withLock { $0.peak })")
    }
  }
}
