internal import MusterRuntime

extension ChunkedArray where Element: LinearAlgebraElement {
  /// The matrix product. Of two vectors their dot product; a vector counts as a row on the left, a column on the right,
  /// and the axis that this adds goes again.
  ///
  /// Shapes that don't fit are an error of the result, as are arrays of more than two dimensions.
  public func matmul(
    _ other: ChunkedArray, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    let callSite = CallSite(file: file, line: line)
    let (a, b) = (expression, other.expression)
    guard a.failure == nil, b.failure == nil, a.shape.count == 1 || b.shape.count == 1 else {
      return ChunkedArray(Self.product(a, b, callSite))
    }
    // A wrong shape is reported with the shapes that the caller knows.
    if let mismatch = Self.mismatch(a.shape, b.shape) {
      return ChunkedArray(
        .poisoned(session, name: "matmul", elementType: Element.elementType, failure: mismatch, callSite: callSite))
    }
    let (newAxis, whole, first) = (
      ArrayIndex(kind: .newAxis), ArrayIndex(kind: .ellipsis), ArrayIndex(kind: .element(0))
    )
    let product = Self.product(
      a.shape.count == 1 ? a.sliced([newAxis, whole]) : a, b.shape.count == 1 ? b.sliced([whole, newAxis]) : b,
      callSite)
    switch (a.shape.count, b.shape.count) {
    case (1, 1): return ChunkedArray(product.sliced([first, first]))
    case (1, _): return ChunkedArray(product.sliced([first, whole]))
    default: return ChunkedArray(product.sliced([whole, first]))
    }
  }

  private static func product(_ a: ArrayExpression, _ b: ArrayExpression, _ callSite: CallSite) -> ArrayExpression {
    .derive("matmul", Element.elementType, from: [a, b], callSite: callSite) {
      if let mismatch = mismatch(a.shape, b.shape) { throw mismatch }
      let inner = ChunkGrid.unified(
        [ChunkGrid(sizes: [a.grid.sizes[1]]), ChunkGrid(sizes: [b.grid.sizes[0]])], shape: [a.shape[1]])
      return ArrayExpression.Derivation(
        elementType: Element.elementType, grid: ChunkGrid(sizes: [a.grid.sizes[0], b.grid.sizes[1]]),
        operation: MatmulOperation<Element>(a: a, b: b, inner: inner.sizes[0]))
    }
  }

  private static func mismatch(_ a: [Int], _ b: [Int]) -> MusterError? {
    guard (1...2).contains(a.count), (1...2).contains(b.count) else {
      return MusterError(
        .unsupported, "matmul of the shapes \(a) and \(b): matrices and vectors only",
        fix: "Reshape the arrays, or multiply slice by slice")
    }
    guard a[a.count - 1] == b[0] else {
      return MusterError(
        .shapeMismatch,
        "matmul: the shapes \(a) and \(b) don't fit: the inner lengths are \(a[a.count - 1]) and \(b[0])",
        fix: "The last length of the first has to be the first length of the second")
    }
    return nil
  }
}

/// The matrix product of two arrays.
public func matmul<Element: LinearAlgebraElement>(
  _ a: ChunkedArray<Element>, _ b: ChunkedArray<Element>, file: StaticString = #fileID, line: UInt = #line
) -> ChunkedArray<Element> {
  a.matmul(b, file: file, line: line)
}

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
