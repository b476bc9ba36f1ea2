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

  /// What becomes of a rank.
  enum Fate: String {
    case kill, stop, terminate, trap

    func strike() {
      switch self {
      case .kill: Glibc.kill(getpid(), SIGKILL)
      case .stop: Glibc.kill(getpid(), SIGSTOP)
      case .terminate: Glibc.kill(getpid(), SIGTERM)
      case .trap: fatalError("these are the last words")
      }
    }
  }

  /// One rank meets its fate while it runs a task; rank 0, which runs none, while the others do.
  static func lose(rank: Int, by fate: Fate) async throws {
    try await Session.run { session in
      let own = session.rank
      var plan = Plan()
      let layer = plan.add(
        Layer(
          name: "doomed", count: 8, yielding: IntegerBlock.self,
          callSite: CallSite(file: "RankPrograms/Failures.swift" as StaticString, line: 4321), inputs: { _, _ in }
        ) { inputs in
          if own == rank { fate.strike() }
          usleep(500_000)
          return IntegerBlock(value: inputs.index)
        })
      plan.results = (0..<8).map { TaskID(layer: layer, index: $0) }
      if own == 0 && rank == 0 {
        Task.detached {
          usleep(300_000)
          fate.strike()
        }
      }
      _ = try await session.compute(plan, operation: "losing")
    }
  }

  /// A task, and then one rank's program, take long, without a word between ranks.
  static func busy(seconds: Int) async throws {
    try await Session.run { session in
      let blocks = try await session.compute(plan { sleep(UInt32(seconds)) })
      if session.rank == 1 { sleep(UInt32(seconds)) }
      let again = try await session.compute(plan {})
      print("\(blocks.count + again.count) blocks")
    }
  }

  /// A session that throws; the program catches the error and goes on in another way on each call.
  static func afterError(_ what: String, rank: Int) async throws {
    var own = 0
    do {
      try await Session.run { session in
        own = session.rank
        _ = try await session.compute(plan { throw Unhappy(number: 7) })
      }
    } catch { print("caught \(error)") }
    switch what {
    case "session":
      try await Basics.sum(count: 1000)
      StandardError.write("rank \(own) goes on\n")
    case "trap":
      if own == rank { fatalError("boom") }
      sleep(60)
    case "throw":
      if own == rank { throw Unhappy(number: 9) }
      sleep(60)
    default: throw MusterError(.invalidArgument, "no such thing '\(what)'")
    }
  }

  /// Many sessions, one after the other; one rank more than the others, where it is given.
  static func sessions(count: Int, one more: Int?) async throws {
    var own = 0
    for round in 0..<count {
      try await Session.run { session in
        own = session.rank
        let blocks = try await session.compute(plan {})
        if session.isRoot { usleep(2000) }
        guard (blocks[round % 10] as? IntegerBlock)?.value == round % 10 else {
          throw MusterError(.internal, "round \(round) on rank \(session.rank): \(blocks)")
        }
      }
    }
    print("\(count) sessions")
    if own == more { try await Session.run { _ in print("one more") } }
  }

  /// What the other ranks do while one meets its fate.
  enum Others: String {
    case goOn = "go-on"
    case end
    case startASession = "start-a-session"
  }

  /// After the session one rank meets its fate, while the others do something else.
  static func afterSession(rank: Int, fate: Fate, others: Others) async throws {
    var own = 0
    try await Session.run { own = $0.rank }
    if own == rank {
      usleep(300_000)
      fate.strike()
    }
    switch others {
    case .goOn: sleep(60)
    case .end: break
    case .startASession: try await Session.run { _ in print("started") }
    }
  }

  /// One rank goes on by itself for long after a session, then another one has a task as long.
  static func busyBetweenSessions(seconds: Int) async throws {
    var own = 0
    try await Session.run { own = $0.rank }
    if own == 1 { sleep(UInt32(seconds)) }
    try await Session.run { session in
      let blocks = try await session.compute(plan { sleep(UInt32(seconds)) })
      print("\(blocks.count) blocks")
    }
    if own == 2 { sleep(UInt32(seconds)) }
  }

  /// The program has a handler for SIGTERM of its own, set before its sessions or between them.
  static func ownHandler(_ moment: String) async throws {
    var own = 0
    for round in 0..<2 {
      if (round == 0) == (moment == "before") {
        signal(SIGTERM) { _ in
          StandardError.write("my own handler\n")
          _exit(7)
        }
      }
      try await Session.run { own = $0.rank }
    }
    if own == 0 { Fate.terminate.strike() }
    sleep(60)
  }

  /// One rank comes to a collective far too late.
  static func late(rank: Int) async throws {
    try await Session.run { session in
      if session.rank == rank { sleep(60) }
      _ = try await session.compute(plan {}, operation: "on time")
    }
  }
}
