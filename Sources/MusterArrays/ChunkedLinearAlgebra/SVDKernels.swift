internal import MusterRuntime

/// The numerical work of the tasks of a tall-skinny singular value decomposition; see `SVDLowering` for their order.
enum SVDKernels<Element: LinearAlgebraElement> {
  typealias Matrix = NDArray<Element>
  typealias Method = MatrixBundle.Method

  // The limits are for estimates in the infinity norm, which as a rule are above the condition number itself.

  /// Up to this squared condition number the eigenvectors of the Gram matrix are as good as a decomposition of A: what
  /// squaring loses is its product with the rounding unit.
  private static var largestGramCondition: Element { Element.ulpOfOne < 1e-10 ? 400 : 16 }
  /// Up to this condition number the first Cholesky QR is nearly orthogonal, and the second completely (Yamamoto,
  /// Nakatsukasa, Yanagisawa and Fukaya, "Roundoff error analysis of the CholeskyQR2 algorithm", ETNA 44, 2015).
  private static var largestCholeskyCondition: Element { 0.005 / Element.ulpOfOne.squareRoot() }
  /// Up to this condition number A R⁻¹ W may be computed as A (R⁻¹ W).
  private static var largestCombinedCondition: Element { Element.ulpOfOne < 1e-10 ? 300 : 10 }
  /// Below this size LAPACK is done before anything faster would have begun.
  private static var smallestPreconditioned: Int { 128 }

  // Going up

  /// AᵀA of a panel.
  ///
  /// - Throws: `MusterError` with code `nonFiniteInput`, naming the rows.
  static func gram(_ panel: Matrix, firstRow: Int) throws -> Matrix {
    guard panel.allFinite else {
      throw MusterError(
        .nonFiniteInput,
        "svd: there are NaN or infinite elements in the rows \(firstRow)..<\(firstRow + panel.shape[0]) of the matrix "
          + "(of its columns, where it has more of those)",
        fix: "Replace them first: which(isFinite(a), a, 0)")
    }
    return try panel.gram()
  }

  static func sum(_ parts: [Matrix]) -> Matrix {
    guard parts.count > 1 else { return parts[0] }
    return Matrix(shape: parts[0].shape) { sum in
      parts[0].withElements { _ = sum.initialize(fromContentsOf: $0) }
      for part in parts.dropFirst() {
        part.withElements { part in for index in sum.indices { sum[index] += part[index] } }
      }
    }
  }

  /// Chooses the method from the whole Gram matrix. With `gram`: s, Vᵀ and V / s. With `cholesky`: R₁, perhaps followed
  /// by the Gram matrix's eigenvectors.
  static func factor(gram: Matrix) throws -> MatrixBundle {
    let householder = MatrixBundle(method: .householder, matrices: [])
    guard gram.allFinite else { return householder }
    let (r, info) = try gram.cholesky()
    guard info == 0, r.allFinite else { return householder }
    let reciprocal = try r.triangularReciprocalCondition()
    guard reciprocal * largestCholeskyCondition >= 1 else { return householder }
    // The estimate may be √n above the condition number, or more: near the limit only eigenvalues tell.
    let n = gram.shape[0]
    let doubtful = 4 * (Element(n) * largestGramCondition).squareRoot()
    guard reciprocal * doubtful >= 1 else { return MatrixBundle(method: .cholesky, matrices: [r.erased]) }
    let (values, vectors) = try gram.eigh()
    let ascending = values.elements
    guard ascending[0] > 0, ascending[n - 1] <= largestGramCondition * ascending[0] else {
      return MatrixBundle(method: .cholesky, matrices: [r.erased, vectors.erased])
    }
    let s = ascending.reversed().map { $0.squareRoot() }
    // Eigenvalues ascend, singular values descend.
    let vt = vectors.withElements { v in
      Matrix(shape: [n, n]) { vt in
        for row in 0..<n { for column in 0..<n { vt[row * n + column] = v[column * n + n - 1 - row] } }
      }
    }
    let fixed = signed(vt: vt)
    let w = fixed.vt.withElements { vt in
      Matrix(shape: [n, n]) { w in
        for row in 0..<n { for column in 0..<n { w[row * n + column] = vt[column * n + row] / s[column] } }
      }
    }
    return MatrixBundle(method: .gram, matrices: [Matrix(s).erased, fixed.vt.erased, w.erased])
  }

  /// What a panel gives to the tree: with `cholesky` the Gram matrix of A R₁⁻¹, with `householder` its R.
  static func leaf(_ panel: Matrix, factor: MatrixBundle) throws -> MatrixBundle {
    switch factor.method {
    case .gram: MatrixBundle(method: .gram, matrices: [])
    case .cholesky:
      MatrixBundle(
        method: .cholesky, matrices: [try panel.solvingRightUpper(Matrix(factor.matrices[0])).gram().erased])
    case .householder: MatrixBundle(method: .householder, matrices: [try panel.qrR().erased])
    }
  }

  /// A node of the tree, from its children.
  static func combine(_ children: [MatrixBundle]) throws -> MatrixBundle {
    guard children.count > 1, children[0].method != .gram else { return children[0] }
    let matrices = children.map { Matrix($0.matrices[0]) }
    let result = children[0].method == .cholesky ? sum(matrices) : try stacked(matrices).qrR()
    return MatrixBundle(method: children[0].method, matrices: [result.erased])
  }

  static func stacked(_ parts: [Matrix]) -> Matrix {
    guard parts.count > 1 else { return parts[0] }
    let rows = parts.reduce(0) { $0 + $1.shape[0] }
    return Matrix(shape: [rows, parts[0].shape[1]]) { result in
      var position = 0
      for part in parts {
        part.withElements { _ = result[position...].initialize(fromContentsOf: $0) }
        position += part.count
      }
    }
  }

  // At the root

  /// s, Vᵀ, and what the panels need for U: with `gram` V / s; with `cholesky` R₂⁻¹ Uᵣ, or R₁⁻¹ R₂⁻¹ Uᵣ and a fourth,
  /// empty matrix that says so; with `householder` Uᵣ.
  static func root(factor: MatrixBundle, top: MatrixBundle) throws -> MatrixBundle {
    switch factor.method {
    case .gram:
      return factor
    case .householder:
      let (u, s, vt) = try Matrix(top.matrices[0]).svd()
      let fixed = signed(vt: vt)
      return MatrixBundle(
        method: .householder, matrices: [s.erased, fixed.vt.erased, flipped(u, fixed.flips).erased])
    case .cholesky:
      let r1 = Matrix(factor.matrices[0])
      let (r2, info) = try Matrix(top.matrices[0]).cholesky()
      guard info == 0 else {
        throw MusterError(
          .notConverged,
          "svd: the second Cholesky factorisation failed: the matrix is worse conditioned than estimated",
          fix: "Scale the columns to similar sizes")
      }
      let r = try r2.matmul(r1)
      let reciprocal = try r1.triangularReciprocalCondition()
      let guess = factor.matrices.count > 1 ? Matrix(factor.matrices[1]) : nil
      let (u, s, vt) = try decompose(r, guess: guess)
      let fixed = signed(vt: vt)
      var w = try flipped(u, fixed.flips).solvingLeftUpper(r2)
      var matrices = [s.erased, fixed.vt.erased]
      let isCombined = reciprocal * largestCombinedCondition >= 1
      if isCombined { w = try w.solvingLeftUpper(r1) }
      matrices.append(w.erased)
      if isCombined { matrices.append(Matrix([]).erased) }
      return MatrixBundle(method: .cholesky, matrices: matrices)
    }
  }

  /// The decomposition of a square matrix that isn't nearly singular.
  private static func decompose(_ r: Matrix, guess: Matrix?) throws -> (u: Matrix, s: Matrix, vt: Matrix) {
    if r.shape[0] >= smallestPreconditioned, let r = r as? NDArray<Double> {
      let v = try guess ?? Matrix(r.gram().eigh().vectors.erased)
      if let v = v as? NDArray<Double>, let result = try PreconditionedSVD.decompose(r, guess: v) {
        return (Matrix(result.u.erased), Matrix(result.s.erased), Matrix(result.vt.erased))
      }
    }
    return try r.svd()
  }

  /// Makes the entry of largest magnitude in each row positive (the first of equal ones); also says which rows were
  /// flipped.
  private static func signed(vt: Matrix) -> (vt: Matrix, flips: [Bool]) {
    let (rows, columns) = (vt.shape[0], vt.shape[1])
    var flips = [Bool](repeating: false, count: rows)
    let result = vt.withElements { vt in
      Matrix(shape: [rows, columns]) { result in
        for row in 0..<rows {
          var largest: Element = 0
          for column in 0..<columns where vt[row * columns + column].magnitude > largest.magnitude {
            largest = vt[row * columns + column]
          }
          flips[row] = largest < 0
          let sign: Element = largest < 0 ? -1 : 1
          for column in 0..<columns { result[row * columns + column] = sign * vt[row * columns + column] }
        }
      }
    }
    return (result, flips)
  }

  private static func flipped(_ u: Matrix, _ flips: [Bool]) -> Matrix {
    let columns = u.shape[1]
    return u.withElements { u in
      Matrix(shape: [u.count / max(columns, 1), columns]) { result in
        for index in result.indices { result[index] = flips[index % columns] ? -u[index] : u[index] }
      }
    }
  }

  // Going down, for U

  /// What each child of a node of the Householder tree multiplies its own Q with. Nothing with the other methods.
  static func descend(_ children: [MatrixBundle], from above: Matrix?) throws -> MatrixBundle {
    guard children[0].method == .householder, let above else {
      return MatrixBundle(method: children[0].method, matrices: [])
    }
    let parts = children.map { Matrix($0.matrices[0]) }
    let product = try stacked(parts).qr().q.matmul(above)
    var row = 0
    return MatrixBundle(
      method: .householder,
      matrices: parts.map { part in
        defer { row += part.shape[0] }
        return product.erased.slice([row..<row + part.shape[0], 0..<product.shape[1]])
      })
  }

  /// The rows of U that belong to a panel.
  static func rows(of panel: Matrix, factor: MatrixBundle, root: MatrixBundle, above: Matrix?) throws -> Matrix {
    let w = Matrix(root.matrices[2])
    switch root.method {
    case .gram: return try panel.matmul(w)
    case .cholesky:
      if root.matrices.count > 3 { return try panel.matmul(w) }
      return try panel.solvingRightUpper(Matrix(factor.matrices[0])).matmul(w)
    case .householder:
      return try panel.qr().q.matmul(above ?? w)
    }
  }
}
