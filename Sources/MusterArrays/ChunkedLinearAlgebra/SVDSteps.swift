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

  /// AᵀA of a panel, packed.
  ///
  /// - Throws: `nonFiniteInput`, naming the rows.
  static func gram(of panel: NDArray<Double>, rows: Range<Int>) throws -> NDArray<Double> {
    let gram = try panel.packedGram()
    // A finite panel may overflow here: then the Householder way is taken.
    if !gram.packedDiagonalIsFinite(size: panel.shape[1]) && !panel.allFinite {
      throw MusterError(
        .nonFiniteInput,
        "svd: there are NaN or infinite values in the rows \(rows) of the matrix (the columns of a wide one)",
        fix: "Replace them first, for example with which(isFinite(a), a, 0), or select the part without them")
    }
    return gram
  }

  /// The sum of matrices of one shape, in order.
  static func sum(_ matrices: [NDArray<Double>]) throws -> NDArray<Double> {
    guard matrices.count > 1 else { return matrices[0] }
    return try NDArray<Double>(allocating: matrices[0].shape) { sum in
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

    /// - Parameter gram: AᵀA, packed.
    init(gram: NDArray<Double>, size: Int) throws {
      (r, wantsGuess) = (nil, false)
      guard gram.packedDiagonalIsFinite(size: size) else { return }
      let (factor, info) = try gram.unpacked(size: size).cholesky()
      guard info == 0 else { return }
      let condition = TriangularCondition.estimate(factor)
      guard condition <= largestForCholesky else { return }
      r = factor
      wantsGuess = condition <= largestForGuess && size >= smallestGuessSize
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

  /// What of a basis goes up the tree: the packed Gram matrix of what should be orthogonal, or R.
  static func summary(of basis: ArrayTuple) throws -> NDArray<Double> {
    basis.arrays.count == 1 ? try basis.arrays[0].packedGram() : basis.arrays[1]
  }

  /// A node of the tree: the sum of Gram matrices, or R of the stacked triangles, and the Q that goes with it.
  static func combine(_ parts: [NDArray<Double>], _ factor: Factor) throws -> ArrayTuple {
    guard factor.r == nil else { return ArrayTuple(try sum(parts)) }
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

  // MARK: Beside the second pass

  /// Near right singular vectors V, the eigenvectors of AᵀA, and R₁ V; nothing where LAPACK is the better way. One core
  /// is busy with it while the others are at the second pass.
  static func guess(gram: NDArray<Double>, _ factor: Factor) throws -> ArrayTuple {
    guard factor.wantsGuess, let r = factor.r else { return ArrayTuple() }
    let vectors: NDArray<Double>
    do {
      vectors = try gram.unpacked(size: r.shape[0]).eigh().vectors
    } catch let error as MusterError where error.code == .notConverged {
      return ArrayTuple()
    }
    return ArrayTuple(vectors, try vectors.multipliedLeftUpper(r))
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
