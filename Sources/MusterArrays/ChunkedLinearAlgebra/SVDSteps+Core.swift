internal import MusterRuntime

extension SVDSteps {
  /// The decomposition of the n × n matrix that is left, with what is still to be multiplied into its vectors.
  enum Core {
    /// W, the singular values and Vᵀ; U is what the bases make of W.
    case complete(w: NDArray<Double>, s: NDArray<Double>, vt: NDArray<Double>)
    /// A decomposition whose left vectors, multiplied by the inverse of R₂, are W.
    case preconditioned(PreconditionedSVD, r2: NDArray<Double>)

    /// - Parameters:
    ///   - top: the top of the tree: the Gram matrix of A R₁⁻¹, or R.
    ///   - guess: as `guess(gram:_:)` gave it.
    init(top: NDArray<Double>, _ factor: Factor, guess: ArrayTuple) throws {
      guard let r1 = factor.r else {
        let (u, s, vt) = try top.svd()
        self = .complete(w: u, s: s, vt: vt)
        return
      }
      let (r2, info) = try top.cholesky()
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

    init(_ tuple: ArrayTuple) {
      let arrays = tuple.arrays
      if arrays.count == 3 {
        self = .complete(w: arrays[0], s: arrays[1], vt: arrays[2])
      } else {
        self = .preconditioned(PreconditionedSVD(arrays: arrays.dropFirst()), r2: arrays[0])
      }
    }

    var tuple: ArrayTuple {
      switch self {
      case .complete(let w, let s, let vt): ArrayTuple(w, s, vt)
      case .preconditioned(let svd, let r2): ArrayTuple([r2] + svd.arrays)
      }
    }

    var values: NDArray<Double> {
      switch self {
      case .complete(_, let s, _): s
      case .preconditioned(let svd, _): svd.values
      }
    }

    /// Vᵀ with its signs, and the sign of each row of it: the entry of largest magnitude in each row is positive (the
    /// first of equal ones), so that the signs don't depend on the way taken.
    func oriented() throws -> ArrayTuple {
      let vt =
        switch self {
        case .complete(_, _, let vt): vt
        case .preconditioned(let svd, _): try svd.right()
        }
      let (rows, columns) = (vt.shape[0], vt.shape[1])
      let signs = vt.withElements { vt in
        (0..<rows).map { row -> Double in
          var largest = 0.0
          for column in 0..<columns where abs(vt[row * columns + column]) > abs(largest) {
            largest = vt[row * columns + column]
          }
          return largest < 0 ? -1 : 1
        }
      }
      let signed = NDArray<Double>(shape: vt.shape) { target in
        vt.withElements { vt in
          for row in 0..<rows {
            let sign = signs[row]
            for index in row * columns..<(row + 1) * columns { target[index] = sign * vt[index] }
          }
        }
      }
      return ArrayTuple([signed, NDArray(signs)])
    }

    /// Columns of W, without their signs.
    func weights(_ columns: Range<Int>) throws -> NDArray<Double> {
      switch self {
      case .complete(let w, _, _): NDArray<Double>(w.erased.slice([0..<w.shape[0], columns]))
      case .preconditioned(let svd, let r2): try svd.left(columns).solvingLeftUpper(r2)
      }
    }
  }

  /// Columns of W, with the signs of their right vectors.
  static func signed(
    _ weights: NDArray<Double>, columns: Range<Int>, signs: NDArray<Double>
  ) -> NDArray<Double> {
    let width = columns.count
    let signs = Array(signs.elements[columns])
    return NDArray<Double>(shape: weights.shape) { target in
      weights.withElements { weights in
        for start in stride(from: 0, to: weights.count, by: max(1, width)) {
          for column in 0..<width { target[start + column] = signs[column] * weights[start + column] }
        }
      }
    }
  }
}
