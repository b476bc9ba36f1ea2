import MusterRuntime
import MusterScheduling
import MusterSimulation
import Testing

/// What delayed functions become: the layers' order, and the tasks' numbers, which every rank has to come to alike.
@Suite struct GraphLoweringTests {
  private static let quiet = SessionConfiguration(
    backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)

  /// The inputs of each task of a plan, by layer.
  private static func inputs(of plan: Plan) -> [[[TaskID]]] {
    plan.layers.map { layer in
      (0..<layer.tasks.count).map { index in
        var inputs: [TaskID] = []
        layer.tasks.inputs(index, &inputs)
        return inputs
      }
    }
  }

  @Test func layersAreInTheOrderOfDepthsThenOfCalls() async throws {
    try await Session.run(Self.quiet) { session in
      let a = session.delayed(name: "a") { 1 }
      let sum = session.delayed([a, a], name: "sum") { $0.reduce(0, +) }
      let b = session.delayed(name: "b") { 2 }
      let half = session.delayed(sum, b, name: "half") { Double($0 + $1) / 2 }
      let all = (0..<2).map { index in session.delayed([sum, b, a], half, name: "all") { $0[0] + index + Int($1) } }
      let plan = try session.plan(for: [all[1], all[0], b, sum])
      #expect(plan.layers.map(\.tasks.name) == ["a", "b", "sum", "half", "all"])
      #expect(plan.layers.map(\.tasks.count) == [1, 1, 1, 1, 2])
      let (first, second, third) = (TaskID(layer: 0, index: 0), TaskID(layer: 1, index: 0), TaskID(layer: 2, index: 0))
      let last = [third, second, first, TaskID(layer: 3, index: 0)]
      #expect(Self.inputs(of: plan) == [[[]], [[]], [[first, first]], [[third, second]], [last, last]])
      #expect(plan.results == [TaskID(layer: 4, index: 1), TaskID(layer: 4, index: 0), second, third])
      let values = try await session.compute([all[1], all[0], b, sum])
      #expect(values == [5, 4, 2, 2])
    }
  }

  /// A function of a random graph, as the test knows it.
  private struct Function {
    var name: String
    var line: UInt
    var inputs: [Int]
    var value: Int
    var delayed: Delayed<Int>
  }

  private static func randomGraph(_ random: inout SplitMix64, sparse: Bool, _ session: Session) -> [Function] {
    var functions: [Function] = []
    for number in 0..<Int.random(in: 1...120, using: &random) {
      // Calls between those of the graph.
      if sparse { for _ in 0..<40 { session.record("other") } }
      let inputs = (0..<(number == 0 ? 0 : Int.random(in: 0...4, using: &random))).map { _ in
        Int.random(in: 0..<number, using: &random)
      }
      // Not a literal: names with the same letters are the same name.
      let name = "name \(Int.random(in: 0..<2, using: &random)) that is longer than fifteen bytes"
      let line = UInt.random(in: 1...3, using: &random)
      let delayed = session.delayed(inputs.map { functions[$0].delayed }, name: name, file: "M/F.swift", line: line) {
        $0.reduce(number, &+)
      }
      functions.append(
        Function(
          name: name, line: line, inputs: inputs, value: inputs.reduce(number) { $0 &+ functions[$1].value },
          delayed: delayed))
    }
    return functions
  }

  /// The tasks of the functions that some need, and the names and lines of the layers, by the rules as they are written.
  private static func expected(
    _ functions: [Function], for wanted: [Int]
  ) -> (tasks: [Int: TaskID], layers: [String], counts: [Int]) {
    var needed = Set(wanted)
    for number in functions.indices.reversed() where needed.contains(number) {
      needed.formUnion(functions[number].inputs)
    }
    var depths: [Int: Int] = [:]
    var layers: [(depth: Int, name: String, members: [Int])] = []
    for number in needed.sorted() {
      let depth = functions[number].inputs.reduce(0) { max($0, depths[$1]! + 1) }
      depths[number] = depth
      let name = "\(functions[number].name):\(functions[number].line)"
      if let place = layers.firstIndex(where: { $0.depth == depth && $0.name == name }) {
        layers[place].members.append(number)
      } else {
        layers.append((depth, name, [number]))
      }
    }
    let sorted = layers.enumerated().sorted { ($0.element.depth, $0.offset) < ($1.element.depth, $1.offset) }
    var tasks: [Int: TaskID] = [:]
    for (layer, (_, element)) in sorted.enumerated() {
      for (index, number) in element.members.enumerated() { tasks[number] = TaskID(layer: layer, index: index) }
    }
    return (tasks, sorted.map(\.element.name), sorted.map(\.element.members.count))
  }

  @Test(arguments: [false, true]) func randomGraphsHaveTheLayersOfTheRules(sparse: Bool) async throws {
    try await Session.run(Self.quiet) { session in
      var random = SplitMix64(seed: 7)
      for _ in 0..<60 {
        let functions = Self.randomGraph(&random, sparse: sparse, session)
        let wanted = (0..<Int.random(in: 1...6, using: &random)).map { _ in
          Int.random(in: functions.indices, using: &random)
        }
        let (tasks, layers, counts) = Self.expected(functions, for: wanted)
        let plan = try session.plan(for: wanted.map { functions[$0].delayed })
        #expect(plan.layers.map { "\($0.tasks.name):\($0.callSite?.line ?? 0)" } == layers)
        #expect(plan.layers.map(\.tasks.count) == counts)
        #expect(plan.results == wanted.map { tasks[$0]! })
        let inputs = Self.inputs(of: plan)
        for (number, task) in tasks {
          #expect(inputs[Int(task.layer)][Int(task.index)] == functions[number].inputs.map { tasks[$0]! })
        }
        let values = try await session.compute(wanted.map { functions[$0].delayed })
        #expect(values == wanted.map { functions[$0].value })
      }
    }
  }

  @Test func placesThatWereForgottenAreTheSamePlaces() async throws {
    try await Session.run(Self.quiet) { session in
      // More places than any table of them holds, and each twice.
      let values = (0..<2).flatMap { round in
        (0..<3_000).map { line in session.delayed(file: "M/F.swift", line: UInt(line)) { round * line } }
      }
      let plan = try session.plan(for: values)
      #expect(plan.layers.map { $0.callSite?.line } == Array(0..<3_000))
      #expect(plan.layers.allSatisfy { $0.tasks.count == 2 })
      let sum = try await session.compute(values).reduce(0, +)
      #expect(sum == 2_999 * 3_000 / 2)
    }
  }

  /// Where the type is left open, too, as for `print`.
  @Test func oneValueIsComputedAsItself() async throws {
    try await Session.run(Self.quiet) { session in
      let runs = (0..<20).map { index in session.delayed { index } }
      #expect("\(try await session.compute(runs).reduce(0, +))" == "190")
      #expect("\(try await session.compute(runs[3]).description)" == "3")
      let futures = try session.map(runs) { 2 * $0 }
      #expect("\(try await session.compute(futures).reduce(0, +))" == "380")
    }
  }

  @Test func oneGraphIsLoweredOnSeveralThreads() async throws {
    try await Session.run(Self.quiet) { session in
      let leaves = (0..<500).map { index in session.delayed(name: "leaf") { index } }
      let sums = (0..<500).map { index in
        session.delayed([leaves[index], leaves[499 - index], leaves[0]], name: "sum") { $0.reduce(0, +) }
      }
      let expected = Self.inputs(of: try session.plan(for: sums))
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for _ in 0..<8 {
          group.addTask {
            for _ in 0..<20 where Self.inputs(of: try session.plan(for: sums)) != expected { return false }
            return true
          }
        }
        for try await same in group { #expect(same) }
      }
    }
  }

  @Test func futuresMixWithWhatEveryRankHas() async throws {
    try await Session.run(Self.quiet) { session in
      let there = session.broadcast(1)
      let made = try session.submit { 2 }
      let later = session.delayed(made) { $0 + 1 }
      let lists = [[there, made], [], [made, there, made]]
      let values = try await session.compute(lists)
      #expect(values == [[1, 2], [], [2, 1, 2]])
      let sum = try session.submit(lists, [later, later], there) { lists, pair, one in
        lists.joined().reduce(0, +) * 100 + pair.reduce(0, +) * 10 + one
      }
      #expect(try await sum.value() == 861)
      // What is kept stands for itself, however often it's asked for.
      let kept = try later.persist()
      for _ in 0..<3 { #expect(try await kept.compute() == 3) }
      let (own, whole, one, pair) = try await session.compute(kept, sum, there, [kept, kept])
      #expect(own == 3 && whole == 861 && one == 1 && pair == [3, 3])
      let last = try session.submit(kept, sum) { $0 + $1 }
      #expect(try await last.value() == 864)
    }
  }

  @Test func whatCallsTakeCounts() async throws {
    // The number of a call comes from the calls before it alone; that of a value, from the call that made it.
    try await Session.run(Self.quiet) { session in
      let a = session.delayed { 1 }
      let number = session.record("between")
      let b = session.delayed(a) { $0 }
      #expect(session.record("behind") == number + 2)
      let value = try await b.compute()
      #expect(value == 1)
      #expect(session.record("after") == number + 4)
    }
  }
}
