import Glibc
import Muster
import MusterScheduling

enum Failures {
  struct Unhappy: Error { var number: Int }

  /// A plan of ten tasks whose task 7 does something else.
  static func plan(_ seventh: @escaping @Sendable () throws -> Void) -> Plan {
    var plan = Plan()
    let layer = plan.add(
      Layer(
        name: "work", count: 10, yielding: IntegerBlock.self,
        callSite: CallSite(file: "RankPrograms/Failures.swift" as StaticString, line: 1234), inputs: { _, _ in }
      ) { inputs in
        if inputs.index == 7 { try seventh() }
        return IntegerBlock(value: inputs.index)
      })
    plan.results = (0..<10).map { TaskID(layer: layer, index: $0) }
    return plan
  }

  /// Errors of tasks and of rank 0 are the same on every rank, and the session goes on after them.
  static func caught() async throws {
    try await Session.run { session in
      var seen: [MusterError] = []
      do { _ = try await session.compute(plan { throw Unhappy(number: 7) }) } catch let error as MusterError {
        seen.append(error)
      }
      do { _ = try session.onRoot("reading") { () -> Int in throw Unhappy(number: 8) } } catch let error as MusterError
      {
        seen.append(error)
      }
      do { _ = try await session.compute(plan { throw MusterError(.diskFull, "no room") }) } catch let error
        as MusterError
      {
        seen.append(error)
      }
      // The rank that ran the task may differ from run to run, but not from rank to rank: rank 0 tells what it got.
      let roots = try session.onRoot("compare") { seen }
      guard roots == seen else { throw MusterError(.internal, "rank \(session.rank): \(seen) isn't \(roots)") }
      let good = try await session.compute(plan {})
      print("codes \(seen.map(\.code.name).joined(separator: " ")) then \(good.count) blocks")
      print("first \(seen[0])")
    }
  }

  static func uncaught() async throws {
    try await Session.run { session in
      _ = try await session.compute(plan { throw Unhappy(number: 7) })
    }
  }

  /// One rank is killed while it runs a task.
  static func kill(rank: Int) async throws {
    try await Session.run { session in
      let own = session.rank
      if own == 0 && rank == 0 { Glibc.kill(getpid(), SIGKILL) }
      var plan = Plan()
      let layer = plan.add(
        Layer(
          name: "doomed", count: 8, yielding: IntegerBlock.self,
          callSite: CallSite(file: "RankPrograms/Failures.swift" as StaticString, line: 4321), inputs: { _, _ in }
        ) { inputs in
          if own == rank { Glibc.kill(getpid(), SIGKILL) }
          usleep(500_000)
          return IntegerBlock(value: inputs.index)
        })
      plan.results = (0..<8).map { TaskID(layer: layer, index: $0) }
      _ = try await session.compute(plan)
    }
  }

  /// One rank traps in a task.
  static func crash(rank: Int) async throws {
    try await Session.run { session in
      let own = session.rank
      var plan = Plan()
      let layer = plan.add(
        Layer(name: "trap", count: 8, yielding: IntegerBlock.self, inputs: { _, _ in }) { inputs in
          if own == rank { fatalError("these are the last words") }
          usleep(500_000)
          return IntegerBlock(value: inputs.index)
        })
      plan.results = (0..<8).map { TaskID(layer: layer, index: $0) }
      _ = try await session.compute(plan)
    }
  }

  /// One rank comes to a collective far too late.
  static func late(rank: Int) async throws {
    try await Session.run { session in
      if session.rank == rank { sleep(60) }
      _ = try await session.compute(plan {}, operation: "on time")
    }
  }
}
