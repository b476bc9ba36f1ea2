import Glibc
import Muster
import MusterRuntime
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

  /// Tasks that take some of many blocks each, which other workers hold.
  static func transfers(count: Int, bytes: Int, inputs: Int) async throws {
    try await Session.run { session in
      let made = try session.map(0..<count) { number in
        NDArray([Double](repeating: Double(number), count: bytes / 8))
      }
      let sums = (0..<count).map { first in
        session.delayed((0..<inputs).map { made[(first + $0 * 7) % count] }) { blocks -> Double in
          blocks.reduce(0.0) { $0 + $1[bytes / 8 - 1] }
        }
      }
      let values = try await session.compute(sums)
      let disk = SpillTraffic.counts
      print("peak \(session.rank) \(MemoryUV.peak()) written \(disk.written) read \(disk.read)")
      guard session.isRoot else { return }
      let expected = (0..<count).map { first in (0..<inputs).reduce(0) { $0 + Double((first + $1 * 7) % count) } }
      print(values == expected ? "exact" : "expected \(expected), not \(values)")
    }
  }

  private struct Series: Codable, Sendable {
    var name: String
    var numbers: [Int]
  }

  /// Values of Swift's own that stay: arrays and arrays of such, which go to disk as a copy of their bytes, structs and
  /// strings, which do as text.
  static func ownValues(_ kind: String, count: Int, numbers: Int) async throws {
    @Sendable func made(_ number: Int) -> [Int] { (0..<numbers).map { 1000 + ($0 * (number + 1)) % 997 } }
    try await Session.run { session in
      let sums: [Future<Int>]
      switch kind {
      case "arrays":
        let values = try session.map(0..<count) { made($0) }
        for try await _ in session.asCompleted(values) {}
        sums = try session.map(values) { $0.reduce(0, +) }
      case "lists":
        let values = try session.map(0..<count) { number in
          let numbers = made(number)
          return stride(from: 0, to: numbers.count, by: 100).map { Array(numbers[$0..<min($0 + 100, numbers.count)]) }
        }
        for try await _ in session.asCompleted(values) {}
        sums = try session.map(values) { $0.joined().reduce(0, +) }
      case "texts":
        let values = try session.map(0..<count) { made($0).map { "number \($0) of a list" } }
        for try await _ in session.asCompleted(values) {}
        sums = try session.map(values) { $0.reduce(0) { $0 + Int($1.split(separator: " ")[1])! } }
      default:
        let values = try session.map(0..<count) { Series(name: "s\($0)", numbers: made($0)) }
        for try await _ in session.asCompleted(values) {}
        sums = try session.map(values) { $0.numbers.reduce(0, +) }
      }
      let sum = try await session.gather(sums).reduce(0, +)
      let disk = SpillTraffic.counts
      print("peak \(session.rank) \(MemoryUV.peak()) written \(disk.written) read \(disk.read)")
      guard session.isRoot else { return }
      let expected = (0..<count).reduce(0) { $0 + made($1).reduce(0, +) }
      print(sum == expected ? "exact" : "expected \(expected), not \(sum)")
    }
  }

  /// Values that stay, of tasks that need as much again of `malloc`'s memory while they make them.
  static func temporaries(count: Int, bytes: Int) async throws {
    try await Session.run { session in
      let values = try session.map(Array(0..<count)) { number in
        NDArray((0..<bytes / 8).map { (place: Int) -> Double in Double(place * (number + 1) % 1009) })
      }
      let sums = try session.map(values) { value in
        var sum = 0.0
        for place in 0..<value.shape[0] { sum += value[place] }
        return sum
      }
      let sum = try await session.gather(sums).reduce(0, +)
      let disk = SpillTraffic.counts
      print("peak \(session.rank) \(MemoryUV.peak()) written \(disk.written) read \(disk.read)")
      guard session.isRoot else { return }
      var expected = 0
      for number in 0..<count { for place in 0..<bytes / 8 { expected += place * (number + 1) % 1009 } }
      print(sum == Double(expected) ? "exact" : "expected \(expected), not \(sum)")
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
