internal import MusterRuntime

extension ChunkedArray {
  /// The same elements, in row-major order, in another shape; one length may be -1, for what is left.
  ///
  /// Merging axes whose chunks are whole costs nothing. Otherwise each block is gathered from those that overlap it:
  /// blocks of the result are about as large as those of the array.
  public func reshaped(
    _ shape: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    let callSite = CallSite(file: file, line: line)
    return ChunkedArray(
      .derive("reshape", Element.elementType, from: [expression], detail: "\(shape)", callSite: callSite) {
        let shape = try Self.completed(shape, from: expression.shape)
        let groups = ReshapeOperation.groups(from: expression.shape, to: shape)
        return ArrayExpression.Derivation(
          elementType: Element.elementType, grid: ReshapeOperation.grid(from: grid, to: shape, groups: groups),
          operation: ReshapeOperation(operand: expression, groups: groups))
      })
  }

  private static func completed(_ shape: [Int], from source: [Int]) throws -> [Int] {
    let count = Shapes.product(source) ?? Int.max
    let mismatch = MusterError(
      .shapeMismatch, "reshaped: an array of shape \(source) can't take the shape \(shape)",
      fix: "Use lengths whose product is \(count)")
    let open = shape.indices.filter { shape[$0] == -1 }
    guard open.count <= 1, shape.allSatisfy({ $0 >= -1 }) else {
      throw MusterError(
        .invalidArgument, "reshaped: the shape \(shape) has lengths below 0", fix: "Use -1 once at most")
    }
    var shape = shape
    if let axis = open.first {
      shape[axis] = 1
      guard let rest = Shapes.product(shape), rest > 0, count % rest == 0 else { throw mismatch }
      shape[axis] = count / rest
    }
    guard Shapes.product(shape) == count else { throw mismatch }
    return shape
  }

  /// The array with its axes in another order: axis i of the result is axis `axes[i]`. Without axes, reversed.
  public func transposed(
    _ axes: [Int]? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    let callSite = CallSite(file: file, line: line)
    return ChunkedArray(expression.transposed(axes, callSite: callSite))
  }

  /// The same array in other chunks.
  public func rechunked(
    _ chunks: Chunks, file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    let callSite = CallSite(file: file, line: line)
    return ChunkedArray(
      .derive("rechunk", Element.elementType, from: [expression], detail: "\(chunks)", callSite: callSite) {
        ArrayExpression.Derivation(
          elementType: Element.elementType,
          grid: try chunks.grid(for: shape, elementType: Element.elementType, operation: "rechunk"),
          operation: RechunkOperation(operand: expression))
      })
  }

  /// The array stretched to a shape, as arithmetic does by itself.
  public func broadcast(
    to shape: [Int], file: StaticString = #fileID, line: UInt = #line
  ) -> ChunkedArray {
    let callSite = CallSite(file: file, line: line)
    return ChunkedArray(
      .derive("broadcast", Element.elementType, from: [expression], detail: "\(shape)", callSite: callSite) {
        try Shapes.check(shape, operation: "broadcast")
        guard try Shapes.broadcast([expression.shape, shape], operation: "broadcast") == shape else {
          throw MusterError(
            .shapeMismatch, "broadcast: an array of shape \(expression.shape) can't be stretched to \(shape)",
            fix: "Each length of the array has to be 1 or that of the shape, counting axes from the last")
        }
        let own = ChunkGrid.unified([grid], shape: shape)
        return ArrayExpression.Derivation(
          elementType: Element.elementType, grid: try Self.stretched(own, from: expression),
          operation: ElementwiseOperation(step: .broadcast, arguments: [.array(expression)]))
      })
  }

  /// Cuts the axes that are stretched, so that blocks don't grow beyond the automatic size.
  private static func stretched(_ grid: ChunkGrid, from expression: ArrayExpression) throws -> ChunkGrid {
    let automatic = try ChunkGrid(automaticallyFor: grid.shape, elementType: expression.elementType, unit: nil)
    let shift = grid.dimensions - expression.grid.dimensions
    return ChunkGrid(
      sizes: grid.shape.indices.map { axis in
        let isStretched = axis < shift || expression.shape[axis - shift] != grid.shape[axis]
        return isStretched ? automatic.sizes[axis] : grid.sizes[axis]
      })
  }
}

extension ArrayExpression {
  func transposed(_ axes: [Int]?, callSite: CallSite?) -> ArrayExpression {
    .derive("transpose", elementType, from: [self], detail: axes.map { "\($0)" } ?? "", callSite: callSite) {
      let rank = shape.count
      let order = axes?.map { $0 < 0 ? $0 + rank : $0 } ?? Array((0..<rank).reversed())
      guard try Shapes.normalized(axes: order, rank: rank, operation: "transposed").count == rank else {
        throw MusterError(
          .invalidAxis, "transposed: the axes \(order) aren't all of an array of shape \(shape)",
          fix: "Give each axis once")
      }
      return Derivation(
        elementType: elementType, grid: grid.transposed(order),
        operation: TransposeOperation(operand: self, axes: order))
    }
  }
}
