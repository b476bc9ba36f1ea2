internal import MusterRuntime

extension ChunkedArray where Element == Double {
  /// The thin singular value decomposition of a matrix: A = U diag(s) Vᵀ.
  ///
  /// The matrix may be tall (m × n with m ≥ n) or wide, in any chunks; the shorter side has to fit in one block, and a
  /// square of it in a worker's memory. Every part is lazy: U is computed only where it is asked for, and what the
  /// parts share is computed once when they are asked for together.
  ///
  /// CholeskyQR2 where the condition number allows, else Householder TSQR; see `docs/architecture.md`. The signs are
  /// fixed: the entry of largest magnitude of each right singular vector of a tall matrix (each left one of a wide
  /// matrix) is positive, the first of those that are equal to eight digits. The bits depend on the chunks, not on the number of ranks or threads.
  ///
  /// - Returns: U (m × k), s (k, descending) and Vᵀ (k × n), with k = min(m, n).
  /// - Throws: at the collective, `MusterError` with code `nonFiniteInput` for NaN or infinite values, and with
  ///   `shapeMismatch` where the array isn't a matrix or has no elements.
  /// - Complexity: O(m n²) for m ≥ n, in two passes over the matrix.
  public func svd(
    file: StaticString = #fileID, line: UInt = #line
  ) -> (u: ChunkedArray, s: ChunkedArray, vt: ChunkedArray) {
    let site = CallSite(file: file, line: line)
    guard shape.count == 2, shape[0] < shape[1], expression.failure == nil else {
      let (u, s, vt) = expression.tallSVD(callSite: site)
      return (ChunkedArray(u), ChunkedArray(s), ChunkedArray(vt))
    }
    let (u, s, vt) = transposed().expression.tallSVD(callSite: site)
    return (ChunkedArray(vt).transposed(), ChunkedArray(s), ChunkedArray(u).transposed())
  }
}

extension ChunkedArray where Element == Float {
  /// The thin singular value decomposition of a matrix, computed in double precision and rounded once; see the one of
  /// `Double`.
  public func svd(
    file: StaticString = #fileID, line: UInt = #line
  ) -> (u: ChunkedArray, s: ChunkedArray, vt: ChunkedArray) {
    let (u, s, vt) = asType(Double.self).svd(file: file, line: line)
    return (u.asType(Float.self), s.asType(Float.self), vt.asType(Float.self))
  }
}

extension ArrayExpression {
  fileprivate func tallSVD(
    callSite: CallSite?
  ) -> (u: ArrayExpression, s: ArrayExpression, vt: ArrayExpression) {
    let problem = shape.count == 2 && grid.elementCount > 0 ? SVDProblem(self) : nil
    func part(_ part: SVDOperation.Part, _ grid: (ChunkGrid) -> ChunkGrid) -> ArrayExpression {
      .derive("svd", .float64, from: [self], detail: part.rawValue, callSite: callSite) {
        guard let problem else {
          throw MusterError(
            .shapeMismatch, "svd needs a matrix with elements; the array has the shape \(self.shape)",
            fix: "Reshape it to two dimensions first")
        }
        return Derivation(
          elementType: .float64, grid: grid(problem.panels), operation: SVDOperation(problem: problem, part: part))
      }
    }
    let columns = shape.last ?? 0
    return (
      part(.left) { $0 }, part(.values) { _ in ChunkGrid(whole: [columns]) },
      part(.right) { _ in ChunkGrid(whole: [columns, columns]) }
    )
  }
}
