import Muster
import Testing

@Suite struct ChunkedArithmeticTests {
  @Test(arguments: 0..<20) func broadcastsAnyChunks(seed: Int) async throws {
    var stream = Stream(seed)
    let shape = [stream.int(1...5), stream.int(1...6), stream.int(1...7)]
    var (one, two) = (shape, shape)
    for axis in 0..<3 {
      if stream.int(0...3) == 0 { one[axis] = 1 }
      if stream.int(0...3) == 0 { two[axis] = 1 }
    }
    if one[0] == 1, stream.int(0...1) == 0 { one.removeFirst() }
    let (a, b) = (stream.array(one), stream.array(two))
    let full = zip(one.count == 3 ? one : [1] + one, two).map { max($0, $1) }
    func at(_ array: NDArray<Double>, _ position: [Int]) -> Double {
      let tail = position.suffix(array.shape.count)
      return array[at: zip(tail, array.shape).map { $1 == 1 ? 0 : $0 }]
    }
    let (chunksA, chunksB) = (stream.chunks(one), stream.chunks(two))
    try await inSession { session async throws in
      let (x, y) = (session.array(a, chunks: chunksA), session.array(b, chunks: chunksB))
      let (sum, mixed, less) = try await session.compute(x + y, (x - 2) * y / (x.square() + 1), x .< y)
      expectEqual(sum, NDArray(full) { at(a, $0) + at(b, $0) })
      expectEqual(mixed, NDArray(full) { (at(a, $0) - 2) * at(b, $0) / (at(a, $0) * at(a, $0) + 1) })
      expectEqual(less, NDArray(full) { at(a, $0) < at(b, $0) })
    }
  }

  @Test func functionsAndChoices() async throws {
    let values: [Double] = [0.25, 1, 2.5, 9]
    try await inSession { session async throws in
      let x = session.array(NDArray(values), chunks: [3])
      #expect(try await sqrt(x).compute().elements == values.map { $0.squareRoot() })
      #expect(try await clip(x, min: 1, max: 3).compute().elements == [1, 1, 2.5, 3])
      #expect(try await which(x .> 1, x, 0).compute().elements == [0, 0, 2.5, 9])
      #expect(try await ((x .> 1) .&& (.!(x .> 5))).compute().elements == [false, false, true, false])
      #expect(try await maximum(-x, -2).compute().elements == [-0.25, -1, -2, -2])
      #expect(try await x.asType(Int.self).compute().elements == [0, 1, 2, 9])
      #expect(try await (x.asType(Int.self) / 2).compute().elements == [0, 0, 1, 4])
      expectClose(try await log(exp(x)).compute(), NDArray(values))
      expectClose(try await (square(sin(x)) + square(cos(x))).compute(), NDArray([1, 1, 1, 1]))
    }
  }

  @Test(arguments: 0..<20) func reductionsOfAnyChunks(seed: Int) async throws {
    var stream = Stream(seed)
    let shape = [stream.int(1...20), stream.int(1...9), stream.int(1...5)]
    let array = stream.array(shape)
    let axes = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]][stream.int(0...6)]
    let kept = [0, 1, 2].filter { !axes.contains($0) }
    var groups: [[Int]: [Double]] = [:]
    for position in indices(of: shape) { groups[kept.map { position[$0] }, default: []].append(array[at: position]) }
    func expected(_ body: ([Double]) -> Double) -> NDArray<Double> {
      NDArray(kept.map { shape[$0] }) { body(groups[$0]!) }
    }
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    func variance(_ x: [Double]) -> Double {
      let m = mean(x)
      return x.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(x.count)
    }
    let chunks = stream.chunks(shape)
    try await inSession { session async throws in
      let x = session.array(array, chunks: chunks)
      let (sum, product, average, spread, deviation, least, most, any) = try await session.compute(
        x.sum(axes: axes), x.product(axes: axes), x.mean(axes: axes), x.variance(axes: axes),
        x.standardDeviation(axes: axes), x.min(axes: axes), x.max(axes: axes), (x .> 0.5).any(axes: axes))
      expectClose(sum, expected { $0.reduce(0, +) })
      expectClose(product, expected { $0.reduce(1, *) })
      expectClose(average, expected(mean))
      expectClose(spread, expected(variance))
      expectClose(deviation, expected { variance($0).squareRoot() })
      expectEqual(least, expected { $0.min()! })
      expectEqual(most, expected { $0.max()! })
      expectEqual(any, NDArray(kept.map { shape[$0] }) { groups[$0]!.contains { $0 > 0.5 } })
      #expect(x.sum(axes: axes, keepDims: true).shape == shape.indices.map { axes.contains($0) ? 1 : shape[$0] })
    }
  }

  @Test func sameChunksSameBits() async throws {
    var stream = Stream(3)
    let array = stream.array([997, 31])
    func run(_ threads: Int) async throws -> [UInt64] {
      try await inSession(threads: threads) { session async throws in
        let x = session.array(array, chunks: [10, 7])
        let z = (x - x.mean(axis: 0)) / x.standardDeviation(axis: 0)
        let (a, b) = try await session.compute(z.sum(), (z * 3).variance(axis: 1))
        return (a.elements + b.elements).map(\.bitPattern)
      }
    }
    let one = try await run(1)
    #expect(try await run(3) == one)
    #expect(try await run(3) == one)
  }

  @Test func integerSumsWiden() async throws {
    try await inSession { session async throws in
      let x = session.full([1000], Int8(100), chunks: [300])
      #expect(try await x.sum().compute().elements == [100_000])
      #expect(try await x.mean().compute().elements == [100.0])
      #expect(try await (x .== 100).sum().compute().elements == [1000])
    }
  }
}
