internal import MusterRuntime

extension ChunkedArray {
  /// A part of the array: for each axis an index, which drops the axis, or a range, `.stride(from:to:by:)`; besides
  /// `.ellipsis` for the axes not spoken of, and `.newAxis` for a new one.
  ///
  ///     a[3]                       // a[3, ...]
  ///     a[0..., ..<8]
  ///     a[.ellipsis, .newAxis]
  ///     a[.stride(by: -1)]         // backwards
  ///
  /// Negative positions count from the end. A position beyond the axis is an error of the result.
  public subscript(_ indices: any ArrayIndexing...) -> ChunkedArray {
    ChunkedArray(expression.sliced(indices.map(\.arrayIndex)))
  }

  /// The array with a new axis of length 1 before the axis with that number, or at the end.
  public func expandedDimensions(axis: Int, file: StaticString = #fileID, line: UInt = #line) -> ChunkedArray {
    let rank = dimensions + 1
    let callSite = CallSite(file: file, line: line)
    return ChunkedArray(
      .derive("expandedDimensions", Element.elementType, from: [expression], detail: "\(axis)", callSite: callSite) {
        let position = try Shapes.normalized(axes: [axis], rank: rank, operation: "expandedDimensions")[0]
        var indices = Array(repeating: ArrayIndex(kind: .range(from: nil, to: nil, step: 1)), count: rank - 1)
        indices.insert(ArrayIndex(kind: .newAxis), at: position)
        return try expression.slice(indices)
      })
  }
}

extension ArrayExpression {
  func sliced(_ indices: [ArrayIndex]) -> ArrayExpression {
    .derive(
      "slice", elementType, from: [self], detail: indices.map(\.description).joined(separator: ","), callSite: nil
    ) { try slice(indices) }
  }

  func slice(_ indices: [ArrayIndex]) throws -> Derivation {
    let resolved = try ResolvedIndices(indices, shape: shape)
    if let inside = try slicedInside(resolved) { return inside }
    return Derivation(
      elementType: elementType, grid: SliceOperation.grid(of: grid, indices: resolved),
      operation: SliceOperation(operand: self, indices: resolved))
  }
}
