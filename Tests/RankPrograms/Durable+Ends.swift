import Foundation
import Glibc
import Muster

/// Programs that end in the midst of something, and what they leave.
extension Durable {
  /// A task yields so many numbers, and the signal to drain comes when it has ended.
  static func largeResult(count: Int) async throws {
    try await Session.run { session in
      let made = session.delayed(name: "large") { () -> [Double] in
        let numbers = (0..<count).map(Double.init)
        note("large")
        if variable("MUSTER_TEST_STOP") == "large" { kill(getpid(), SIGUSR1) }
        return numbers
      }
      let sum = try await made.compute().reduce(0, +)
      print("sum \(sum)")
      // Whoever has come so far has the result.
      let one = try await session.delayed { 1 }.compute()
      print("end \(one)")
    }
  }

  /// Writes files and checkpoints, round by round; each rank notes how many descriptors it has open after each.
  static func writeManyFiles(folder: String, rounds: Int) async throws {
    try await Session.run { session in
      for round in 0..<rounds {
        let field = session.arange(0.0, 24_000.0, chunks: [2_000]) + Double(round)
        let kept = try field.persist(checkpointed: true)
        try await kept.write(to: "\(folder)/plain-\(round).h5", dataset: "field")
        try await kept.write(to: "\(folder)/small-\(round).h5", dataset: "field", compression: .deflate)
        let squares = try session.map(Array(0..<8)) { (number: Int) -> Int in
          usleep(5000)
          return number * number
        }
        let largest = try await kept.max().compute().item()
        print("round \(round): \(try await session.gather(squares).reduce(0, +)), \(largest)")
        // Threads in the background have some open for a moment.
        var least = Int.max
        for _ in 0..<30 {
          least = min(least, openDescriptors)
          usleep(10_000)
        }
        note("descriptors \(session.rank) \(round) \(least)")
      }
    }
  }

  private static var openDescriptors: Int {
    guard let folder = opendir("/proc/self/fd") else { return .max }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
  }

  /// A brief task, and one of so many seconds. With `MUSTER_TEST_STOP=begun` rank 1 dies between them.
  static func mixed(seconds: Int) async throws {
    try await Session.run { session in
      let brief = session.delayed(name: "brief") { () -> Int in
        usleep(50_000)
        note("brief")
        return 1
      }
      print("brief \(try await brief.compute())")
      if session.rank == 1, variable("MUSTER_TEST_STOP") == "begun" { kill(getpid(), SIGKILL) }
      if session.rank == 0, variable("MUSTER_TEST_STOP") == "long" {
        Thread.detachNewThread {
          usleep(500_000)
          kill(getpid(), SIGTERM)
        }
      }
      let long = session.delayed(name: "long") { () -> Int in
        usleep(UInt32(seconds) * 1_000_000)
        note("long")
        return 2
      }
      print("long \(try await long.compute())")
    }
  }

  /// A program that is nearly over when it is told to drain, or ended, or fails on one rank.
  static func brief(milliseconds: Int) async throws {
    try await Session.run { session in
      print("one \(try await session.delayed { 1 }.compute())")
      if session.rank == 0, variable("MUSTER_TEST_STOP") == "told" { kill(getpid(), SIGUSR1) }
      usleep(UInt32(milliseconds) * 1000)
      print("two \(try session.onRoot("two") { 2 })")
      print("three")
      let stop = variable("MUSTER_TEST_STOP") ?? ""
      if session.rank == 1 && stop == "throws" {
        // By then the journal has what was done.
        usleep(100_000)
        throw CancellationError()
      }
      guard stop.hasPrefix("ended") else { return }
      Thread.detachNewThread {
        // All that is done at the end but for the disk's part is done by then.
        usleep(1_000_000)
        kill(getpid(), SIGTERM)
      }
      if session.rank == 1 && stop.hasSuffix("before one rank is there") { usleep(20_000_000) }
    }
  }

  /// Three calls, of which the last two come while the journal is on its way to a slow disk; then rank 1 is silent when rank
  /// 0 is ended, and something is printed meanwhile.
  static func endedInSilence() async throws {
    try await Session.run { session in
      for number in 0..<3 {
        let call = session.delayed(name: "call") { () -> Int in
          note("call \(number)")
          return number
        }
        print("call \(try await call.compute())")
        // After a second at the latest what was noted goes to disk.
        if number == 0 { usleep(1_300_000) }
      }
      if variable("MUSTER_TEST_STOP") == "silence" {
        if session.rank == 1 {
          note("stops \(getpid())")
          kill(getpid(), SIGSTOP)
        }
        if session.rank == 0 {
          while !isStopped() { usleep(10_000) }
          Thread.detachNewThread {
            usleep(2_000_000)
            print("late")
            fflush(nil)
          }
          kill(getpid(), SIGTERM)
        }
      }
      let last = session.delayed { () -> Int in
        // It would be done before rank 0 has looked for signals.
        if variable("MUSTER_TEST_STOP") == "silence" { sleep(20) }
        return 3
      }
      print("end \(try await last.compute())")
    }
  }

  /// Whether the process that has noted that it stops has done so.
  private static func isStopped() -> Bool {
    guard let notes = variable("MUSTER_TEST_NOTES").flatMap({ try? String(contentsOfFile: $0, encoding: .utf8) }),
      let line = notes.split(separator: "\n").first(where: { $0.hasPrefix("stops ") }),
      let state = try? String(contentsOfFile: "/proc/\(line.dropFirst(6))/stat", encoding: .utf8)
    else { return false }
    return state.split(separator: ") ").last?.first == "T"
  }

  /// Two sessions, one after the other.
  static func twice() async throws {
    for number in 1...2 {
      try await Session.run { session in
        print("session \(number): \(try await session.delayed { number }.compute())")
        stop("session \(number)", session)
        print("end \(try await session.delayed { number }.compute())")
      }
    }
  }

  /// Calls `exit` between two calls.
  static func exitEarly() async throws {
    try await Session.run { session in
      print("first \(try await session.delayed { 1 }.compute())")
      if variable("MUSTER_TEST_STOP") == "exit" { exit(3) }
      print("second \(try await session.delayed { 2 }.compute())")
    }
  }
}
