internal import MusterRuntime

/// A part of what an operation yields is often that operation on a part of its operands: then the rest is never
/// computed. The leading modes of a decomposition, taken from `u * s`, are the case that pays most.
extension ArrayExpression {
  /// This node's operation on less; nil where nothing is gained, and the slice is taken of the whole.
  func slicedInside(_ indices: ResolvedIndices) throws -> Derivation? {
    // Dropped and inserted axes stay where they are: the operands have other ranks.
    guard indices.resultAxes.elementsEqual(shape.indices.map { $0 as Int? }, by: ==) else { return nil }
    switch operation {
    case let elementwise as ElementwiseOperation: return try elementwise.sliced(indices.selections, of: self)
    case let svd as SVDOperation: return svd.sliced(indices.selections, of: self)
    case let transpose as TransposeOperation: return try transpose.sliced(indices.selections, of: self)
    default: return nil
    }
  }

  /// The selected part, without a record of its own in the session: whoever calls it records the whole operation.
  func part(_ selections: [AxisSelection]) throws -> ArrayExpression {
    let isWhole = zip(selections, shape).allSatisfy { $0 == AxisSelection(start: 0, step: 1, count: $1) }
    if isWhole { return self }
    let indices = ResolvedIndices(selections: selections, resultAxes: shape.indices.map { $0 })
    let derivation =
      try slicedInside(indices)
      ?? Derivation(
        elementType: elementType, grid: SliceOperation.grid(of: grid, indices: indices),
        operation: SliceOperation(operand: self, indices: indices))
    return derived(derivation)
  }
}

extension ElementwiseOperation {
  /// The operation on the parts of its operands that the selections need; an axis of length 1 serves every part.
  fileprivate func sliced(
    _ selections: [AxisSelection], of node: ArrayExpression
  ) throws -> ArrayExpression.Derivation? {
    if case .broadcast = step { return nil }
    let arguments = try arguments.map { argument -> Argument in
      guard case .array(let operand) = argument else { return argument }
      let own = selections.suffix(operand.shape.count)
      return .array(
        try operand.part(
          zip(own, operand.shape).map { selection, length in
            length == 1 && selection.count != 1 || length == 1 && selection.start != 0
              ? AxisSelection(start: 0, step: 1, count: selection.count == 0 ? 0 : 1) : selection
          }))
    }
    let operation = ElementwiseOperation(step: step, arguments: arguments)
    // An axis on which every operand has length 1 has that length in the result too.
    let shape = selections.map(\.count)
    return ArrayExpression.Derivation(
      elementType: node.elementType, grid: .unified(operation.operands.map(\.grid), shape: shape),
      operation: operation)
  }
}

extension SVDOperation {
  /// Some singular vectors, whole: columns of U, or rows of Vᵀ. The others are never made.
  fileprivate func sliced(_ selections: [AxisSelection], of node: ArrayExpression) -> ArrayExpression.Derivation? {
    guard part != .values, vectors == nil else { return nil }
    let axis = part == .left ? 1 : 0
    let (chosen, other) = (selections[axis], selections[1 - axis])
    guard other == AxisSelection(start: 0, step: 1, count: node.shape[1 - axis]), chosen.step == 1,
      (1..<node.shape[axis]).contains(chosen.count)
    else { return nil }
    var operation = self
    operation.vectors = chosen.start..<chosen.start + chosen.count
    var sizes = node.grid.sizes
    sizes[axis] = [chosen.count]
    return ArrayExpression.Derivation(
      elementType: .float64, grid: ChunkGrid(sizes: sizes), operation: operation)
  }
}

extension TransposeOperation {
  /// The axes of a part of the operand: a wide matrix is decomposed transposed.
  fileprivate func sliced(
    _ selections: [AxisSelection], of node: ArrayExpression
  ) throws -> ArrayExpression.Derivation? {
    var own = selections
    for (place, axis) in axes.enumerated() { own[axis] = selections[place] }
    var operation = self
    operation.operand = try operand.part(own)
    let sizes = operation.operand.grid.sizes
    return ArrayExpression.Derivation(
      elementType: node.elementType, grid: ChunkGrid(sizes: axes.map { sizes[$0] }), operation: operation)
  }
}
