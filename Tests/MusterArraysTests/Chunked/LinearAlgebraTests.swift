import Muster
import Testing

@Suite struct ChunkedLinearAlgebraTests {
  static func product(_ a: NDArray<Double>, _ b: NDArray<Double>) -> NDArray<Double> {
    let (x, y, k, n) = (a.elements, b.elements, a.shape[1], b.shape[1])
    return NDArray([a.shape[0], n]) { p in (0..<k).reduce(0) { $0 + x[p[0] * k + $1] * y[$1 * n + p[1]] } }
  }
  static func transposed(_ a: NDArray<Double>) -> NDArray<Double> {
    NDArray([a.shape[1], a.shape[0]]) { a[at: [$0[1], $0[0]]] }
  }

  @Test(arguments: 0..<15) func productsOfAnyChunks(seed: Int) async throws {
    var stream = Stream(seed)
    let (m, k, n) = (stream.int(1...12), stream.int(1...15), stream.int(1...9))
    let (a, b) = (stream.array([m, k]), stream.array([k, n]))
    let (chunksA, chunksB) = (stream.chunks([m, k]), stream.chunks([k, n]))
    try await inSession { session async throws in
      let (x, y) = (session.array(a, chunks: chunksA), session.array(b, chunks: chunksB))
      let expected = Self.product(a, b)
      expectClose(try await x.matmul(y).compute(), expected)
      expectClose(try await matmul(x * 2, y).compute(), NDArray(expected.elements.map { $0 * 2 }, shape: [m, n]))
      expectClose(try await x.matmul(y[0..., 0]).compute(), NDArray([m]) { expected[at: [$0[0], 0]] })
      expectClose(try await x[0].matmul(y).compute(), NDArray([n]) { expected[at: [0, $0[0]]] })
      expectClose(try await x[0].matmul(y[0..., 0]).compute(), NDArray([expected[at: [0, 0]]], shape: []))
    }
  }

  /// A matrix of given singular values, with orthogonal factors from products of reflections.
  static func matrix(_ m: Int, _ n: Int, values: [Double], seed: Int) -> NDArray<Double> {
    var stream = Stream(seed)
    var a = [Double](repeating: 0, count: m * n)
    for (index, value) in values.enumerated() { a[index * n + index] = value }
    func unit(_ count: Int) -> [Double] {
      let v = (0..<count).map { _ in stream.double() }
      let norm = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return v.map { $0 / norm }
    }
    for _ in 0..<3 {
      let (v, w) = (unit(m), unit(n))
      for j in 0..<n {
        let dot = (0..<m).reduce(0) { $0 + v[$1] * a[$1 * n + j] }
        for i in 0..<m { a[i * n + j] -= 2 * dot * v[i] }
      }
      for i in 0..<m {
        let dot = (0..<n).reduce(0) { $0 + w[$1] * a[i * n + $1] }
        for j in 0..<n { a[i * n + j] -= 2 * dot * w[j] }
      }
    }
    return NDArray(a, shape: [m, n])
  }

  static func check(
    _ a: NDArray<Double>, values: [Double]?, chunks: Chunks, tolerance: Double = 1e-12,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    try await inSession { session async throws in
      let (u, s, vt) = session.array(a, chunks: chunks).svd()
      let (uu, ss, vv) = try await session.compute(u, s, vt)
      let k = min(a.shape[0], a.shape[1])
      #expect(uu.shape == [a.shape[0], k] && ss.shape == [k] && vv.shape == [k, a.shape[1]])
      let largest = max(ss.elements[0], .leastNormalMagnitude)
      if let values {
        let error = zip(ss.elements, values).map { abs($0 - $1) }.max()! / largest
        #expect(error <= tolerance, "singular values", sourceLocation: sourceLocation)
      }
      #expect(ss.elements == ss.elements.sorted(by: >), sourceLocation: sourceLocation)
      let one = NDArray<Double>([k, k]) { $0[0] == $0[1] ? 1 : 0 }
      expectClose(
        product(transposed(uu), uu), one, within: tolerance, "U is orthogonal", sourceLocation: sourceLocation)
      expectClose(
        product(vv, transposed(vv)), one, within: tolerance, "V is orthogonal", sourceLocation: sourceLocation)
      let scaled = NDArray<Double>(uu.shape) { uu[at: $0] * ss.elements[$0[1]] }
      let residual = zip(product(scaled, vv).elements, a.elements).map { abs($0 - $1) }.max()! / largest
      #expect(residual <= tolerance, "U S Vᵀ is A", sourceLocation: sourceLocation)
      // The sign: the largest entry of the shorter side's vectors is positive, the first of equal ones.
      let short = a.shape[0] >= a.shape[1] ? vv : transposed(uu)
      for row in 0..<k {
        let entries = (0..<short.shape[1]).map { short[at: [row, $0]] }
        let magnitude = entries.map { abs($0) }.max()!
        #expect(entries.first { abs($0) >= magnitude * (1 - 1e-8) }! > 0, sourceLocation: sourceLocation)
      }
      // The singular values alone.
      let alone = try await s.compute()
      #expect(alone.elements == ss.elements, sourceLocation: sourceLocation)
    }
  }

  @Test func wellConditioned() async throws {
    let values = (0..<20).map { 10 - 0.4 * Double($0) }
    for chunks: Chunks in [[50, -1], [7, 6], [-1, 3], .auto, .exact([[100, 60, 37, 3], [20]])] {
      try await Self.check(Self.matrix(200, 20, values: values, seed: 1), values: values, chunks: chunks)
    }
  }

  @Test(arguments: [30.0, 1e3, 1e5, 1e7, 1e9, 1e12])
  func gradedSingularValues(condition: Double) async throws {
    let n = 15
    let values = (0..<n).map { Double.exp(-Double.log(condition) * Double($0) / Double(n - 1)) }
    try await Self.check(Self.matrix(160, n, values: values, seed: 2), values: values, chunks: [20, 4])
  }

  @Test func manyPanels() async throws {
    let values = (0..<4).map { 4 - Double($0) }
    for least in [1.0, 1e-3, 1e-9, 0] {
      let own = Array(values.dropLast()) + [least]
      try await Self.check(Self.matrix(203, 4, values: own, seed: 3), values: own, chunks: [5, -1])
    }
  }

  @Test func rankDeficient() async throws {
    let values = [5.0, 3, 1, 0, 0, 0]
    try await Self.check(Self.matrix(90, 6, values: values, seed: 4), values: values, chunks: [10, 3])
    // Anomalies: as many rows as the shorter side has, less one degree of freedom; more columns than rows.
    var stream = Stream(5)
    let raw = stream.array([24, 90])
    let means = (0..<90).map { column in (0..<24).reduce(0) { $0 + raw[at: [$1, column]] } / 24 }
    let anomalies = NDArray<Double>([24, 90]) { raw[at: $0] - means[$0[1]] }
    try await Self.check(anomalies, values: nil, chunks: [6, 40])
  }

  @Test func extremes() async throws {
    try await Self.check(NDArray([-3], shape: [1, 1]), values: [3], chunks: .auto)
    try await Self.check(NDArray([3, 4], shape: [2, 1]), values: [5], chunks: [1, 1])
    try await Self.check(NDArray([3, 4], shape: [1, 2]), values: [5], chunks: [1, 1])
    try await Self.check(
      NDArray([Double](repeating: 0, count: 12), shape: [4, 3]), values: [0, 0, 0], chunks: [2, -1])
    // The Gram matrix overflows, or vanishes.
    for scale in [1e200, 1e-200] {
      let values = [3.0, 2, 1].map { $0 * scale }
      try await Self.check(Self.matrix(30, 3, values: values, seed: 6), values: values, chunks: [7, -1])
    }
  }

  @Test func largerThanTheSmallestPreconditioned() async throws {
    var stream = Stream(8)
    try await Self.check(stream.array([280, 130]), values: nil, chunks: [100, 70])
    let values = (0..<130).map { Double.exp(-Double.log(3e3) * Double($0) / 129) }
    try await Self.check(Self.matrix(200, 130, values: values, seed: 9), values: values, chunks: [150, -1])
  }

  @Test func repeatedSingularValues() async throws {
    let values = (0..<140).map { $0 < 70 ? 2.0 : 1e-3 }
    try await Self.check(Self.matrix(300, 140, values: values, seed: 10), values: values, chunks: [100, -1])
  }

  /// Patterns with several entries of one magnitude: which one decides the sign mustn't hang on rounding, so that both
  /// sides of the decomposition go together, asked for one after the other, and any number of them.
  @Test func tiedEntriesGiveOneSign() async throws {
    // Antisymmetric and symmetric modes over 130 places.
    let n = 130
    let modes = NDArray<Double>([n, n]) { index in
      Double.cos(.pi * (Double(index[0]) + 0.5) * Double(index[1]) / Double(n))
    }
    var stream = Stream(12)
    let series = stream.array([200, n])
    let scaled = NDArray<Double>([200, n]) { series[at: $0] * Double.exp(-Double($0[1]) / 20) }
    let a = Self.product(scaled, Self.transposed(modes))
    try await inSession { session async throws in
      let (u, s, vt) = session.array(a, chunks: [80, -1]).svd()
      let (allU, values, allV) = try await session.compute(u, s, vt)
      for count in [1, 3, 17] {
        let (someU, someV) = (try await u[0..., ..<count].compute(), try await vt[..<count].compute())
        for mode in 0..<count {
          for row in 0..<200 { #expect(abs(someU[at: [row, mode]] - allU[at: [row, mode]]) < 1e-9) }
          for column in 0..<n { #expect(abs(someV[at: [mode, column]] - allV[at: [mode, column]]) < 1e-9) }
        }
      }
      #expect(values.elements[0] > values.elements[16])
    }
  }

  /// Of what doesn't fit, each pass makes the panels anew, and nothing of the matrix is kept for the next.
  @Test func aLargeMatrixIsPassedOverRatherThanKept() async throws {
    try await inSession { session async throws in
      func passes(rows: Int) throws -> [String: Int] {
        let a = session.full([rows, 500], 1.5, chunks: [20_000, -1])
        let names = try a.svd().u.loweredPlan().layers.map(\.tasks.name)
        return Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
      }
      let kept = try passes(rows: 100_000)
      #expect(kept["full"] == 1 && kept["svd-basis"] == 1, "\(kept)")
      let large = try passes(rows: 400_000)
      #expect(large["full"] == 3 && large["svd-basis"] == 2, "\(large)")
    }
  }

  @Test func nonFiniteInputIsNamed() async throws {
    for bad in [Double.nan, .infinity, -.infinity] {
      var elements = [Double](repeating: 1, count: 60)
      elements[43] = bad
      let array = NDArray(elements, shape: [20, 3])
      try await inSession { session async throws in
        let error = await musterError { _ = try await session.array(array, chunks: [5, -1]).svd().s.compute() }
        #expect(error?.code == .nonFiniteInput)
        #expect(error?.message.contains("svd") == true)
        #expect(error?.message.contains("rows 0..<20") == true)
        #expect(error?.callSite?.file.hasSuffix("LinearAlgebraTests.swift") == true)
      }
    }
  }

  @Test func sameBitsForAnyNumberOfThreads() async throws {
    var stream = Stream(11)
    let array = stream.array([300, 30])
    func run(_ threads: Int) async throws -> [UInt64] {
      try await inSession(threads: threads) { session async throws in
        let (u, s, vt) = session.array(array, chunks: [40, 11]).svd()
        let parts = try await session.compute(u, s, vt)
        return (parts.0.elements + parts.1.elements + parts.2.elements).map(\.bitPattern)
      }
    }
    #expect(try await run(1) == run(4))
  }
}
