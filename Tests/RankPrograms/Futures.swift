import Glibc
import Muster
import Synchronization

/// Tasks that run while the program goes on, and blocks that workers keep.
enum Futures {
  private struct Reading: Codable, Sendable {
    var name: String
    var values: [Double]
  }

  static func run() async throws {
    try await Session.run { session in
      // In the order in which they come to an end.
      let sleeping = try session.map([30, 0, 60], name: "sleep") { (milliseconds: Int) -> Int in
        usleep(UInt32(milliseconds) * 1000 + 1000)
        return milliseconds
      }
      var sum = 0
      var count = 0
      for try await future in session.asCompleted(sleeping) {
        sum += try await future.value()
        count += 1
      }
      print("\(count) completed, \(sum)")

      // Values of each kind cross to tasks elsewhere.
      let readings = try session.map(Array(0..<8)) { (number: Int) -> Reading in
        usleep(2000)
        return Reading(name: "s\(number)", values: [Double(number), .infinity])
      }
      let arrays = try session.map(readings) { reading in
        NDArray<Double>((0..<20_000).map { Double($0) + reading.values[0] }, shape: [20_000])
      }
      let total = try session.submit(arrays, readings) { arrays, readings in
        arrays.reduce(0) { $0 + $1.elements.reduce(0, +) } + Double(readings.count { $0.values[1] == .infinity })
      }
      print("total \(try await total.value())")

      // Arrays, futures and delayed values mix; what is kept is computed once.
      let field = session.arange(0.0, 1_000_000.0, chunks: [50_000])
      let kept = try (field * 2 + 1).persist()
      let (mean, largest) = try await session.compute(kept.mean(), kept.max())
      print("kept \(mean.item()) \(largest.item())")
      let scaled = try session.submit(kept.sum(), total) { sum, total in sum.item() / total }
      print("scaled \(try await scaled.value())")
      let again = try await kept[10..<13].compute()
      print("sliced \(again.elements)")

      // Errors, cancelling and retries.
      let failing = try session.submit(name: "doomed", options: TaskOptions(retries: 1)) { () -> Int in
        throw MusterError(.diskFull, "no room")
      }
      let after = try session.submit(failing) { $0 + 1 }
      do {
        print(try await after.value())
      } catch let error as MusterError {
        print("\(error.code) \(error.message) in \(error.task?.operation ?? "?") try \(error.task?.attempt ?? 0)")
      }
      let waiting = try session.submit { () -> Int in
        usleep(200_000)
        return 1
      }
      let dependent = try session.submit(sleeping[2], waiting) { $0 + $1 }
      try dependent.cancel()
      do { print(try await dependent.value()) } catch let error as MusterError { print(error.code) }
      print(try await session.statuses(of: [after, sleeping[0], dependent]))

      struct Missing: Error, Codable { var station: String }
      let missing = try session.submit { () -> Int in throw Missing(station: "A17") }
      do { print(try await missing.value()) } catch let error as MusterError {
        print("missing \(error.cause(as: Missing.self)?.station ?? "nothing") \(error.code)")
      }
      let slow = try session.submit(name: "slow", options: TaskOptions(timeout: .milliseconds(100))) { usleep(900_000) }
      do { _ = try await slow.value() } catch let error as MusterError { print("slow \(error.code)") }

      // A loop that submits and forgets: what is let go of is freed.
      var last = try session.submit { 0 }
      for step in 1...300 { last = try session.submit(last) { $0 + step } }
      print("chain \(try await last.value())")
      let table = session.broadcast([1.0, 2.0])
      print("table \(try await session.submit(table) { $0[1] }.value())")
    }
  }

  /// Many futures in the order in which they come to an end: each step is to cost the same, however many there are.
  static func complete(count: Int) async throws {
    try await Session.run { session in
      // In one process each comes to an end when the loop has been told of the one before: it asks for each.
      let next = Next()
      let isOneProcess = session.rankCount == 1
      let futures = try session.map(Array(0..<count)) { number in
        let end = ContinuousClock.now + .microseconds(20)
        while ContinuousClock.now < end || (isOneProcess && next.number.load(ordering: .acquiring) < number) {
          // The loop needs a processor, too.
          sched_yield()
        }
      }
      let begin = ContinuousClock.now
      var completed = 0
      for try await _ in session.asCompleted(futures) {
        completed += 1
        next.number.add(1, ordering: .releasing)
      }
      let time = ContinuousClock.now - begin
      print("\(completed) completed")
      // A figure, which differs from run to run.
      let figure = "each in \(time / count)\n"
      _ = figure.utf8.withContiguousStorageIfAvailable { write(2, $0.baseAddress, $0.count) }
    }
  }

  private final class Next: Sendable { let number = Atomic<Int>(0) }

  /// Leaves tasks behind: they don't keep the session from ending.
  static func leave() async throws {
    try await Session.run { session in
      let futures = try session.map(Array(0..<100)) { _ in usleep(20_000_000) }
      let statuses = try await session.statuses(of: futures)
      print("left \(statuses.count { $0 == .pending || $0 == .assigned })")
    }
  }

  /// Two tasks take one large block, and are both given to the worker that has it; the first to run ends only once the
  /// other one runs as well. For workers with one thread.
  static func share(folder: String) async throws {
    try await Session.run { session in
      let table = try session.submit { [Double](repeating: 1, count: 8 << 20) }
      _ = try await session.statuses(of: [table])
      let runners = try (0..<2).map { number in
        try session.submit(table, name: "run\(number)") { _ -> Bool in
          close(open("\(folder)/\(number)", O_CREAT | O_WRONLY, 0o600))
          for _ in 0..<4000 where access("\(folder)/\(1 - number)", F_OK) != 0 { usleep(5_000) }
          return access("\(folder)/\(1 - number)", F_OK) == 0
        }
      }
      print("beside each other \(try await session.gather(runners))")
    }
  }

  /// The ranks submit other tasks; a collective comes much later.
  static func diverge(_ kind: String) async throws {
    try await Session.run { session in
      let differs = session.rank == 1
      _ = try session.submit(name: "first") { 1 }
      switch kind {
      case "submit":
        if differs { _ = try session.submit(name: "other") { 2 } } else { _ = try session.submit(name: "second") { 2 } }
      case "count": _ = try session.map(Array(0..<(differs ? 4 : 3)), name: "many") { $0 }
      case "input":
        let (a, b) = (try session.submit(name: "a") { 1 }, try session.submit(name: "b") { 2 })
        _ = try session.submit(differs ? b : a, name: "take") { $0 }
      default: throw MusterError(.invalidArgument, "no such kind '\(kind)'")
      }
      // The program is far from the next collective.
      usleep(20_000_000)
      print("arrived")
    }
  }
}
