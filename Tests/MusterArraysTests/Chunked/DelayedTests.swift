import Foundation
import Muster
import MusterScheduling
import Synchronization
import Testing

/// Functions that are put off, alone and among arrays.
struct DelayedTests {
  private static let quiet = SessionConfiguration(
    backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)

  private struct Point: BitwiseCopyable {
    var x: Double
    var label: Int8
  }

  private struct Record: Codable, Equatable, Sendable {
    var name: String
    var values: [String: [Double]]
  }

  @Test func inputsOfAnyNumberAndTypeMix() async throws {
    try await Session.run(Self.quiet) { session in
      let one = session.delayed { 1 }
      let text = session.delayed(one) { "n\($0)" }
      let array = session.arange(10.0, chunks: .exact([[4, 4, 2]])) * 2.0
      let list = (0..<5).map { index in session.delayed(one, name: "add") { $0 + index } }
      let all = session.delayed(one, text, array, list, [[one], []]) { one, text, array, list, nested in
        Record(
          name: "\(one) \(text) \(nested)", values: ["array": array.elements, "list": list.map(Double.init)])
      }
      let expected = Record(
        name: "1 n1 [[1], []]",
        values: ["array": (0..<10).map { Double($0) * 2 }, "list": [1, 2, 3, 4, 5]])
      let record = try await all.compute()
      #expect(record == expected)
    }
  }

  @Test func valuesOfEveryKindAreYielded() async throws {
    try await Session.run(Self.quiet) { session in
      let point = session.delayed { Point(x: 2.5, label: 3) }
      let array = session.delayed(point) { NDArray<Double>([$0.x, Double($0.label)]) }
      let ran = Counter()
      let effect = session.delayed(array) { _ in ran.add() }
      let (p, a, _) = try await session.compute(point, array, effect)
      #expect(p.x == 2.5 && p.label == 3 && a.elements == [2.5, 3] && ran.count == 1)
    }
  }

  private struct Run: Codable, Sendable {
    var energy: Double
    var series: [Double]
    var notes: [String: [Float?]]
    var field: NDArray<Double>?
  }

  private class Base: @unchecked Sendable, Codable {
    let base: [Double]
    init(base: [Double]) { self.base = base }
  }

  /// `@unchecked Sendable` is safe: nothing of it changes.
  private final class Model: Base, @unchecked Sendable {
    private let again: Base
    override init(base: [Double]) {
      again = Base(base: [])
      super.init(base: base)
    }
    required init(from decoder: any Decoder) throws {
      again = Base(base: [])
      try super.init(from: decoder)
    }
  }

  /// What budgets count, wherever in a value it is.
  @Test func whatValuesHoldIsCounted() async throws {
    func size<T: Sendable>(_ session: Session, _ value: T) throws -> Int {
      let plan = try session.plan(for: session.delayed { value })
      return try plan.layers[0].run(TaskInputs(index: 0, blocks: [])).byteCount
    }
    try await Session.run(Self.quiet) { session in
      let series = [Double](repeating: 0, count: 100_000)
      let field = NDArray<Double>.zeros([100, 1000])
      let run = Run(energy: 1, series: series, notes: ["a": [Float?](repeating: nil, count: 10_000)], field: field)
      let counted = try size(session, run)
      #expect((1_680_000..<1_700_000).contains(counted), "\(counted)")
      let many = try size(session, Array(repeating: Run(energy: 1, series: series, notes: [:]), count: 1000))
      #expect((800_000_000..<801_000_000).contains(many), "\(many)")
      let pairs = try size(session, ["one": (1, String(repeating: "x", count: 5000))].map { $0.value.1 })
      #expect((5000..<5200).contains(pairs), "\(pairs)")
      let dense = try size(session, ContiguousArray(series))
      #expect((800_000..<800_200).contains(dense), "\(dense)")
      let model = Model(base: series)
      let objects = try size(session, [model, model])
      #expect((800_000..<802_000).contains(objects), "\(objects)")
      let number = try size(session, 7)
      let array = try size(session, field)
      let absent = try size(session, Optional(series))
      #expect(number == 8 && array == 800_000 && (800_000..<800_100).contains(absent))
    }
  }

  private final class Unable: Sendable {}

  /// Also where nothing has to cross: a program that runs here runs on a cluster.
  @Test func typesThatCannotCrossAreRefused() async throws {
    try await Session.run(Self.quiet) { session in
      let unable = session.delayed(file: "M/F.swift", line: 9) { Unable() }
      let behind = session.delayed(unable) { _ in 1 }
      let pair = session.delayed { (1, "one") }
      for failing in [behind, session.delayed(pair) { $0.0 }] {
        let error = await #expect(throws: MusterError.self) { try await failing.compute() }
        #expect(error?.code == .invalidArgument && error?.message.contains("can't cross") == true)
      }
      let numbers = session.delayed { (1, 2.5) }
      let arrays = session.delayed(numbers) { [NDArray<Double>([$0.1]), NDArray<Double>([7])] }
      let elements = try await arrays.compute().map(\.elements)
      #expect(elements == [[2.5], [7]])
    }
  }

  private struct Labelled: Sendable {
    var number: Int
    var label: StaticString
  }

  /// What is an address here is none elsewhere.
  @Test func addressesAreRefused() async throws {
    try await Session.run(Self.quiet) { session in
      let labelled = session.delayed { Labelled(number: 1, label: "one") }
      let labels = session.delayed { ["one"] as [StaticString] }
      let identity = session.delayed { ObjectIdentifier(Int.self) }
      for failing in [
        session.delayed(labelled) { $0.number }, session.delayed(labels) { $0.count },
        session.delayed(identity) { _ in 1 },
      ] {
        let error = await #expect(throws: MusterError.self) { try await failing.compute() }
        #expect(error?.code == .invalidArgument && error?.message.contains("can't cross") == true)
        #expect(error?.fix.contains("holds an address") == true, "\(String(describing: error))")
      }
    }
  }

  /// What a list's values share is computed once, and each is kept by itself.
  @Test func listsArePersisted() async throws {
    try await Session.run(Self.quiet) { session in
      let count = Counter()
      let shared = session.delayed { () -> Int in
        count.add()
        return 10
      }
      let field = session.arange(0.0, 100.0, chunks: [25])
      let runs = try (0..<3).map { number in session.delayed(shared) { $0 + number } }.persist()
      let fields = try [field + 1, field + 2].persist()
      #expect(try await session.compute(runs) == [10, 11, 12])
      #expect(try await runs[2].compute() == 12 && count.count == 1)
      #expect(try await fields[1].sum().compute().item() == 5150)
      let (both, one) = try session.persist([runs[0], runs[1]], shared)
      #expect(try await both[1].compute() == 11)
      #expect(try await one.compute() == 10)
    }
  }

  /// A class, since closures that several threads run count in it.
  private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
    func add() { value.add(1, ordering: .relaxed) }
  }

  @Test func whatSeveralShareIsComputedOnce() async throws {
    try await Session.run(Self.quiet) { session in
      let calls = Counter()
      let shared = session.delayed {
        calls.add()
        return 20
      }
      let blocks = Counter()
      let array = session.arange(0.0, 8.0, chunks: .exact([[2, 2, 2, 2]])).mapBlocks { block in
        blocks.add()
        return block
      }
      let a = session.delayed(shared, array.sum()) { Double($0) + $1.elements[0] }
      let b = session.delayed(shared, array) { Double($0) - $1.elements[7] }
      let (x, y, again, whole, mean) = try await session.compute(a, [b, b], shared, array, array.mean())
      #expect(x == 48 && y == [13, 13] && again == 20 && whole.elements.count == 8 && mean.elements == [3.5])
      #expect(calls.count == 1 && blocks.count == 4)
      // The next collective computes anew.
      _ = try await a.compute()
      #expect(calls.count == 2)
    }
  }

  @Test func functionsOfOneCallAreOneLayer() async throws {
    try await Session.run(Self.quiet) { session in
      let leaves = (0..<1000).map { index in session.delayed(name: "leaf") { index } }
      let doubled = leaves.map { leaf in session.delayed(leaf, name: "double") { 2 * $0 } }
      let total = session.delayed(doubled, name: "total") { $0.reduce(0, +) }
      let plan = try session.plan(for: total)
      #expect(plan.layers.map(\.tasks.name) == ["leaf", "double", "total"])
      #expect(plan.layers.map(\.tasks.count) == [1000, 1000, 1])
      let sum = try await total.compute()
      #expect(sum == 999_000)
    }
  }

  @Test func chainsAreAsDeepAsYouLike() async throws {
    try await Session.run(Self.quiet) { session in
      var value = session.delayed { 0 }
      for _ in 0..<20_000 { value = session.delayed(value) { $0 + 1 } }
      let length = try await value.compute()
      #expect(length == 20_000)
      var list = [session.delayed { [0] }]
      for _ in 0..<20_000 { list = [session.delayed([list]) { [$0[0][0][0] + 1] }] }
      let last = try await session.compute(list)
      #expect(last == [[20_000]])
    }
  }

  @Test func errorsNameTheFunctionAndItsCall() async throws {
    struct Unhappy: Error {}
    try await Session.run(Self.quiet) { session in
      let good = session.delayed { 1 }
      let bad: Delayed<Int> = session.delayed(good, name: "divide", file: "M/F.swift", line: 12) { _ in throw Unhappy()
      }
      let behind = session.delayed(bad) { $0 + 1 }
      let error = await #expect(throws: MusterError.self) { try await behind.compute() }
      #expect(error?.code == .taskFailed && error?.task?.operation == "divide", "\(String(describing: error))")
      #expect(error?.callSite == CallSite(file: "M/F.swift", line: 12))
      // The session goes on, and what doesn't need it is computed.
      let one = try await good.compute()
      #expect(one == 1)
      // An array that can't be built fails here too.
      let poisoned = session.arange(0.0, 4.0)[7...9]
      let first = session.delayed(poisoned) { $0.elements[0] }
      await #expect(throws: MusterError.self) { try await first.compute() }
    }
  }

  @Test func valuesOfAnotherSessionAreRefused() async throws {
    let stray = try await Session.run(Self.quiet) { session in session.delayed { 1 } }
    try await Session.run(Self.quiet) { session in
      let mixed = session.delayed(stray) { $0 }
      let error = await #expect(throws: MusterError.self) { try await mixed.compute() }
      #expect(error?.code == .session && error?.message.contains("another session") == true)
    }
  }
}
