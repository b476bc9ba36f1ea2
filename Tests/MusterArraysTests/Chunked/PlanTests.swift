import Muster
import Testing

@Suite struct ChunkedPlanTests {
  @Test func aChainWithItsReductionIsOneLayerAndATree() async throws {
    try await inSession { session async throws in
      let x = session.array(Stream.numbers(64), chunks: [4])
      let plan = try ((x - 3) / 2).sum().loweredPlan()
      // 16 partial sums, 2 combined, 1 result.
      #expect(plan.layers.map(\.tasks.count) == [16, 2, 1], "\(plan.layers.map(\.tasks.name))")
      #expect(plan.layers[0].tasks.name.hasSuffix("sum"))
    }
  }

  @Test func anElementwiseExpressionIsOneLayer() async throws {
    try await inSession { session async throws in
      let x = session.array(Stream.numbers(64), chunks: [4])
      let y = session.array(Stream.numbers(64), chunks: [8])
      #expect(try sqrt(abs(x * 2 + 1)).loweredPlan().layers.count == 1)
      // y is cut to x's chunks on the way.
      #expect(try (sqrt(abs(x)) + y).loweredPlan().layers.map(\.tasks.count) == [16])
    }
  }

  @Test func heavyWorkForSeveralIsDoneOnce() async throws {
    try await inSession { session async throws in
      let x = exp(session.array(Stream.numbers(64), chunks: [32]))
      let plan = try (x - x.mean()).loweredPlan()
      #expect(plan.layers.map(\.tasks.count) == [2, 2, 1, 2], "\(plan.layers.map(\.tasks.name))")
      let light = session.array(Stream.numbers(64), chunks: [32]) + 1
      #expect(try (light - light.mean()).loweredPlan().layers.map(\.tasks.count) == [2, 1, 2])
    }
  }

  @Test func slicesNeedOnlyWhatTheyTake() async throws {
    try await inSession { session async throws in
      // The closure of a chunk that isn't needed would throw.
      let x = session.fromFunction([100], as: Double.self, chunks: [10]) { index in
        guard index[0] >= 40, index[0] < 50 else { throw MusterError(.taskFailed, "\(index)") }
        return Double(index[0])
      }
      #expect(try await x[42..<44].compute().elements == [42, 43])
    }
  }

  @Test func longChainsAreCutAndDontOverflow() async throws {
    try await inSession { session async throws in
      var x = session.array(Stream.numbers(10), chunks: [5])
      // Let go of as well as computed: neither goes down the chain on the stack.
      for _ in 0..<100_000 { x = x + 1 }
      #expect(try await x.compute().elements == (0..<10).map { Double($0) + 100_000 })
    }
  }

  @Test func chunksAreChosenFromShapeAndTypeAlone() async throws {
    try await inSession { session async throws in
      let x = session.zeros([20_000, 2_000], as: Double.self)
      #expect(x.grid.counts[1] == 1)
      let bytes = x.grid.sizes[0].map { $0 * 2_000 * 8 }
      #expect(bytes.max()! <= 16 << 20)
      #expect(x.grid.count >= 32)
      #expect(session.zeros([10, 10], as: Double.self).grid.count == 1)
    }
  }
}

extension Stream {
  static func numbers(_ count: Int) -> NDArray<Double> { NDArray((0..<count).map { Double($0) }) }
}

@Suite struct ChunkedMisuseTests {
  @Test func shapesThatDontBroadcastAreBothNamed() async throws {
    try await inSession { session async throws in
      let wrong = (session.ones([3, 4], as: Double.self) + session.ones([5], as: Double.self)) * 2
      for error in [
        await musterError { try wrong.validate() }, await musterError { _ = try await wrong.sum().compute() },
        await musterError { try await sqrt(wrong).write(to: "/nonexistent/x.h5", dataset: "x") },
      ] {
        #expect(error?.code == .shapeMismatch)
        #expect(error?.message.contains("[3, 4]") == true && error?.message.contains("[5]") == true)
      }
    }
  }

  @Test func badChunksAndAxes() async throws {
    try await inSession { session async throws in
      let line = #line + 1
      let zero = session.ones([3, 4], as: Double.self, chunks: [0, 2])
      let error = await musterError { try zero.validate() }
      #expect(error?.code == .invalidChunks)
      #expect(error?.callSite?.line == line)
      let x = session.ones([3, 4], as: Double.self)
      let cases: [(ChunkedArray<Double>, MusterError.Code)] = [
        (x.rechunked([1]), .invalidChunks), (x.rechunked(.exact([[1, 1], [4]])), .invalidChunks),
        (x.rechunked([-2, 1]), .invalidChunks), (x.sum(axis: 2), .invalidAxis),
        (x.sum(axes: [0, 0]), .invalidAxis), (x.sum(axes: [0, 1, 2]), .invalidAxis),
        (x.transposed([0]), .invalidAxis), (x.transposed([0, 0]), .invalidAxis), (x[0, 0, 0], .invalidAxis),
        (x[3], .indexOutOfRange), (x[0..., ..<5], .indexOutOfRange), (x[-4], .indexOutOfRange),
        (x.reshaped([5, -1]), .shapeMismatch), (x.reshaped([13]), .shapeMismatch),
        (x.matmul(x), .shapeMismatch), (x.broadcast(to: [4, 3]), .shapeMismatch),
        (concatenated([x, x.transposed()]), .shapeMismatch), (x.sum().svd().s, .shapeMismatch),
      ]
      for (array, code) in cases {
        #expect(await musterError { try array.validate() }?.code == code, "\(array)")
        #expect(await musterError { _ = try await (array + 1).compute() }?.code == code)
      }
    }
  }

  @Test func elementTypesAreStrict() async throws {
    try await inSession { session async throws in
      let erased = session.ones([3], as: Float.self).erased
      let error = await musterError { _ = try erased.as(Double.self) }
      #expect(error?.code == .elementTypeMismatch)
      #expect(error?.message.contains("Float") == true && error?.message.contains("Double") == true)
      #expect(try await erased.asType(Double.self).compute().elements == [1, 1, 1])
    }
  }
}
