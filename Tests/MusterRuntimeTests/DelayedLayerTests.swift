import MusterRuntime
import MusterScheduling
import Synchronization
import Testing

struct DelayedLayerTests {
  private static let quiet = SessionConfiguration(
    backend: .threads, threads: 2, progress: SessionConfiguration.Progress.none)

  private static func row(_ session: Session, width: Int, steps: Int) -> DelayedLayer<Int> {
    var row = session.layer(width) { $0 * $0 }
    for step in 0..<steps {
      row = session.layer(width, of: row) {
        max(0, $0 - 1)...min(width - 1, $0 + 1)
      } run: { point, near in
        near.reduce(point * step) { ($0 &* 31) &+ $1 }
      }
    }
    return row
  }

  @Test func stepsTakeTheirNeighbours() async throws {
    let (width, steps) = (9, 50)
    var expected = (0..<width).map { $0 * $0 }
    for step in 0..<steps {
      expected = (0..<width).map { point in
        expected[max(0, point - 1)...min(width - 1, point + 1)].reduce(point * step) { ($0 &* 31) &+ $1 }
      }
    }
    for backend in [SessionConfiguration.Backend.threads, .synchronous] {
      var configuration = Self.quiet
      configuration.backend = backend
      try await Session.run(configuration) { session in
        let row = Self.row(session, width: width, steps: steps)
        #expect(row.count == width)
        let values = try await row.compute()
        #expect(values == expected)
        let (some, sum) = try await session.compute(row[[7, 0, 7]], session.delayed(row) { $0.reduce(0, &+) })
        #expect(some == [expected[7], expected[0], expected[7]])
        #expect(sum == expected.reduce(0, &+))
      }
    }
  }

  @Test func onlyWhatIsNeededRuns() async throws {
    try await Session.run(Self.quiet) { session in
      let runs = Runs()
      let all = session.layer(100) { index in
        runs.count.add(1, ordering: .relaxed)
        return index
      }
      let pairs = session.layer(3, of: all[stride(from: 0, to: 100, by: 10)]) {
        [$0, $0 + 1]
      } run: {
        $1
      }
      let values = try await pairs[1..<3].compute()
      #expect(values == [[10, 20], [20, 30]])
      #expect(runs.count.load(ordering: .relaxed) == 3)
      let kept = try pairs.persist()
      let (first, again) = (try await kept.compute(), try await kept[[2]].compute())
      #expect(first == [[0, 10], [10, 20], [20, 30]] && again == [[20, 30]])
      #expect(runs.count.load(ordering: .relaxed) == 7)
    }
  }

  private final class Runs: Sendable { let count = Atomic<Int>(0) }

  @Test func aLayerIsOneLayerOfThePlan() async throws {
    try await Session.run(Self.quiet) { session in
      let plan = try session.plan(for: Self.row(session, width: 1000, steps: 3))
      #expect(plan.layers.map(\.tasks.count) == [1000, 1000, 1000, 1000])
      var inputs: [TaskID] = []
      plan.layers[2].tasks.inputs(5, &inputs)
      #expect(inputs == (4...6).map { TaskID(layer: 1, index: $0) })
    }
  }

  @Test func whatIsNotThereIsNamed() async throws {
    try await Session.run(Self.quiet) { session in
      let row = session.layer(4, name: "row") { $0 }
      let beyond = session.layer(4, of: row, name: "next") {
        [$0 + 1]
      } run: {
        $1[0]
      }
      let error = await #expect(throws: MusterError.self) { try await beyond.compute() }
      #expect(error?.code == .invalidArgument && error?.callSite?.file.contains("DelayedLayerTests") == true)
      #expect(error?.message == "next[3] takes value 4 of a layer that has 4: row")
      let negative = await #expect(throws: MusterError.self) { try await session.layer(-1) { $0 }.compute() }
      #expect(negative?.code == .invalidArgument)
      let none = try await session.layer(0) { $0 }.compute()
      #expect(none.isEmpty)
      struct Odd: Error {}
      let odd = session.layer(4, name: "odd") { if $0 == 3 { throw Odd() } }
      let failed = await #expect(throws: MusterError.self) { _ = try await odd.compute() }
      #expect(failed?.code == .taskFailed && failed?.task?.operation == "odd" && failed?.task?.index == 3)
      _ = try await odd[0..<3].compute()
    }
  }

  /// Layers let go of those before them one by one: left to themselves they would need a stack as deep as they are many.
  @Test func aLongChainIsLetGoOf() async throws {
    try await Session.run(Self.quiet) { session in
      var row = session.layer(1) { $0 }
      for _ in 0..<200_000 {
        row = session.layer(1, of: row) {
          [$0]
        } run: {
          $1[0] + 1
        }
      }
      #expect(row.count == 1)
    }
  }
}
