internal import MusterRuntime

/// The numerical steps of the singular value decomposition of a tall matrix in row panels: what the tasks do.
///
/// Two ways lead from the panels to R, and which one is taken is found out while running, from the Gram matrix alone,
/// so that every rank and every chunk takes the same:
///
/// - CholeskyQR2 (Fukaya, Nakatsukasa, Yanagisawa and Yamamoto, ScalA 2014), where the condition allows: all work is
///   in matrix products, and the result as orthogonal as Householder's.
/// - TSQR (Demmel, Grigori, Hoemmen and Langou, SIAM J. Sci. Comput. 34, 2012) otherwise, with Householder QR of panels
///   and a tree over their triangles: for any matrix, rank-deficient ones included.
enum SVDSteps {
  /// CholeskyQR2 is as good as Householder QR up to a condition number of about ε^(-1/2) / 8.
  private static let largestForCholesky = 3e6
  /// Up to here the eigenvectors of the Gram matrix are a guess that two corrections perfect.
  private static let largestForGuess = 1e6
  /// Below this size LAPACK is quick enough.
  private static let smallestGuessSize = 128

  // MARK: The first pass

  /// AᵀA of a panel.
  ///
  /// - Throws: `nonFiniteInput`, naming the rows.
  static func gram(of panel: NDArray<Double>, rows: Range<Int>) throws -> NDArray<Double> {
    let gram = try panel.gram()
    // A finite panel may overflow here: then the Householder way is taken.
    if !gram.allFinite && !panel.allFinite {
      throw MusterError(
        .nonFiniteInput,
        "svd: there are NaN or infinite values in the rows \(rows) of the matrix (the columns of a wide one)",
        fix: "Replace them first, for example with which(isFinite(a), a, 0), or select the part without them")
    }
    return gram
  }

  /// The sum of matrices of one shape, in order.
  static func sum(_ matrices: [NDArray<Double>]) -> NDArray<Double> {
    guard matrices.count > 1 else { return matrices[0] }
    return NDArray<Double>(shape: matrices[0].shape) { sum in
      matrices[0].withElements { _ = sum.initialize(fromContentsOf: $0) }
      for matrix in matrices.dropFirst() {
        matrix.withElements { elements in for index in sum.indices { sum[index] += elements[index] } }
      }
    }
  }

  /// What the Gram matrix says of the way to take.
  struct Factor {
    /// The Cholesky factor of AᵀA, where CholeskyQR2 is the way; nil for Householder.
    var r: NDArray<Double>?
    /// Whether the eigenvectors of AᵀA are a good guess at V.
    var wantsGuess: Bool

    init(gram: NDArray<Double>) throws {
      (r, wantsGuess) = (nil, false)
      guard gram.allFinite else { return }
      let (factor, info) = try gram.cholesky()
      guard info == 0 else { return }
      let condition = TriangularCondition.estimate(factor)
      guard condition <= largestForCholesky else { return }
      r = factor
      wantsGuess = condition <= largestForGuess && gram.shape[0] >= smallestGuessSize
    }

    init(_ tuple: ArrayTuple) {
      r = tuple.arrays.first
      wantsGuess = tuple.arrays.count > 1
    }

    var tuple: ArrayTuple {
      guard let r else { return ArrayTuple() }
      return wantsGuess ? ArrayTuple(r, NDArray<Double>([])) : ArrayTuple(r)
    }
  }

  // MARK: The second pass

  /// An orthogonal basis of a panel's part: A R⁻¹ alone, or Householder's Q and R.
  static func basis(of panel: NDArray<Double>, _ factor: Factor) throws -> ArrayTuple {
    if let r = factor.r { return ArrayTuple(try panel.solvingRightUpper(r)) }
    let (q, r) = try panel.qr()
    return ArrayTuple(q, r)
  }

  /// What of a basis goes up the tree: the Gram matrix of what should be orthogonal, or R.
  static func summary(of basis: ArrayTuple) throws -> NDArray<Double> {
    basis.arrays.count == 1 ? try basis.arrays[0].gram() : basis.arrays[1]
  }

  /// A node of the tree: the sum of Gram matrices, or R of the stacked triangles, and the Q that goes with it.
  static func combine(_ parts: [NDArray<Double>], _ factor: Factor) throws -> ArrayTuple {
    guard factor.r == nil else { return ArrayTuple(sum(parts)) }
    let (q, r) = try stacked(parts).qr()
    return ArrayTuple(r, q)
  }

  private static func stacked(_ parts: [NDArray<Double>]) throws -> NDArray<Double> {
    var rows = 0
    let placed = parts.map { part in
      defer { rows += part.shape[0] }
      return (origin: [rows, 0], block: part.erased)
    }
    return try NDArray<Double>(
      .assemble(shape: [rows, parts[0].shape[1]], elementType: .float64, parts: placed))
  }

  // MARK: The small matrix

  /// Near right singular vectors V, the eigenvectors of AᵀA, and R₁ V; nothing where LAPACK is the better way. One core
  /// is busy with it while the others are at the second pass.
  static func guess(gram: NDArray<Double>, _ factor: Factor) throws -> ArrayTuple {
    guard factor.wantsGuess, let r = factor.r else { return ArrayTuple() }
    let vectors = try gram.eigh().vectors
    return ArrayTuple(vectors, try r.matmul(vectors))
  }

  /// The decomposition of the n × n matrix that is left.
  ///
  /// - Parameters:
  ///   - top: the top of the tree: the Gram matrix of A R₁⁻¹, or R.
  ///   - guess: as `guess(gram:_:)` gave it.
  /// - Returns: W, the singular values and Vᵀ; U is what the bases make of W.
  static func core(top: NDArray<Double>, _ factor: Factor, guess: ArrayTuple) throws -> ArrayTuple {
    guard let r1 = factor.r else {
      let (u, s, vt) = try top.svd()
      return signed(u, s, vt)
    }
    let (r2, info) = try top.cholesky()
    guard info == 0 else {
      throw MusterError(
        .notConverged,
        "svd: the condition number of the matrix was misjudged (the second Cholesky factorisation "
          + "failed at column \(info))", fix: "Scale the columns to similar sizes")
    }
    // A = Q R₂ R₁ with Q = (A R₁⁻¹) R₂⁻¹, so that U = (A R₁⁻¹) (R₂⁻¹ U_R).
    var decomposed: (u: NDArray<Double>, s: NDArray<Double>, vt: NDArray<Double>)?
    if guess.arrays.count == 2 {
      decomposed = try PreconditionedSVD.decompose(product: r2.matmul(guess.arrays[1]), guess: guess.arrays[0])
    }
    let (u, s, vt) = try decomposed ?? r2.matmul(r1).svd()
    return signed(try u.solvingLeftUpper(r2), s, vt)
  }

  /// Makes the entry of largest magnitude in each row of Vᵀ positive (the first of equal ones), and W to match: the
  /// signs don't depend on the way taken.
  private static func signed(
    _ w: NDArray<Double>, _ s: NDArray<Double>, _ vt: NDArray<Double>
  ) -> ArrayTuple {
    let (rows, columns) = (vt.shape[0], vt.shape[1])
    let flips = vt.withElements { vt in
      (0..<rows).map { row -> Bool in
        var largest = 0.0
        for column in 0..<columns where abs(vt[row * columns + column]) > abs(largest) {
          largest = vt[row * columns + column]
        }
        return largest < 0
      }
    }
    let signedVt = NDArray<Double>(shape: vt.shape) { target in
      vt.withElements { vt in
        for row in 0..<rows {
          for index in row * columns..<(row + 1) * columns { target[index] = flips[row] ? -vt[index] : vt[index] }
        }
      }
    }
    let signedW = NDArray<Double>(shape: w.shape) { target in
      w.withElements { w in
        let width = w.isEmpty ? 1 : flips.count
        for index in w.indices { target[index] = flips[index % width] ? -w[index] : w[index] }
      }
    }
    return ArrayTuple(signedW, s, signedVt)
  }

  // MARK: Back to the panels

  /// What a child of a tree's node multiplies its own basis by: the node's W as it is, or the child's rows of Q W.
  static func weights(
    of child: Range<Int>, node: ArrayTuple, weights: NDArray<Double>
  ) throws -> NDArray<Double> {
    guard node.arrays.count == 2 else { return weights }
    let q = node.arrays[1].erased
    return try NDArray<Double>(q.slice([child, 0..<q.shape[1]])).matmul(weights)
  }

  /// The panel's rows of U.
  static func leftVectors(_ basis: ArrayTuple, weights: NDArray<Double>) throws -> NDArray<Double> {
    try basis.arrays[0].matmul(weights)
  }
}
