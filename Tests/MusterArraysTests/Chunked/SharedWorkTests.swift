import Muster
import Testing

/// What several need is made a bounded number of times, however deep an expression nests: repeated stencils, and light
/// operations that feed each other.
@Suite(.timeLimit(.minutes(20))) struct SharedWorkTests {
  @Test func stencilsOfOneDimensionTakeOneLayerAStep() async throws {
    var stream = Stream(51)
    var expected = stream.array([120])
    try await inSession { session async throws in
      var u = session.array(expected, chunks: [15])
      for _ in 0..<40 {
        u = (u[1...] + u[..<(-1)]) * 0.5
        expected = (expected[1...] + expected[..<(expected.shape[0] - 1)]) * 0.5
      }
      // Two slices, a sum and a product each.
      #expect(try u.nodeCount() == 1 + 40 * 4)
      let layers = try u.loweredPlan().layers.map(\.tasks)
      #expect(layers.count <= 40, "\(layers.count) layers")
      #expect(layers.map(\.count).reduce(0, +) <= 40 * 8, "\(layers.map(\.count))")
      #expect(layers.allSatisfy { $0.name.count < 200 }, "\(layers.map(\.name.count))")
      expectClose(try await u.compute(), expected)
    }
  }

  @Test func stencilsOfTwoDimensionsTakeOneLayerAStep() async throws {
    var stream = Stream(52)
    var expected = stream.array([40, 36])
    try await inSession { session async throws in
      var u = session.array(expected, chunks: [10, 12])
      for _ in 0..<12 {
        let (m, n) = (u.shape[0], u.shape[1])
        let sides = u[..<(-2), 1..<n - 1] + u[2..., 1..<n - 1] + u[1..<m - 1, ..<(-2)] + u[1..<m - 1, 2...]
        u = sides * 0.2 + u[1..<m - 1, 1..<n - 1] * 0.2
        let e = expected
        let around = e[0..<m - 2, 1..<n - 1] + e[2..<m, 1..<n - 1] + e[1..<m - 1, 0..<n - 2] + e[1..<m - 1, 2..<n]
        expected = around * 0.2 + e[1..<m - 1, 1..<n - 1] * 0.2
      }
      #expect(try u.nodeCount() == 1 + 12 * 11)
      let layers = try u.loweredPlan().layers.map(\.tasks)
      #expect(layers.count <= 12, "\(layers.map(\.name))")
      #expect(layers.map(\.count).reduce(0, +) <= 12 * 12, "\(layers.map(\.count))")
      expectClose(try await u.compute(), expected)
    }
  }

  /// Slices that overlap don't compute what they share for each.
  @Test func overlappingSlicesOfHeavyWorkShareIt() async throws {
    var stream = Stream(53)
    let x = stream.array([64])
    try await inSession { session async throws in
      let e = exp(session.array(x, chunks: [16]))
      let difference = e[1...] - e[..<(-1)]
      let layers = try difference.loweredPlan().layers.map(\.tasks)
      #expect(layers.map(\.count) == [4, 4] && layers.first?.name == "array-exp", "\(layers.map(\.name))")
      let whole = try await e.compute()
      expectEqual(try await difference.compute(), whole[1...] - whole[..<63])
    }
  }

  /// A pass over memory costs little, and as much again for every consumer of a consumer.
  @Test func lightWorkThatFeedsItselfIsKept() async throws {
    try await inSession { session async throws in
      var u = session.array(NDArray((0..<36).map(Double.init), shape: [6, 6]), chunks: [3, 3])
      var expected = NDArray((0..<36).map(Double.init), shape: [6, 6])
      for _ in 0..<25 {
        u = (u.transposed() + u.transposed([1, 0])) * 0.5
        expected = try expected.transposed()
      }
      let layers = try u.loweredPlan().layers.map(\.tasks)
      #expect(layers.count <= 25 && layers.map(\.count).reduce(0, +) <= 25 * 4, "\(layers.map(\.name))")
      #expect(layers.allSatisfy { $0.name.count < 200 }, "\(layers.map(\.name.count))")
      expectEqual(try await u.compute(), expected)
    }
  }

  /// Slices that each copied the operations below them would make each step twice the one before.
  @Test func halvingStepsStayFew() async throws {
    try await inSession { session async throws in
      let x = NDArray((0..<4096).map(Double.init))
      var (u, expected) = (session.array(x, chunks: [512]), x.elements)
      for _ in 0..<12 {
        u = u[.stride(by: 2)] + u[.stride(from: 1, by: 2)]
        expected = stride(from: 0, to: expected.count, by: 2).map { expected[$0] + expected[$0 + 1] }
      }
      let nodes = try u.nodeCount()
      #expect(nodes < 12 * 64, "\(nodes)")
      #expect(try await u.compute().elements == expected)
    }
  }

  /// The plan of an EOF analysis: leading modes are taken of the decomposition alone.
  @Test func anEOFAnalysisTakesFewLayers() async throws {
    try await inSession { session async throws in
      let field = session.fromFunction([96, 10, 12], as: Double.self, chunks: [24, -1, -1]) { Double($0[0]) }
      let weights = sqrt(cos(session.linspace(0.0, 1.0, count: 10)))[0..., .newAxis]
      let (u, s, vt) = ((field - field.mean(axis: 0)) * weights).reshaped([96, 120]).svd()
      let variance = s * s / (s * s).sum()
      for (array, layers, tasks) in [
        (s[..<20], 14, 20), (variance[..<20], 14, 20), ((u * s)[0..., ..<20], 15, 21),
        (vt[..<20].reshaped([20, 10, 12]), 15, 21),
      ] {
        let plan = try array.loweredPlan().layers.map(\.tasks)
        #expect(plan.count == layers, "\(plan.map(\.name))")
        #expect(plan.map(\.count).reduce(0, +) == tasks, "\(plan.map(\.count))")
      }
    }
  }
}
