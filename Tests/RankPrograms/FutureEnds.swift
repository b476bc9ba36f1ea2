import Glibc
import Muster
import MusterRuntime
import Synchronization

/// What futures and kept values leave behind, and what becomes of those that are cancelled.
enum FutureEnds {
  /// Says when it is gone.
  private final class Token: Sendable {
    let isGone: Flag
    init(_ isGone: Flag) { self.isGone = isGone }
    deinit { isGone.set() }
  }

  final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func set() { value.store(true, ordering: .releasing) }
    var isSet: Bool { value.load(ordering: .acquiring) }
    /// Returns whether it was set, at last.
    func wait(milliseconds: Int = 10_000) -> Bool {
      for _ in 0..<milliseconds where !isSet { usleep(1000) }
      return isSet
    }
  }

  /// A loop in which each step builds on the last: what it leaves behind doesn't grow with its length.
  static func chain(steps: Int) async throws {
    try await Session.run { session in
      let isGone = Flag()
      var last = try begin(session, isGone)
      for step in 1...steps {
        last = try session.submit(last) { $0 + 1 }
        // The workers keep up.
        if step % 500 == 0 { _ = try await last.value() }
        guard step == steps / 2 else { continue }
        try session.onEachRank("look for the first closure") {
          guard isGone.wait() else { throw MusterError(.internal, "rank \(session.rank) keeps the first closure") }
        }
      }
      print("chain \(try await last.value())")
      try session.onEachRank("count what is left") {
        // Rank 0 lets go of the last steps a moment later, and the others hear of it.
        var counts = session.graphCounts
        for _ in 0..<10_000 where max(counts.graphs, counts.tasks, counts.layers) > 8 {
          usleep(1000)
          counts = session.graphCounts
        }
        guard max(counts.graphs, counts.tasks, counts.layers) <= 8 else {
          throw MusterError(.internal, "rank \(session.rank) keeps \(counts)")
        }
      }
      print("little is left")
    }
  }

  /// What functions have captured goes on every rank when they have run, though their results stay: also where a rank's
  /// program comes to them late.
  static func captured() async throws {
    try await Session.run { session in
      let gone = Tally()
      let futures = try (0..<100).map { try submit(session, Name("submitted", gone), $0) }
      let mapped = try session.map((0..<100).map { _ in Name("mapped", gone) }) { name in
        withExtendedLifetime(name) { 1 }
      }
      if session.rank == 2 { usleep(300_000) }
      let late = try (0..<100).map { try submit(session, Name("late", gone), $0) }
      let kept = try (0..<10).map { _ in try keep(session, Name("kept", gone)) }
      let values: [[Int]] = [
        try await session.gather(futures), try await session.gather(mapped), try await session.gather(late),
        try await session.compute(kept),
      ]
      print("sums \(values.map { (list: [Int]) in list.reduce(0, +) })")
      let expected = ["submitted": 100, "mapped": 100, "late": 100, "kept": 10]
      try session.onEachRank("look for what was captured") {
        for _ in 0..<10_000 where gone.found != expected { usleep(1000) }
        let found = gone.found
        guard found == expected else {
          throw MusterError(.internal, "rank \(session.rank) has let go of \(found) only")
        }
      }
      print("all are gone, and the last value is \(try await late[99].value())")
      extendLifetime((futures, mapped, late, kept))
    }
  }

  /// What functions hold may take longer to go than ranks wait for each other's beats: nothing waits for that.
  static func slowToGo() async throws {
    try await Session.run { session in
      let start = ContinuousClock.now
      let kept = try [hold(session, 1), hold(session, 2)]
      let values = try await session.gather(kept)
      let last = try hold(session, 3)
      let rest = try await session.gather(try session.map(Array(0..<50)) { 2 * $0 }).reduce(0, +)
      guard ContinuousClock.now - start < .seconds(4) else { throw MusterError(.internal, "something has waited") }
      print("values \(values), \(try await last.value()) and \(rest)")
      try session.onEachRank("look for what takes its time") {
        guard Slow.going.wait() else { throw MusterError(.internal, "nothing has gone on rank \(session.rank)") }
      }
      extendLifetime((kept, last))
    }
    print("ended")
  }

  private final class Slow: Sendable {
    static let going = Flag()
    deinit {
      Self.going.set()
      usleep(5_000_000)
    }
  }

  private static func hold(_ session: Session, _ value: Int) throws -> Future<Int> {
    let held = Slow()
    return try session.submit { withExtendedLifetime(held) { value } }
  }

  /// Counts what is gone, by name.
  private final class Tally: Sendable {
    private let counts = Mutex<[String: Int]>([:])
    func add(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
    var found: [String: Int] { counts.withLock { $0 } }
  }

  private final class Name: Sendable {
    let name: String
    let gone: Tally
    init(_ name: String, _ gone: Tally) { (self.name, self.gone) = (name, gone) }
    deinit { gone.add(name) }
  }

  private static func submit(_ session: Session, _ name: Name, _ value: Int) throws -> Future<Int> {
    try session.submit { withExtendedLifetime(name) { value } }
  }

  private static func keep(_ session: Session, _ name: Name) throws -> Delayed<Int> {
    try session.delayed { withExtendedLifetime(name) { 1 } }.persist()
  }

  private static func begin(_ session: Session, _ isGone: Flag) throws -> Future<Int> {
    let token = Token(isGone)
    return try session.submit { withExtendedLifetime(token) { 0 } }
  }

  /// Kept values that are cancelled: what hasn't begun doesn't. Each task that begins makes a file.
  static func cancelKept(folder: String) async throws {
    try await Session.run { session in
      @Sendable func begin(_ name: String) {
        close(open("\(folder)/\(name)", O_CREAT | O_WRONLY, 0o600))
        usleep(20_000)
      }
      let parts = (0..<200).map { number in
        session.delayed(name: "part") { () -> Int in
          begin("part\(number)")
          return number
        }
      }
      let sum = try session.delayed(parts) { $0.reduce(0, +) }.persist()
      let array = try session.arange(0.0, 400.0, chunks: [2]).mapBlocks { block -> NDArray<Double> in
        begin("block\(block.elements[0])")
        return block
      }.persist()
      try sum.cancel()
      try array.cancel()
      do { print(try await sum.compute()) } catch let error as MusterError { print("sum \(error.code)") }
      do { print(try await array.max().compute()) } catch let error as MusterError { print("array \(error.code)") }
      do { print(try await session.submit(array, sum) { $0.elements.count + $1 }.value()) } catch let error
        as MusterError
      { print("both \(error.code)") }
      do { try session.delayed { 1 }.cancel() } catch let error as MusterError { print("lazy \(error.code)") }
      print("others \(try await session.gather(try session.map(Array(0..<40)) { $0 }).count)")
    }
  }

  /// One thread takes many short tasks at a time: those that are cancelled while one of them runs don't begin.
  static func cancelTaken() async throws {
    try await Session.run(SessionConfiguration(backend: .threads, threads: 1)) { session in
      let stops = Array(stride(from: 1000, to: 3000, by: 200))
      let gates = stops.map { _ in (begun: Flag(), open: Flag()) }
      let ran = Mutex<[Int]>([])
      let futures = try session.map(Array(0..<3000)) { number in
        ran.withLock { $0.append(number) }
        guard let stop = stops.firstIndex(of: number) else { return }
        gates[stop].begun.set()
        _ = gates[stop].open.wait()
      }
      var cancelled = Set<Int>()
      for (stop, gate) in zip(stops, gates) {
        guard gate.begun.wait() else { throw MusterError(.internal, "task \(stop) hasn't begun") }
        let next = stop + 1...stop + 60
        try session.cancel(Array(futures[next]))
        cancelled.formUnion(next)
        gate.open.set()
      }
      _ = try await session.gather(futures.indices.filter { !cancelled.contains($0) }.map { futures[$0] })
      let late = ran.withLock { $0.filter { cancelled.contains($0) } }
      print("ran after they were cancelled \(late)")
      print("statuses \(Set(try await session.statuses(of: cancelled.map { futures[$0] })))")
    }
  }
}
