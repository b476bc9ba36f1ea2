internal import MusterRuntime

extension SVDSteps {
  /// The decomposition of the n × n matrix that is left, with what is still to be multiplied into its vectors.
  enum Core {
    /// W, the singular values and Vᵀ; U is what the bases make of W.
    case complete(w: NDArray<Double>, s: NDArray<Double>, vt: NDArray<Double>)
    /// A decomposition whose left vectors, multiplied by the inverse of R₂, are W.
    case preconditioned(PreconditionedSVD, r2: NDArray<Double>)

    /// - Parameters:
    ///   - top: the top of the tree: the packed Gram matrix of A R₁⁻¹, or R.
    ///   - guess: as `guess(gram:_:)` gave it.
    init(top: NDArray<Double>, _ factor: Factor, guess: ArrayTuple) throws {
      guard let r1 = factor.r else {
        let (u, s, vt) = try top.svd()
        self = .complete(w: u, s: s, vt: vt)
        return
      }
      let (r2, info) = try top.unpacked(size: r1.shape[0]).cholesky()
      guard info == 0 else {
        throw MusterError(
          .notConverged,
          "svd: the condition number of the matrix was misjudged (the second Cholesky factorisation "
            + "failed at column \(info))", fix: "Scale the columns to similar sizes")
      }
      // A = Q R₂ R₁ with Q = (A R₁⁻¹) R₂⁻¹, so that U = (A R₁⁻¹) (R₂⁻¹ U_R).
      if guess.arrays.count == 2,
        let preconditioned = try PreconditionedSVD(
          product: guess.arrays[1].multipliedLeftUpper(r2), guess: guess.arrays[0])
      {
        self = .preconditioned(preconditioned, r2: r2)
        return
      }
      let (u, s, vt) = try r1.multipliedLeftUpper(r2).svd()
      self = .complete(w: try u.solvingLeftUpper(r2), s: s, vt: vt)
    }

    var values: NDArray<Double> {
      switch self {
      case .complete(_, let s, _): s
      case .preconditioned(let svd, _): svd.values
      }
    }

    /// Rows of Vᵀ, without their signs.
    func right(_ rows: Range<Int>) throws -> NDArray<Double> {
      switch self {
      case .complete(_, _, let vt): NDArray<Double>(try vt.erased.slice([rows, 0..<vt.shape[1]]))
      case .preconditioned(let svd, _): try svd.right(rows)
      }
    }

    /// Columns of W, without their signs.
    func weights(_ columns: Range<Int>) throws -> NDArray<Double> {
      switch self {
      case .complete(let w, _, _): NDArray<Double>(try w.erased.slice([0..<w.shape[0], columns]))
      case .preconditioned(let svd, let r2): try svd.left(columns).solvingLeftUpper(r2)
      }
    }
  }

  /// What is wanted of the decomposition of the n × n matrix that is left, with its signs: the entry of largest
  /// magnitude in each row of Vᵀ is positive (the first of those that are equal to eight digits), so that the signs
  /// depend neither on the way taken nor on what else is wanted.
  ///
  /// - Returns: the singular values, the rows of Vᵀ, and the columns of W, of which the bases make U.
  static func parts(of core: Core, _ wanted: SVDWanted) throws -> ArrayTuple {
    let vectors = wanted.vectors
    guard !vectors.isEmpty else { return ArrayTuple(core.values, NDArray([]), NDArray([])) }
    let vt = try core.right(vectors)
    let all = Self.signs(ofRows: vt)
    func signs(of range: Range<Int>) -> [Double] {
      Array(all[range.lowerBound - vectors.lowerBound..<range.upperBound - vectors.lowerBound])
    }
    var right = NDArray<Double>([])
    if !wanted.right.isEmpty {
      let first = wanted.right.lowerBound - vectors.lowerBound
      let rows = try vt.erased.slice([first..<first + wanted.right.count, 0..<vt.shape[1]])
      right = try NDArray<Double>(rows).scaled(rows: signs(of: wanted.right))
    }
    var weights = NDArray<Double>([])
    if !wanted.left.isEmpty { weights = try core.weights(wanted.left).scaled(columns: signs(of: wanted.left)) }
    return ArrayTuple(core.values, right, weights)
  }

  /// The sign of each row: that of its first entry whose magnitude is the largest to eight digits. Entries that are equal
  /// but for rounding, as in a symmetric pattern, so can't give one sign here and another there.
  private static func signs(ofRows vt: NDArray<Double>) -> [Double] {
    let columns = vt.shape[1]
    return vt.withElements { vt in
      stride(from: 0, to: vt.count, by: columns).map { start in
        let row = vt[start..<start + columns]
        let largest = row.reduce(0) { max($0, abs($1)) }
        return row.first { abs($0) >= largest * (1 - 1e-8) }.map { $0 < 0 ? -1 : 1 } ?? 1
      }
    }
  }
}

extension NDArray<Double> {
  /// This matrix with each row multiplied by a factor of its own.
  fileprivate func scaled(rows factors: [Double]) throws -> NDArray<Double> {
    let width = shape[1]
    return try NDArray<Double>(allocating: shape) { target in
      withElements { source in
        for (row, factor) in factors.enumerated() {
          for index in row * width..<(row + 1) * width { target[index] = factor * source[index] }
        }
      }
    }
  }

  /// This matrix with each column multiplied by a factor of its own.
  fileprivate func scaled(columns factors: [Double]) throws -> NDArray<Double> {
    let width = shape[1]
    return try NDArray<Double>(allocating: shape) { target in
      withElements { source in
        for start in stride(from: 0, to: source.count, by: width) {
          for column in 0..<width { target[start + column] = factors[column] * source[start + column] }
        }
      }
    }
  }
}
