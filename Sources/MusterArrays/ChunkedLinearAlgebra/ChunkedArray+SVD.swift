internal import MusterRuntime

extension ChunkedArray where Element: LinearAlgebraElement {
  /// The thin singular value decomposition of an m × n matrix in any chunks: U (m × k), the singular values in
  /// descending order (k), and Vᵀ (k × n), with k = min(m, n).
  ///
  /// The shorter side has to be small enough that a square matrix of its length fits into memory. Only what is asked
  /// for is computed; `session.compute(u, s, vt)` computes the parts together. Errors of singular values are a few
  /// rounding units of the largest one, and U and V are orthogonal to rounding, singular matrices included.
  ///
  /// The signs of singular vectors are arbitrary; here the entry of largest magnitude is positive in each vector of the
  /// shorter side: in the rows of Vᵀ where m ≥ n, else in the columns of U.
  ///
  /// `compute()` throws `MusterError` with code `nonFiniteInput` where there is a NaN or an infinity.
  ///
  /// - Complexity: 4 m n² to 8 m n² operations (m ≥ n) over all tasks, and about 20 n³ in one task.
  public func svd(
    file: StaticString = #fileID, line: UInt = #line
  ) -> (u: ChunkedArray, s: ChunkedArray, vt: ChunkedArray) {
    let callSite = CallSite(file: file, line: line)
    guard expression.failure == nil, dimensions == 2, shape[0] < shape[1] else {
      return Self.tallSVD(expression, callSite)
    }
    // A = U S Vᵀ is Aᵀ = V S Uᵀ.
    let (v, s, ut) = Self.tallSVD(expression.transposed(nil, callSite: callSite), callSite)
    return (ut.transposed(file: file, line: line), s, v.transposed(file: file, line: line))
  }

  private static func tallSVD(
    _ a: ArrayExpression, _ callSite: CallSite
  ) -> (u: ChunkedArray, s: ChunkedArray, vt: ChunkedArray) {
    let decomposition = SVDDecomposition(a)
    func part(_ part: SVDOperation<Element>.Part, _ grid: () -> ChunkGrid) -> ChunkedArray {
      ChunkedArray(
        .derive("svd-\(part.rawValue)", Element.elementType, from: [a], callSite: callSite) {
          guard a.shape.count == 2, !a.shape.contains(0) else {
            throw MusterError(
              .shapeMismatch, "svd needs a matrix with elements; the array has the shape \(a.shape)",
              fix: "Reshape it to two axes")
          }
          return ArrayExpression.Derivation(
            elementType: Element.elementType, grid: grid(),
            operation: SVDOperation<Element>(decomposition: decomposition, part: part))
        })
    }
    return (
      part(.u) { SVDLowering<Element>.panelGrid(of: a.grid, elementType: a.elementType) },
      part(.s) { ChunkGrid(whole: [a.shape[1]]) },
      part(.vt) { ChunkGrid(whole: [a.shape[1], a.shape[1]]) }
    )
  }
}
