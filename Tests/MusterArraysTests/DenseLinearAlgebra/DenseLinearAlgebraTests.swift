import MusterArrays
import MusterRuntime
import MusterSimulation
import Testing

/// A matrix of values in -1...1 from a seed.
private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> NDArray<Double> {
  var random = SplitMix64(seed: seed)
  return NDArray<Double>(shape: [rows, columns]) { elements in
    for index in elements.indices { elements[index] = Double(Int64(bitPattern: random.next())) / 0x1p63 }
  }
}

private func transposed(_ a: NDArray<Double>) -> NDArray<Double> {
  let (rows, columns) = (a.shape[0], a.shape[1])
  return a.withElements { a in
    NDArray<Double>(shape: [columns, rows]) { t in
      for row in 0..<rows { for column in 0..<columns { t[column * rows + row] = a[row * columns + column] } }
    }
  }
}

private func distance(_ a: NDArray<Double>, _ b: NDArray<Double>) -> Double {
  #expect(a.shape == b.shape)
  return zip(a.elements, b.elements).map { abs($0 - $1) }.max() ?? 0
}

private func identity(_ n: Int) -> NDArray<Double> {
  NDArray<Double>(shape: [n, n]) { e in
    e.initialize(repeating: 0)
    for i in 0..<n { e[i * n + i] = 1 }
  }
}

private func scaledColumns(_ a: NDArray<Double>, by s: [Double]) -> NDArray<Double> {
  let columns = a.shape[1]
  return a.withElements { a in
    NDArray<Double>(shape: [a.count / max(1, columns), columns]) { e in
      for index in e.indices { e[index] = a[index] * s[index % columns] }
    }
  }
}

/// A square matrix with the given singular values.
private func matrix(singularValues s: [Double], seed: UInt64) throws -> NDArray<Double> {
  let n = s.count
  let u = try random(n, n, seed: seed).qr().q
  let v = try random(n, n, seed: seed &+ 1).qr().q
  return try scaledColumns(u, by: s).matmul(transposed(v))
}

struct DenseLinearAlgebraTests {
  static let shapes = [(1, 1), (5, 1), (1, 5), (7, 7), (40, 13), (13, 40), (130, 65)]

  @Test(arguments: shapes)
  func productsMatchTheDefinition(rows: Int, columns: Int) throws {
    let a = random(rows, columns, seed: 1)
    let b = random(columns, 6, seed: 2)
    let product = try a.matmul(b)
    for i in 0..<rows {
      for j in 0..<6 {
        let expected = (0..<columns).reduce(0.0) { $0 + a.elements[i * columns + $1] * b.elements[$1 * 6 + j] }
        #expect(abs(product.elements[i * 6 + j] - expected) < 1e-13)
      }
    }
    #expect(try distance(a.gram(), transposed(a).matmul(a)) < 1e-12)
    var c = random(rows, 6, seed: 3)
    let before = c
    try NDArray.gemm(transposed(a), .transposed, transposed(b), .transposed, alpha: 2, beta: -1, into: &c)
    let expected = zip(product.elements, before.elements).map { 2 * $0 - $1 }
    #expect(zip(c.elements, expected).allSatisfy { abs($0 - $1) < 1e-12 })
    // The array that was there before is untouched.
    #expect(before.elements == random(rows, 6, seed: 3).elements)
  }

  @Test(arguments: shapes)
  func qrIsThinOrthogonalAndUnique(rows: Int, columns: Int) throws {
    let a = random(rows, columns, seed: 4)
    let (q, r) = try a.qr()
    let k = min(rows, columns)
    #expect(q.shape == [rows, k] && r.shape == [k, columns])
    #expect(try distance(q.matmul(r), a) < 1e-13)
    #expect(try distance(q.gram(), identity(k)) < 1e-13)
    for i in 0..<k {
      #expect(r.elements[i * columns + i] >= 0)
      for j in 0..<i { #expect(r.elements[i * columns + j] == 0) }
    }
  }

  @Test(arguments: shapes)
  func svdReconstructs(rows: Int, columns: Int) throws {
    let a = random(rows, columns, seed: 5)
    let (u, s, vt) = try a.svd()
    let k = min(rows, columns)
    #expect(u.shape == [rows, k] && s.shape == [k] && vt.shape == [k, columns])
    #expect(try distance(scaledColumns(u, by: s.elements).matmul(vt), a) < 1e-12)
    #expect(try distance(u.gram(), identity(k)) < 1e-13)
    #expect(try distance(transposed(vt).gram(), identity(k)) < 1e-13)
    #expect(s.elements == s.elements.sorted(by: >))
  }

  @Test func choleskyTrianglesAndEigenvalues() throws {
    let a = random(60, 20, seed: 6)
    let gram = try a.gram()
    let (r, info) = try gram.cholesky()
    #expect(info == 0)
    #expect(try distance(r.gram(), gram) < 1e-12)
    #expect(try distance(a.solvingRightUpper(r).matmul(r), a) < 1e-12)
    #expect(try distance(r.matmul(random(20, 4, seed: 7).solvingLeftUpper(r)), random(20, 4, seed: 7)) < 1e-12)
    let (values, vectors) = try gram.eigh()
    #expect(try distance(gram.matmul(vectors), scaledColumns(vectors, by: values.elements)) < 1e-12)
    #expect(values.elements == values.elements.sorted())
    var indefinite = identity(3).elements
    indefinite[4] = -1
    #expect(try NDArray(indefinite, shape: [3, 3]).cholesky().info > 0)
  }

  @Test func nonFiniteValuesAreSeen() {
    #expect(random(9, 9, seed: 8).allFinite)
    for value in [Double.nan, .infinity, -.infinity] {
      var elements = random(9, 9, seed: 8).elements
      elements[40] = value
      #expect(!NDArray(elements).allFinite)
    }
  }

  /// A product is added in place where nobody else has the memory, and to a copy where somebody has.
  @Test func sharedMemoryIsLeftAlone() throws {
    let (a, b) = (random(5, 4, seed: 21), random(4, 6, seed: 22))
    let start = random(5, 6, seed: 23)
    let before = start.elements
    var sum = start
    try NDArray<Double>.gemm(a, .none, b, .none, beta: 1, into: &sum)
    #expect(start.elements == before)
    #expect(sum.elements != before)
    let address = sum.withElements { $0.baseAddress }
    let product = try a.matmul(b)
    try NDArray<Double>.gemm(a, .none, b, .none, beta: 1, into: &sum)
    #expect(sum.withElements { $0.baseAddress } == address)
    for (index, value) in sum.elements.enumerated() {
      #expect(abs(value - before[index] - 2 * product.elements[index]) < 1e-14)
    }
  }

  @Test func misfitsAreNamed() {
    let error = #expect(throws: MusterError.self) { try random(3, 4, seed: 1).matmul(random(3, 4, seed: 1)) }
    #expect(error?.message.contains("[3, 4] and [3, 4]") == true)
    #expect(throws: MusterError.self) { try NDArray([1.0, 2.0]).matmul(random(2, 2, seed: 1)) }
  }

  /// Falling as 1/i, evenly, over four and over six decades; a few modes over a floor of close ones, which needs
  /// corrections of second order; and a single one.
  static let spectra: [[Double]] = [
    (1...120).map { (i: Int) -> Double in 1 / Double(i) },
    (0..<120).map { (i: Int) -> Double in 1 - 0.98 * Double(i) / 119 },
    (0..<120).map { (i: Int) -> Double in power(0.9257, i) },
    (0..<120).map { (i: Int) -> Double in power(0.8904, i) },
    (1...120).map { (i: Int) -> Double in i <= 20 ? 100 / Double(i) : 1e-2 * (1 - 1e-3 * Double(i)) },
    (1...200).map { (i: Int) -> Double in i <= 20 ? 1 / Double(i) : 3e-5 * (1 - 1e-3 * Double(i)) },
    [3.5],
  ]

  private static func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { product, _ in product * base }
  }

  @Test(arguments: spectra)
  func thePreconditionedDecompositionIsAsAccurateAsLAPACKs(singularValues: [Double]) throws {
    let n = singularValues.count
    let a = try matrix(singularValues: singularValues, seed: 11).qr().r
    let guess = try a.gram().eigh().vectors
    let svd = try #require(try PreconditionedSVD(product: a.matmul(guess), guess: guess))
    let (u, s, vt) = (try svd.left(0..<n), svd.values, try svd.right(0..<n))
    let reference = try a.svd()
    #expect(zip(s.elements, reference.s.elements).allSatisfy { abs($0 / $1 - 1) < 1e-13 })
    #expect(s.elements == s.elements.sorted(by: >))
    #expect(try distance(u.gram(), identity(n)) < 1e-13)
    #expect(try distance(transposed(vt).gram(), identity(n)) < 1e-13)
    #expect(try distance(scaledColumns(u, by: s.elements).matmul(vt), a) < 1e-14 * Double(n))
  }

  /// Repeated, or zero, singular values aren't separated: the caller falls back on LAPACK.
  @Test func thePreconditionedDecompositionKnowsWhenItCannot() throws {
    let values = (0..<60).map { $0 < 30 ? 1.0 : 1e-5 }
    let a = try matrix(singularValues: values, seed: 13).qr().r
    let guess = try a.gram().eigh().vectors
    #expect(try PreconditionedSVD(product: a.matmul(guess), guess: guess) == nil)
    let zero = NDArray<Double>(shape: [4, 4]) { $0.initialize(repeating: 0) }
    #expect(try PreconditionedSVD(product: zero, guess: identity(4)) == nil)
  }

  /// Also where the rotation is so large that its fourth power counts.
  @Test(arguments: [1e-6, 1e-5, 4e-5]) func aCorrectionIsOrthogonal(size: Double) throws {
    let n = 40
    let noise = random(n, n, seed: 19)
    let gram = NDArray<Double>(shape: [n, n]) { gram in
      noise.withElements { noise in
        for row in 0..<n {
          for column in 0..<n {
            let small = size * (noise[row * n + column] + noise[column * n + row])
            gram[row * n + column] = row == column ? 1 + 0.1 * Double(row) : small
          }
        }
      }
    }
    let x = try #require(try ColumnCorrection(gram: gram, accepted: 1e-15)).exponential()
    let rotation = NDArray<Double>(zip(x.elements, identity(n).elements).map { $0 + $1 }, shape: [n, n])
    #expect(try distance(rotation.gram(), identity(n)) < 2e-15)
  }

  /// What is left of a nearly diagonal Gram matrix, against the rotation carried out.
  @Test func aCorrectionKnowsWhatItLeaves() throws {
    let n = 40
    let noise = random(n, n, seed: 17)
    let gram = NDArray<Double>(shape: [n, n]) { gram in
      noise.withElements { noise in
        for row in 0..<n {
          for column in 0..<n {
            let small = 1e-6 * (noise[row * n + column] + noise[column * n + row])
            gram[row * n + column] = row == column ? 1 + 0.1 * Double(row) : small
          }
        }
      }
    }
    let correction = try #require(try ColumnCorrection(gram: gram, accepted: 1e-15))
    #expect(correction.residual > 1e-7 && correction.largest > 1e-6)
    let x = try correction.exponential()
    let rotation = NDArray<Double>(zip(x.elements, identity(n).elements).map { $0 + $1 }, shape: [n, n])
    #expect(try distance(rotation.gram(), identity(n)) < 1e-15)
    let carriedOut = try transposed(rotation).matmul(gram).matmul(rotation)
    let foretold = try correction.corrected(gram)
    for row in 0..<n {
      for column in row..<n {
        let difference = abs(carriedOut.elements[row * n + column] - foretold.elements[row * n + column])
        #expect(difference < 2e-14)
        // Of second order, where it was of first.
        #expect(row == column || abs(foretold.elements[row * n + column]) < 1e-9)
      }
    }
    let second = try #require(try ColumnCorrection(gram: foretold, accepted: 1e-15))
    let both = try correction.exponential(adding: second)
    let once = NDArray<Double>(zip(both.elements, identity(n).elements).map { $0 + $1 }, shape: [n, n])
    let left = try transposed(once).matmul(gram).matmul(once)
    for row in 0..<n {
      for column in 0..<row { #expect(abs(left.elements[row * n + column]) < 1e-14) }
    }
  }
}
