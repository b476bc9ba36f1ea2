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
  /// Some columns of U: the panels are multiplied by those columns alone.
  fileprivate func sliced(_ selections: [AxisSelection], of node: ArrayExpression) -> ArrayExpression.Derivation? {
    guard part == .left, columns == nil, selections[0] == AxisSelection(start: 0, step: 1, count: node.shape[0]),
      selections[1].step == 1, (1..<node.shape[1]).contains(selections[1].count)
    else { return nil }
    var operation = self
    operation.columns = selections[1].start..<selections[1].start + selections[1].count
    return ArrayExpression.Derivation(
      elementType: .float64, grid: ChunkGrid(sizes: [node.grid.sizes[0], [selections[1].count]]),
      operation: operation)
  }
}
