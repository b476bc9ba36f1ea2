internal import RealModule

/// The condition number of an upper triangular matrix in the 2-norm, by power iteration on RᵀR and on its inverse.
///
/// LAPACK's estimators work in the 1-norm and the infinity norm, which are off by up to n.
enum TriangularCondition {
  private static let steps = 6

  /// An estimate from below, as a rule within a factor of two; infinite where the diagonal has a zero.
  ///
  /// - Complexity: O(n²).
  static func estimate(_ r: NDArray<Double>) -> Double {
    let n = r.shape[0]
    return r.withElements { r in
      guard (0..<n).allSatisfy({ r[$0 * n + $0] != 0 }) else { return Double.infinity }
      // A fixed start with all frequencies in it: never orthogonal to a singular vector but by malice.
      let start = (0..<n).map { 1 + 0.5 * Double.sin(Double($0) * 1.7 + 0.3) }
      var x = normalized(start).vector
      var largest = 0.0
      for _ in 0..<steps {
        let (vector, norm) = normalized(multiplyTransposed(r, n, multiply(r, n, x)))
        (x, largest) = (vector, norm)
      }
      x = normalized(start).vector
      var inverse = 0.0
      for _ in 0..<steps {
        let (vector, norm) = normalized(solve(r, n, solveTransposed(r, n, x)))
        (x, inverse) = (vector, norm)
      }
      let condition = Double.sqrt(largest) * Double.sqrt(inverse)
      return condition.isFinite ? condition : .infinity
    }
  }

  private static func normalized(_ x: [Double]) -> (vector: [Double], norm: Double) {
    let norm = Double.sqrt(x.reduce(0) { $0 + $1 * $1 })
    return (x.map { $0 / norm }, norm)
  }

  private static func multiply(_ r: UnsafeBufferPointer<Double>, _ n: Int, _ x: [Double]) -> [Double] {
    (0..<n).map { row in dot(r, x, row: row, size: n, from: row) }
  }

  private static func multiplyTransposed(_ r: UnsafeBufferPointer<Double>, _ n: Int, _ x: [Double]) -> [Double] {
    var y = [Double](repeating: 0, count: n)
    for row in 0..<n {
      for column in row..<n { y[column] += r[row * n + column] * x[row] }
    }
    return y
  }

  /// The product of a row of R, from a column on, and x; in eight sums, which needn't wait for each other.
  private static func dot(
    _ r: UnsafeBufferPointer<Double>, _ x: [Double], row: Int, size n: Int, from first: Int
  ) -> Double {
    x.withUnsafeBufferPointer { x in
      var sums = SIMD8<Double>.zero
      var column = first
      while column + 8 <= n {
        let entries = UnsafeRawPointer(r.baseAddress! + row * n + column).loadUnaligned(as: SIMD8<Double>.self)
        sums += entries * UnsafeRawPointer(x.baseAddress! + column).loadUnaligned(as: SIMD8<Double>.self)
        column += 8
      }
      var sum = sums.sum()
      while column < n {
        sum += r[row * n + column] * x[column]
        column += 1
      }
      return sum
    }
  }

  /// R⁻¹ x.
  private static func solve(_ r: UnsafeBufferPointer<Double>, _ n: Int, _ x: [Double]) -> [Double] {
    var y = x
    for row in (0..<n).reversed() {
      y[row] = (y[row] - dot(r, y, row: row, size: n, from: row + 1)) / r[row * n + row]
    }
    return y
  }

  /// R⁻ᵀ x.
  private static func solveTransposed(_ r: UnsafeBufferPointer<Double>, _ n: Int, _ x: [Double]) -> [Double] {
    var y = x
    for row in 0..<n {
      y[row] /= r[row * n + row]
      let value = y[row]
      for column in (row + 1)..<n { y[column] -= r[row * n + column] * value }
    }
    return y
  }
}
