import Glibc
import Muster

/// What a program gives to the workers: values, graphs that it makes up, tasks that are more urgent than others.
enum Given {
  static func run() async throws {
    try await Session.run { session in
      try await scatter(session)
      try await nest(session)
      try await graph(session)
      try await prioritize(session)
    }
  }

  private static func scatter(_ session: Session) async throws {
    let values = (0..<40).map { number in (0..<5000).map { Double(number * $0) } }
    let spread = try session.scatter(values)
    let sums = try session.map(spread, name: "sum") { values in
      usleep(5000)
      return (values.reduce(0, +), Int(getpid()))
    }
    let (found, places) = try await session.gather(sums).reduce(into: ([Double](), Set<Int>())) {
      $0.0.append($1.0)
      $0.1.insert($1.1)
    }
    // How many of them take part is the scheduler's matter.
    let isSpread = places.count >= min(2, max(1, session.rankCount - 1))
    print("scattered \(found == values.map { $0.reduce(0, +) }) spread \(isSpread)")
  }

  /// Arrays of arrays cross as their bytes: a NaN keeps its own.
  private static func nest(_ session: Session) async throws {
    @Sendable func rows(_ number: Int) -> [[[Double]]] {
      (0..<number).map { row in
        (0..<row).map { column in
          [Double](repeating: Double(nan: UInt64(number + column), signaling: false), count: row)
        }
      }
    }
    let made = try session.map(0..<12, name: "rows") { rows($0) }
    let bits = try await session.gather(made).map { $0.map { $0.map { $0.map(\.bitPattern) } } }
    let areSame = bits == (0..<12).map { rows($0).map { $0.map { $0.map(\.bitPattern) } } }
    let blocks = try session.map(0..<4) { number in
      (0..<number).map { row in (0..<row).map { NDArray<Double>([Double($0), 1], shape: [2]) } }
    }
    let sums = try await session.gather(blocks).map { $0.map { $0.reduce(0) { $0 + $1.elements[0] + $1.elements[1] } } }
    print("nested \(areSame) \(sums)")
  }

  /// Each task takes two others, which come before it in no order of names.
  private static func graph(_ session: Session) async throws {
    let count = 300
    func inputs(_ number: Int) -> [Int] { [number / 2, (number * 7 + 3) % number] }
    var graph = NamedGraph<Int>()
    var expected = [1]
    graph["t0"] = .value(1)
    for number in 1..<count {
      graph["t\(number)"] = .task(all: inputs(number).map { "t\($0)" }) { ($0[0] * 3 + $0[1] + number) % 1_000_003 }
      let values = inputs(number).map { expected[$0] }
      expected.append((values[0] * 3 + values[1] + number) % 1_000_003)
    }
    let tasks = try session.delayed(graph)
    let values = try await session.compute((0..<count).map { tasks["t\($0)"]! })
    print("graph \(values == expected)")
    graph["t0"] = .task("t299") { $0 }
    do { _ = try session.delayed(graph) } catch let error as MusterError {
      print("cycle \(error.code) \(error.message.hasPrefix("the graph has a cycle: "))")
    }
  }

  /// While every thread is busy both kinds come, the urgent one last.
  private static func prioritize(_ session: Session) async throws {
    let go = session.event("go")
    let order = session.queue("order", of: Int.self)
    let started = session.queue("started", of: Int.self)
    let threads = max(1, session.rankCount - 1)
    let blockers = try session.map(0..<threads, name: "blocker") { number in
      try started.put(number)
      // It keeps its place, which one that waits would lend.
      while try !go.isSet() { usleep(1000) }
    }
    for _ in 0..<threads { _ = try await started.get() }
    func tasks(_ kind: Int, _ priority: Int) throws -> [Future<Void>] {
      try session.map(Array(repeating: kind, count: 50), options: TaskOptions(priority: priority)) { kind in
        try order.put(kind)
      }
    }
    let (patient, urgent) = (try tasks(0, 0), try tasks(1, 5))
    _ = try await session.statuses(of: patient + urgent)
    try await go.set()
    for try await _ in session.asCompleted(blockers + patient + urgent) {}
    var places = [0, 0]
    for place in 0..<100 { places[try await order.get()] += place }
    print("urgent first \(places[1] < places[0])")
  }
}
