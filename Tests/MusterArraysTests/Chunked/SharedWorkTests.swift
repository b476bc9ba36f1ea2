import Muster
import Testing

/// What several need is made a bounded number of times, however deep an expression nests: light operations that feed each
/// other.
@Suite(.timeLimit(.minutes(2))) struct SharedWorkTests {
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
}
