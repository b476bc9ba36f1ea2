import Glibc
import MusterRuntime
import MusterScheduling
import Synchronization
import Testing

/// Blocks of so much only say that they hold it: beside them the process is nothing.
private let giga = 1 << 30

/// Tasks that wait for others while they hold the memory that those need.
@Suite(.timeLimit(.minutes(10)))
struct WaitingTaskMemoryTests {
  private static func session<R>(threads: Int = 1, _ body: (Session) async throws -> R) async throws -> R {
    try await Session.run(
      SessionConfiguration(
        backend: .threads, threads: threads, progress: SessionConfiguration.Progress.none, memoryLimit: 64 * giga),
      body)
  }

  /// Blocks of more than half of the memory that there may be, each of which one task takes.
  private static func takers(
    _ count: Int, gigabytes: Int = 40, _ body: @escaping @Sendable (Int) throws -> Void
  ) -> Plan {
    var plan = Plan()
    let made = plan.add(
      Layer(name: "make", count: count, yielding: NumberedBlock.self, inputs: { _, _ in }) {
        NumberedBlock(number: $0.index, byteCount: gigabytes * giga)
      })
    let taken = plan.add(
      Layer(
        name: "take", count: count, yielding: NumberedBlock.self,
        inputs: { index, inputs in inputs.append(TaskID(layer: made, index: index)) },
        run: { task in
          guard task.block(0, as: NumberedBlock.self).number == task.index else {
            throw MusterError(.internal, "the wrong block")
          }
          try body(task.index)
          return NumberedBlock(number: task.index, byteCount: 8)
        }))
    plan.results = (0..<count).map { TaskID(layer: taken, index: $0) }
    return plan
  }

  private static func numbers(_ blocks: [any Block]) -> [Int] { blocks.compactMap { ($0 as? NumberedBlock)?.number } }

  /// Each waits for the next one, whose block doesn't fit beside the others; the last one lets them go.
  @Test(arguments: [1, 2], [2, 5]) func theTaskThatIsWaitedForIsLetIn(threads: Int, count: Int) async throws {
    let values = try await Self.session(threads: threads) { session in
      let events = (0..<count).map { session.event("\($0) may go on") }
      return Self.numbers(
        try await session.compute(
          Self.takers(count) { index in
            if index < count - 1 { try events[index + 1].wait() }
            try events[index].set()
          }))
    }
    #expect(values == Array(0..<count))
  }

  /// Roots are held back where memory is full.
  @Test(arguments: [1, 2]) func theRootThatIsWaitedForIsHandedOut(threads: Int) async throws {
    let values = try await Self.session(threads: threads) { session in
      let go = session.event("go")
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 1, yielding: NumberedBlock.self, expectedBytes: 56 * giga, inputs: { _, _ in }) {
          NumberedBlock(number: $0.index, byteCount: 56 * giga)
        })
      let waits = plan.add(
        Layer(
          name: "wait", count: 1, yielding: NumberedBlock.self,
          inputs: { _, inputs in inputs.append(TaskID(layer: made, index: 0)) },
          run: { _ in
            try go.wait()
            return NumberedBlock(number: 1, byteCount: 8)
          }))
      let sets = plan.add(
        Layer(name: "set", count: 3, yielding: NumberedBlock.self, expectedBytes: giga, inputs: { _, _ in }) {
          if $0.index == 2 { try go.set() }
          return NumberedBlock(number: 2 + $0.index, byteCount: giga)
        })
      plan.results = [TaskID(layer: waits, index: 0)] + (0..<3).map { TaskID(layer: sets, index: $0) }
      return Self.numbers(try await session.compute(plan))
    }
    #expect(values == [1, 2, 3, 4])
  }

  @Test(arguments: [1, 2]) func whereNobodyIsLeftTheErrorNamesAllThatWait(threads: Int) async throws {
    let error = await #expect(throws: MusterError.self) {
      try await Self.session(threads: threads) { session in
        let never = session.event("never")
        _ = try await session.compute(Self.takers(3) { index in if index < 2 { try never.wait() } })
      }
    }
    #expect(error?.code == .deadlock)
    for name in ["take[0] on rank 0", "take[1] on rank 0"] {
      #expect(error?.message.contains(name) == true, "\(String(describing: error))")
    }
  }

  /// While one runs that doesn't wait, its memory comes back: nobody is let in beyond the mark.
  @Test func besideATaskThatRunsNobodyIsLetInBeyondTheMark() async throws {
    let inside = Atomic<Int>(0)
    let most = Atomic<Int>(0)
    let values = try await Self.session(threads: 3) { session in
      Self.numbers(
        try await session.compute(
          Self.takers(6) { _ in
            most.max(inside.add(1, ordering: .sequentiallyConsistent).newValue, ordering: .sequentiallyConsistent)
            usleep(5000)
            inside.subtract(1, ordering: .sequentiallyConsistent)
          }))
    }
    #expect(values == Array(0..<6))
    #expect(most.load(ordering: .relaxed) == 1)
  }
}
