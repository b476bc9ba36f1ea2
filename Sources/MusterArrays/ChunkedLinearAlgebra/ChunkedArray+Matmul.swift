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
