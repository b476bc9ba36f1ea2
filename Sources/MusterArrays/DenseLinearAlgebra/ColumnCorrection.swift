internal import MusterRuntime
internal import RealModule

/// A rotation of all pairs of a matrix's columns at once that makes them orthogonal to first order, where they nearly
/// are: the entries x_ab = g_ab / (g_bb - g_aa) of an antisymmetric X, from the columns' Gram matrix G.
package struct ColumnCorrection {
  /// A pair of columns whose rotation is larger isn't separated well enough for it.
  private static let largestRotation = 1e-3

  /// X.
  let rotation: NDArray<Double>
  /// The largest off-diagonal entry of the normalised Gram matrix before the correction.
  package let residual: Double
  /// The largest entry of X.
  package let largest: Double
  /// The sum of the squares of X's entries.
  let sumOfSquares: Double
  /// The squared norms of the columns before the correction, and after it to second order.
  private let squaresBefore: [Double]
  let squares: [Double]

  /// - Parameters:
  ///   - gram: BᵀB (n × n) of the columns B; what is below the diagonal isn't read.
  ///   - accepted: off-diagonal entries of the normalised Gram matrix that count as zero.
  /// - Returns: nil where a pair isn't separated, or a column is zero.
  /// - Throws: `MusterError` with code `outOfMemory`.
  package init?(gram: NDArray<Double>, accepted: Double) throws {
    let n = gram.shape[0]
    let diagonal = gram.withElements { g in (0..<n).map { g[$0 * n + $0] } }
    guard diagonal.allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
    let inverseNorms = diagonal.map { 1 / Double.sqrt($0) }
    var squares = diagonal
    var (residual, largest, sumOfSquares) = (0.0, 0.0, 0.0)
    var isSeparated = true
    rotation = try gram.withElements { g in
      try NDArray<Double>(allocating: [n, n]) { x in
        for i in 0..<n {
          x[i * n + i] = 0
          let (own, inverseNorm) = (diagonal[i], inverseNorms[i])
          for j in i + 1..<n {
            let off = g[i * n + j]
            let relative = abs(off) * inverseNorm * inverseNorms[j]
            residual = max(residual, relative)
            let gap = diagonal[j] - own
            var angle = 0.0
            if relative > accepted / 8 {
              isSeparated = isSeparated && abs(off) <= Self.largestRotation * abs(gap)
              angle = off / gap
            }
            x[i * n + j] = angle
            largest = max(largest, abs(angle))
            sumOfSquares += 2 * angle * angle
            squares[i] -= off * angle
            squares[j] += off * angle
          }
        }
        NDArray<Double>.forTilesBelowDiagonal(n) { row, column in x[row * n + column] = -x[column * n + row] }
      }
    }
    guard isSeparated, residual.isFinite else { return nil }
    (self.residual, self.largest, self.sumOfSquares) = (residual, largest, sumOfSquares)
    (squaresBefore, self.squares) = (diagonal, squares)
  }

  /// The Gram matrix after the columns were multiplied by exp(X), to second order: its upper triangle.
  ///
  /// With G = D + O and DX - XD = -O, which is how X was chosen, exp(-X) G exp(X) is D + (OX - XO) / 2 and terms of
  /// third order; OX - XO is OX and its transpose.
  package func corrected(_ gram: NDArray<Double>) throws -> NDArray<Double> {
    let n = gram.shape[0]
    let product = try gram.matmul(rotation)
    return try product.withElements { product in
      try rotation.withElements { x in
        try NDArray<Double>(allocating: [n, n]) { result in
          NDArray<Double>.forTilesBelowDiagonal(n) { row, column in
            let above = product[column * n + row] - squaresBefore[column] * x[column * n + row]
            let below = product[row * n + column] - squaresBefore[row] * x[row * n + column]
            result[column * n + row] = 0.5 * (above + below)
          }
          for index in 0..<n { result[index * n + index] = squares[index] }
        }
      }
    }
  }

  /// exp(X) less the identity, to second order: X + X²/2, with `second` added, a correction of what X leaves. What
  /// that lacks to be orthogonal is X⁴/4, so -X⁴/8 is added where that is more than rounding.
  package func exponential(adding second: ColumnCorrection? = nil) throws -> NDArray<Double> {
    // The entries of X² are below ‖X‖²: under half a rounding they change nothing.
    guard sumOfSquares > 1e-17 || second != nil else { return rotation }
    // X² is -XᵀX, a symmetric product, and X⁴ the square of that.
    let square = try rotation.gram()
    var sum = try rotation.adding(square, times: -0.5)
    if sumOfSquares > 1e-8 { sum = try sum.adding(square.gram(), times: -0.125) }
    return try second.map { try sum.adding($0.rotation, times: 1) } ?? sum
  }
}

extension NDArray<Double> {
  fileprivate func adding(_ other: NDArray<Double>, times factor: Double) throws -> NDArray<Double> {
    try withElements { a in
      try other.withElements { b in
        try NDArray<Double>(allocating: shape) { sum in
          for index in a.indices { sum[index] = a[index] + factor * b[index] }
        }
      }
    }
  }
}
