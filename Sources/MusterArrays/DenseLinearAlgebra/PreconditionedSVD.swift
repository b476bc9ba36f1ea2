internal import MusterRuntime
internal import RealModule

/// The singular value decomposition of a square matrix from a good guess at its right singular vectors.
///
/// With V₁ from the eigenvectors of AᵀA, the columns of B = A V₁ are orthogonal but for what the squaring lost:
/// relative to the columns' norms, about ε κ². One or two first-order Jacobi corrections, each applied to all pairs of
/// columns at once by matrix products, bring that down to rounding (the quadratic convergence of Ogita and Aishima,
/// "Iterative refinement for symmetric eigenvalue decomposition", Japan J. Indust. Appl. Math. 35, 2018, for B's
/// columns, as in the one-sided Jacobi method of Demmel and Veselić, SIAM J. Matrix Anal. Appl. 13, 1992). The result
/// is as accurate as LAPACK's, in half of its time: nearly all work is in matrix products.
package enum PreconditionedSVD {
  /// Off-diagonal entries of the normalised BᵀB that count as zero, times √n.
  private static let tolerance = 1e-15
  /// A pair of columns whose first-order rotation is larger isn't separated well enough for it.
  private static let largestRotation = 1e-3
  private static let iterations = 4

  /// - Parameters:
  ///   - a: a square matrix (n × n).
  ///   - v: an orthogonal matrix (n × n) whose columns are nearly `a`'s right singular vectors.
  /// - Returns: U (n × n), the singular values in descending order, and Vᵀ (n × n); nil where columns are too close for
  ///   the corrections to converge, as with repeated singular values, or where a singular value is zero.
  /// - Complexity: six to ten products of n × n matrices.
  package static func decompose(
    _ a: NDArray<Double>, guess v: NDArray<Double>
  ) throws -> (u: NDArray<Double>, s: NDArray<Double>, vt: NDArray<Double>)? {
    try decompose(product: a.matmul(v), guess: v)
  }

  /// The same where the product of the matrix and the guess, `a.matmul(v)`, is known already.
  static func decompose(
    product: NDArray<Double>, guess v: NDArray<Double>
  ) throws -> (u: NDArray<Double>, s: NDArray<Double>, vt: NDArray<Double>)? {
    let n = v.shape[0]
    let accepted = tolerance * Double.sqrt(Double(n))
    var v = v
    var b = product
    var isConverged = false
    for _ in 0..<iterations {
      guard let step = try Correction(gram: b.gram(), accepted: accepted) else { return nil }
      if step.residual <= accepted {
        isConverged = true
        break
      }
      v = try step.applied(to: v)
      b = try step.applied(to: b)
      // What is left is of second order: the product of what was there and the rotation that removed it.
      // The n terms of that product have no common sign.
      if step.residual * step.largest * Double.sqrt(Double(n)) <= accepted {
        isConverged = true
        break
      }
    }
    return isConverged ? normalized(b, v) : nil
  }

  /// One correction of all pairs: the antisymmetric matrix X of rotations, with its second-order term.
  private struct Correction {
    /// X + X²/2, so that I + this is orthogonal to third order; nil where nothing has to be rotated.
    var rotation: NDArray<Double>
    /// The largest normalised off-diagonal entry before the correction.
    var residual: Double
    /// The largest rotation.
    var largest: Double

    /// nil where a pair isn't separated, or a column is zero.
    init?(gram: NDArray<Double>, accepted: Double) throws {
      let n = gram.shape[0]
      var residual = 0.0
      var largest = 0.0
      var sumOfSquares = 0.0
      var isSeparated = true
      let x = gram.withElements { g in
        NDArray<Double>(shape: [n, n]) { x in
          for i in 0..<n { x[i * n + i] = 0 }
          let norms = (0..<n).map { Double.sqrt(g[$0 * n + $0]) }
          for i in 0..<n {
            let own = g[i * n + i]
            guard own > 0, own.isFinite else {
              isSeparated = false
              continue
            }
            for j in 0..<i {
              let off = g[i * n + j]
              let relative = abs(off) / (norms[i] * norms[j])
              residual = max(residual, relative)
              let gap = g[j * n + j] - own
              var angle = 0.0
              if relative > accepted / 8 {
                if abs(off) > largestRotation * abs(gap) {
                  isSeparated = false
                } else {
                  angle = off / gap
                }
              }
              x[i * n + j] = angle
              x[j * n + i] = -angle
              largest = max(largest, abs(angle))
              sumOfSquares += 2 * angle * angle
            }
          }
        }
      }
      guard isSeparated, residual.isFinite else { return nil }
      self.residual = residual
      self.largest = largest
      rotation = x
      // The entries of X² are below ‖X‖²: under half a rounding they change nothing.
      if sumOfSquares > 1e-17 {
        try NDArray<Double>.gemm(x, .none, x, .none, alpha: 0.5, beta: 1, into: &rotation)
      }
    }

    /// m (I + rotation).
    func applied(to m: NDArray<Double>) throws -> NDArray<Double> {
      var result = m
      try NDArray<Double>.gemm(m, .none, rotation, .none, alpha: 1, beta: 1, into: &result)
      return result
    }
  }

  /// U and the singular values from the columns of B, sorted; equal ones keep their order.
  private static func normalized(
    _ b: NDArray<Double>, _ v: NDArray<Double>
  ) -> (u: NDArray<Double>, s: NDArray<Double>, vt: NDArray<Double>)? {
    let n = b.shape[0]
    var squares = [Double](repeating: 0, count: n)
    b.withElements { b in
      for row in 0..<n {
        for column in 0..<n { squares[column] += b[row * n + column] * b[row * n + column] }
      }
    }
    guard squares.allSatisfy({ $0 > 0 }) else { return nil }
    let order = (0..<n).sorted { (squares[$1], $0) < (squares[$0], $1) }
    let values = order.map { Double.sqrt(squares[$0]) }
    let u = NDArray<Double>(shape: [n, n]) { u in
      b.withElements { b in
        for row in 0..<n {
          for column in 0..<n { u[row * n + column] = b[row * n + order[column]] / values[column] }
        }
      }
    }
    let vt = NDArray<Double>(shape: [n, n]) { vt in
      v.withElements { v in
        for row in 0..<n {
          for column in 0..<n { vt[row * n + column] = v[column * n + order[row]] }
        }
      }
    }
    return (u, NDArray(values), vt)
  }
}
