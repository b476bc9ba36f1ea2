import Glibc
import Muster
import MusterScheduling

enum ProgressShow {
  /// Prints between collectives, two of which take a second each, or the first longer. `fail`: a task of the first
  /// throws near its end; `die`: rank 1 is killed later in it.
  static func run(_ how: String) async throws {
    try await Session.run { session in
      // All are there when the first collective begins.
      try session.onRoot("begin") { true }
      print("before")
      let threads = session.threadCount
      let rank = session.rank
      let begin = ContinuousClock.now
      do {
        _ = try await session.compute(
          plan(seconds: how == "long" ? 6.5 : 1.2, threads: threads) { index in
            if index == 32 && how == "fail" { throw Failures.Unhappy(number: index) }
            if how == "die" && rank == 1 && begin.duration(to: .now) > .seconds(0.8) { kill(getpid(), SIGKILL) }
          }, operation: "first")
      } catch {
        if session.isRoot { StandardError.write("caught \(error)\n") }
        throw error
      }
      print("between")
      _ = try await session.compute(plan(seconds: 0.1, threads: threads) { _ in }, operation: "short")
      if how != "long" {
        _ = try await session.compute(plan(seconds: 1.2, threads: threads) { _ in }, operation: "second")
      }
      print("after")
    }
  }

  private static func plan(seconds: Double, threads: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> Plan {
    var plan = Plan()
    let each = UInt32(seconds * 1e6 * Double(threads) / 40)
    let layer = plan.add(
      Layer(name: "step", count: 40, yielding: IntegerBlock.self, inputs: { _, _ in }) { inputs in
        try body(inputs.index)
        usleep(each)
        return IntegerBlock(value: inputs.index)
      })
    plan.results = (0..<40).map { TaskID(layer: layer, index: $0) }
    return plan
  }
}
