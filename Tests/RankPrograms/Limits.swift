import Glibc
import Muster
import MusterScheduling
import Synchronization

/// Tasks that take too long, and tasks that wait for others while they hold the memory that those need.
enum Limits {
  private static let short = TaskOptions(timeout: .milliseconds(50))

  /// Never returns.
  @Sendable private static func goOn() { while true { usleep(2000) } }

  private static func code(_ body: () async throws -> Void) async throws -> MusterError? {
    do { try await body() } catch let error as MusterError { return error }
    return nil
  }

  /// Waits until the time of `count` tasks that never end is up.
  private static func overdue(_ session: Session, _ count: Int) async throws {
    let stuck = try session.map(Array(0..<count), name: "stuck", options: short) { _ in goOn() }
    var codes: [String] = []
    for future in stuck { codes.append(try await code { _ = try await session.gather([future]) }?.code.name ?? "none") }
    print("\(count) stuck: \(Set(codes))")
  }

  private static let tries = Atomic<Int>(0)

  /// Tasks that never end, and what goes on beside them: all else, to the end of the session and of the process.
  static func goOnBeside() async throws {
    try await Session.run { session in
      try await overdue(session, 8)
      let squares = try await session.compute((0..<200).map { index in session.delayed { index * index } })
      print("sum \(squares.reduce(0, +))")
      // On each rank the first one never ends.
      let options = TaskOptions(retries: 4, timeout: .milliseconds(50))
      let tried = try session.submit(options: options) { () -> Int in
        if tries.add(1, ordering: .sequentiallyConsistent).newValue == 1 { goOn() }
        return 7
      }
      print("tried again \(try await session.gather([tried]))")
      let go = session.event("go")
      let waits = try session.map(Array(0..<6)) { index -> Int in
        if index == 5 { try go.set() } else { try go.wait() }
        return index
      }
      print("waited \(try await session.gather(waits))")
      let never = session.event("never")
      let hopeful = try await code {
        _ = try await session.gather([session.submit(name: "hopeful") { try never.wait() }])
      }
      print("nobody left: \(hopeful?.code.name ?? "none") \(hopeful?.message.contains("hopeful[0]") == true)")
    }
    print("ended")
  }

  /// One worker with one thread, and the spare ones that it may start: all are lost.
  static func loseAllThreads() async throws {
    try await Session.run { session in
      try await overdue(session, 65)
      let late = try await code { _ = try await session.gather([session.submit(name: "late") { 1 }]) }
      print("late: \(late?.code.name ?? "none") \(late?.message.contains("stuck[0] on rank") == true)")
    }
    print("ended")
  }

  /// Where the task that has it was run, it goes only when another one has run meanwhile.
  private final class Obstinate: Sendable {
    static let (ran, open, other, gone) = (
      FutureEnds.Flag(), FutureEnds.Flag(), FutureEnds.Flag(), FutureEnds.Flag()
    )
    deinit { if Self.ran.isSet && Self.other.wait(milliseconds: 5000) { Self.gone.set() } }
  }

  /// What a function holds that goes on past its time goes when it returns; the worker runs other tasks meanwhile.
  static func dropLate() async throws {
    try await Session.run { session in
      let late = try late(session)
      let error = try await code { _ = try await session.gather([late]) }
      print("late: \(error?.code.name ?? "none")")
      // That its layer has ended is known everywhere by now: nobody but the function that runs holds what it holds.
      usleep(200_000)
      Obstinate.open.set()
      usleep(50_000)
      let others = try session.map(Array(0..<8)) { _ in Obstinate.other.set() }
      print("others: \(try await session.gather(others).count)")
      try session.onEachRank("look for what is gone") {
        guard !Obstinate.ran.isSet || Obstinate.gone.wait() else {
          throw MusterError(.internal, "no task ran on rank \(session.rank) while what a late one held went")
        }
      }
      withExtendedLifetime(late) {}
    }
    print("ended")
  }

  private static func late(_ session: Session) throws -> Future<Int> {
    let held = Obstinate()
    return try session.submit(options: short) {
      Obstinate.ran.set()
      return withExtendedLifetime(held) { Obstinate.open.wait() ? 1 : 0 }
    }
  }

  private struct Large: Block {
    var number: Int
    var byteCount: Int
    func encode(into encoder: inout BlockEncoder) {
      encoder.append(number)
      encoder.append(byteCount)
    }
    static func decode(from decoder: inout BlockDecoder) throws -> Large {
      Large(number: try decoder.read(Int.self), byteCount: try decoder.read(Int.self))
    }
  }

  /// Blocks of more than half of the memory that the test gives, each of which one task takes.
  private static func takers(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) -> Plan {
    var plan = Plan()
    let made = plan.add(
      Layer(name: "make", count: count, yielding: Large.self, inputs: { _, _ in }) {
        Large(number: $0.index, byteCount: 160 << 20)
      })
    let taken = plan.add(
      Layer(
        name: "take", count: count, yielding: Large.self,
        inputs: { index, inputs in inputs.append(TaskID(layer: made, index: index)) },
        run: { task in
          try body(task.index)
          return Large(number: task.block(0, as: Large.self).number, byteCount: 8)
        }))
    plan.results = (0..<count).map { TaskID(layer: taken, index: $0) }
    return plan
  }

  private static func numbers(_ blocks: [any Block]) -> [Int] { blocks.compactMap { ($0 as? Large)?.number } }

  static func waitWithoutMemory() async throws {
    try await Session.run { session in
      // Each waits for the next one, whose block doesn't fit beside the others.
      let events = (0..<4).map { session.event("\($0) may go on") }
      let chain = try await session.compute(
        takers(4) { index in
          if index < 3 { try events[index + 1].wait() }
          try events[index].set()
        })
      print("let in: \(numbers(chain))")

      // Roots are held back where memory is full.
      let go = session.event("go")
      var plan = Plan()
      let made = plan.add(
        Layer(name: "make", count: 1, yielding: Large.self, expectedBytes: 200 << 20, inputs: { _, _ in }) {
          Large(number: $0.index, byteCount: 200 << 20)
        })
      let waits = plan.add(
        Layer(
          name: "wait", count: 1, yielding: Large.self,
          inputs: { _, inputs in inputs.append(TaskID(layer: made, index: 0)) },
          run: { _ in
            try go.wait()
            return Large(number: 1, byteCount: 8)
          }))
      let sets = plan.add(
        Layer(name: "set", count: 3, yielding: Large.self, expectedBytes: 1 << 20, inputs: { _, _ in }) {
          if $0.index == 2 { try go.set() }
          return Large(number: 2 + $0.index, byteCount: 1 << 20)
        })
      plan.results = [TaskID(layer: waits, index: 0)] + (0..<3).map { TaskID(layer: sets, index: $0) }
      print("handed out: \(numbers(try await session.compute(plan)))")

      let never = session.event("never")
      let stuck = try await code {
        _ = try await session.compute(takers(3) { index in if index < 2 { try never.wait() } })
      }
      let names = ["take[0] on rank", "take[1] on rank"].allSatisfy { stuck?.message.contains($0) == true }
      print("nobody left: \(stuck?.code.name ?? "none") \(names)")
    }
  }
}
