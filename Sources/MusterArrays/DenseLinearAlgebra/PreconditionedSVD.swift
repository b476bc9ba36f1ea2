internal import MusterRuntime
internal import RealModule

/// The singular value decomposition of a square matrix from a good guess at its right singular vectors.
///
/// With V₁ from the eigenvectors of AᵀA, the columns of B = A V₁ are orthogonal but for what the squaring lost:
/// relative to the columns' norms, about ε κ². One or two first-order Jacobi corrections, each applied to all pairs of
/// columns at once by matrix products, bring that down to rounding (the quadratic convergence of Ogita and Aishima,
/// "Iterative refinement for symmetric eigenvalue decomposition", Japan J. Indust. Appl. Math. 35, 2018, for B's
/// columns, as in the one-sided Jacobi method of Demmel and Veselić, SIAM J. Matrix Anal. Appl. 13, 1992). The result
/// is as accurate as LAPACK's, in a fraction of its time: nearly all work is in matrix products.
///
/// The last correction isn't applied until `left` or `right` is asked for: the singular values need only its entries,
/// and of the vectors only those are corrected that are wanted.
package struct PreconditionedSVD: Sendable {
  /// Off-diagonal entries of the normalised BᵀB that count as zero, times √n.
  private static let tolerance = 1e-15
  /// Two corrections X and Y may be added where XY is below rounding: ‖X‖² ‖Y‖².
  private static let negligibleProduct = 1e-28
  private static let iterations = 4

  /// B and the right vectors (n × n), as they are before the last correction and in the order of the guess.
  private let b: NDArray<Double>
  private let v: NDArray<Double>
  /// The last correction, less the identity; without elements where there is nothing left to correct.
  private let rotation: NDArray<Double>
  /// The singular values, in descending order.
  package let values: NDArray<Double>
  /// The column of B and V that belongs to each value.
  private let order: [Int]

  /// - Parameters:
  ///   - product: B = A V₁ (n × n).
  ///   - v: V₁, an orthogonal matrix (n × n) whose columns are nearly A's right singular vectors.
  /// - Returns: nil where columns are too close for the corrections to converge, as with repeated singular values, or
  ///   where a singular value is zero.
  /// - Complexity: O(n³): for a good guess, the work of two products of n × n matrices.
  package init?(product: NDArray<Double>, guess v: NDArray<Double>) throws {
    let root = Double.sqrt(Double(v.shape[0]))
    let accepted = Self.tolerance * root
    var v = v
    var b = product
    for _ in 0..<Self.iterations {
      let gram = try b.gram()
      guard let first = try ColumnCorrection(gram: gram, accepted: accepted) else { return nil }
      if first.residual <= accepted {
        self.init(b: b, v: v, rotation: NDArray([]), squares: first.squares)
        return
      }
      // What a correction leaves is of second order: the product of what was there and the rotation that removed it.
      // The n terms of that product have no common sign.
      if first.residual * first.largest * root <= accepted {
        self.init(b: b, v: v, rotation: try first.exponential(), squares: first.squares)
        return
      }
      // The second one can be had from the same Gram matrix, without touching B and V, where the first was small.
      if let second = try ColumnCorrection(gram: first.corrected(gram), accepted: accepted),
        second.residual * first.largest * root <= accepted,
        first.sumOfSquares * second.sumOfSquares <= Self.negligibleProduct
      {
        self.init(b: b, v: v, rotation: try first.exponential(adding: second), squares: second.squares)
        return
      }
      let rotation = try first.exponential()
      try NDArray<Double>.gemm(v, .none, rotation, .none, alpha: 1, beta: 1, into: &v)
      try NDArray<Double>.gemm(b, .none, rotation, .none, alpha: 1, beta: 1, into: &b)
    }
    return nil
  }

  private init?(b: NDArray<Double>, v: NDArray<Double>, rotation: NDArray<Double>, squares: [Double]) {
    guard squares.allSatisfy({ $0 > 0 }) else { return nil }
    (self.b, self.v, self.rotation) = (b, v, rotation)
    // Equal ones keep their order.
    order = squares.indices.sorted { (squares[$1], $0) < (squares[$0], $1) }
    values = NDArray(order.map { Double.sqrt(squares[$0]) })
  }

  /// Some columns of U: n × k.
  ///
  /// - Complexity: O(n² k).
  package func left(_ columns: Range<Int>) throws -> NDArray<Double> {
    let chosen = Array(order[columns])
    var u = try b.columns(chosen)
    if rotation.count > 0 {
      try NDArray<Double>.gemm(b, .none, rotation.columns(chosen), .none, alpha: 1, beta: 1, into: &u)
    }
    return try values.withElements { values in
      try u.withElements { u in
        try NDArray<Double>(allocating: [b.shape[0], columns.count]) { scaled in
          let inverses = columns.map { 1 / values[$0] }
          for row in 0..<b.shape[0] {
            let start = row * columns.count
            for column in 0..<columns.count { scaled[start + column] = u[start + column] * inverses[column] }
          }
        }
      }
    }
  }

  /// Some rows of Vᵀ: k × n.
  ///
  /// - Complexity: O(n² k).
  package func right(_ rows: Range<Int>) throws -> NDArray<Double> {
    let chosen = Array(order[rows])
    var vt = try NDArray<Double>(v.columns(chosen).erased.transposed([1, 0]))
    if rotation.count > 0 {
      try NDArray<Double>.gemm(
        rotation.columns(chosen), .transposed, v, .transposed, alpha: 1, beta: 1, into: &vt)
    }
    return vt
  }
}

extension NDArray<Double> {
  /// Columns of a matrix, in the order of their numbers.
  fileprivate func columns(_ numbers: [Int]) throws -> NDArray<Double> {
    let (rows, width) = (shape[0], shape[1])
    return try withElements { source in
      try NDArray<Double>(allocating: [rows, numbers.count]) { target in
        for row in 0..<rows {
          for (place, number) in numbers.enumerated() {
            target[row * numbers.count + place] = source[row * width + number]
          }
        }
      }
    }
  }
}
