import Glibc
import Muster
import Synchronization

/// Tasks that are expected to be brief, since those of the same call were, and turn out not to be.
enum BriefTasks {
  private enum Way: Sendable {
    case quick
    /// Until the process's program has come to this round.
    case spins(round: Int)
    case waits(for: String)
    case goesOn
  }

  private static let round = Atomic<Int>(0)

  private static var threadName: String {
    let file = open("/proc/thread-self/comm", O_RDONLY)
    defer { close(file) }
    var name = [UInt8](repeating: 0, count: 32)
    let count = read(file, &name, name.count)
    return String(decoding: name.prefix(max(0, count - 1)), as: UTF8.self)
  }

  private static let mpiThread = "muster-mpi"

  /// A task of the one call, which says on which thread it ended.
  private static func step(_ way: Way, _ session: Session) throws -> Future<String> {
    let begun = session.event("begun")
    return try session.submit(name: "step") {
      switch way {
      case .quick: break
      case .spins(let number): while round.load(ordering: .acquiring) <= number { usleep(500) }
      case .waits(let name): try session.event(name).wait()
      case .goesOn:
        try begun.set()
        while true { usleep(2000) }
      }
      return threadName
    }
  }

  private static func follow(_ future: Future<String>, _ session: Session) throws -> Future<String> {
    try session.submit(future, name: "follow") { _ in threadName }
  }

  /// Whether MPI's thread runs quick ones after a while, as it does when they are known to be, and what follows them.
  private static func areRunByMPIThread(_ session: Session) async throws -> Bool {
    for _ in 0..<500 {
      let first = try step(.quick, session)
      if try await session.gather([first, follow(first, session)]) == [mpiThread, mpiThread] { return true }
    }
    return false
  }

  static func turnOutLong(endless: Bool) async throws {
    try await Session.run { session in
      // Too large to go along with the news of it: the worker is asked for it while its task spins.
      let held = try session.submit { [Double](repeating: 1, count: 100_000) }
      _ = try await session.gather([session.submit(held) { $0.count }])
      var thread = ""
      for number in 0..<20 where thread != mpiThread {
        guard try await areRunByMPIThread(session) else { break }
        let spinning = try step(.spins(round: number), session)
        guard try await session.gather([held])[0].count == 100_000 else { break }
        round.store(number + 1, ordering: .releasing)
        thread = try await session.gather([spinning])[0]
      }
      print("spun: \(thread)")

      thread = ""
      for number in 0..<20 where thread != mpiThread {
        guard try await areRunByMPIThread(session) else { break }
        let waiting = try step(.waits(for: "go \(number)"), session)
        // What follows it is handed out with it, and is not to keep out what it waits for.
        let last = try follow(follow(waiting, session), session)
        let setting = try session.submit { try session.event("go \(number)").set() }
        _ = try await session.gather([setting])
        thread = try await session.gather([waiting, last])[0]
      }
      print("waited: \(thread)")

      _ = try await areRunByMPIThread(session)
      do {
        _ = try await session.gather([follow(step(.waits(for: "never"), session), session)])
      } catch let error as MusterError {
        print("nobody left: \(error.code.name)")
      }
      guard endless else { return }
      _ = try await areRunByMPIThread(session)
      // Nobody wants it, and it goes on past the session's end.
      let stuck = try step(.goesOn, session)
      try await session.event("begun").wait()
      try stuck.cancel()
    }
    print("ended")
    try await Session.run { session in
      print("another: \(try await session.compute((0..<10).map { index in session.delayed { index } }).reduce(0, +))")
    }
  }

  /// Which of the threads run quick tasks.
  static func name() async throws {
    try await Session.run { session in
      print("on MPI's thread: \(try await areRunByMPIThread(session))")
    }
  }
}
