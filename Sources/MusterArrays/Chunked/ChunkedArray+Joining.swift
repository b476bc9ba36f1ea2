internal import MusterRuntime

/// Arrays end to end along an axis. Along the others they have the same lengths; their chunks are made to agree.
///
/// - Precondition: at least one array.
public func concatenated<Element>(
  _ arrays: [ChunkedArray<Element>], axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> ChunkedArray<Element> {
  require(!arrays.isEmpty, "concatenated: no arrays")
  let callSite = CallSite(file: file, line: line)
  return ChunkedArray(
    ArrayExpression.concatenated(arrays.map(\.expression), axis: axis, name: "concatenated", callSite: callSite))
}

/// Arrays of one shape side by side along a new axis.
///
/// - Precondition: at least one array.
public func stacked<Element>(
  _ arrays: [ChunkedArray<Element>], axis: Int = 0, file: StaticString = #fileID, line: UInt = #line
) -> ChunkedArray<Element> {
  require(!arrays.isEmpty, "stacked: no arrays")
  let widened = arrays.map { $0.expandedDimensions(axis: axis, file: file, line: line) }
  return ChunkedArray(
    ArrayExpression.concatenated(
      widened.map(\.expression), axis: axis, name: "stacked", callSite: CallSite(file: file, line: line)))
}

extension ArrayExpression {
  static func concatenated(
    _ arrays: [ArrayExpression], axis: Int, name: String, callSite: CallSite?
  ) -> ArrayExpression {
    derive(name, arrays[0].elementType, from: arrays, detail: "axis \(axis)", callSite: callSite) {
      let shape = arrays[0].shape
      let axis = try Shapes.normalized(axes: [axis], rank: shape.count, operation: name)[0]
      for array in arrays {
        let fits =
          array.shape.count == shape.count
          && shape.indices.allSatisfy { $0 == axis || array.shape[$0] == shape[$0] }
        guard fits else {
          throw MusterError(
            .shapeMismatch, "\(name): the shapes \(shape) and \(array.shape) don't fit together along axis \(axis)",
            fix: "All lengths but that of axis \(axis) have to be equal")
        }
      }
      // The chunks of the other axes are made to agree, as if the arrays had one element along the axis.
      let flat = arrays.map { array in
        ChunkGrid(sizes: array.grid.sizes.enumerated().map { $0 == axis ? [1] : $1 })
      }
      let common = ChunkGrid.unified(flat, shape: flat[0].shape)
      let grids = arrays.map { array in
        ChunkGrid(sizes: common.sizes.enumerated().map { $0 == axis ? array.grid.sizes[axis] : $1 })
      }
      // Arrays without elements along the axis add nothing; a grid has chunks of size 0 only where it has no others.
      let kept = grids.indices.filter { grids[$0].shape[axis] > 0 }
      let used = kept.isEmpty ? [0] : kept
      let sizes = common.sizes.enumerated().map { number, sizes in
        number == axis ? used.flatMap { grids[$0].sizes[axis] } : sizes
      }
      return Derivation(
        elementType: arrays[0].elementType, grid: ChunkGrid(sizes: sizes),
        operation: ConcatenateOperation(operands: used.map { arrays[$0] }, axis: axis, grids: used.map { grids[$0] }))
    }
  }
}
