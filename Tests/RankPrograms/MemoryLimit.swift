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

  /// Sixty-four blocks of a megabyte, and a task that takes them all: more than the limit that the test sets. Then
  /// something that fits.
  static func doNotFit() async throws {
    try await Session.run { session in
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 64, yielding: Megabyte.self, expectedBytes: 1 << 20, inputs: { _, _ in }) { _ in
          Megabyte()
        })
      let joined = plan.add(
        Layer(
          name: "join", count: 1, yielding: EmptyBlock.self,
          inputs: { _, inputs in inputs += (0..<64).map { TaskID(layer: made, index: $0) } },
          run: { _ in
            print("it ran")
            return EmptyBlock()
          }))
      plan.results = [TaskID(layer: joined, index: 0)]
      do {
        _ = try await session.compute(plan)
      } catch let error as MusterError {
        if session.isRoot { print("\(error.code) \(error.task?.operation ?? "?"): \(error.message)") }
      }
      let sum = try await session.ones([1000], as: Double.self).sum().compute()
      if session.isRoot { print("then \(sum.item())") }
    }
  }
}
