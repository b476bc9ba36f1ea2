internal import MusterRuntime

/// A part of what an operation yields is often that operation on a part of its operands: then the rest is never
/// computed. The leading modes of a decomposition, taken from `u * s`, are the case that pays most.
extension ArrayExpression {
  /// The parts that one slice has taken so far: an operand of several nodes is taken of once.
  final class Parts {
    fileprivate struct Key: Hashable {
      var node: ObjectIdentifier
      var selections: [AxisSelection]
    }
    fileprivate var known: [Key: ArrayExpression] = [:]
    fileprivate var depth = 0
    /// Below so many nodes the slice is taken of the whole: each costs a few calls on the stack.
    fileprivate static let deepest = 500
  }

  /// This node's operation on less; nil where nothing is gained, and the slice is taken of the whole.
  func slicedInside(_ indices: ResolvedIndices, _ parts: Parts = Parts()) throws -> Derivation? {
    let axes = shape.indices.map { $0 as Int? }
    guard indices.resultAxes.elementsEqual(axes, by: ==) else {
      // Less with all its axes first, then without those that go, and with the new ones.
      let kept = ResolvedIndices(selections: indices.selections, resultAxes: axes)
      guard let inside = try slicedInside(kept, parts) else { return nil }
      let less = derived(inside)
      let whole = ResolvedIndices(
        selections: less.shape.map { AxisSelection(start: 0, step: 1, count: $0) }, resultAxes: indices.resultAxes)
      return Derivation(
        elementType: elementType, grid: SliceOperation.grid(of: less.grid, indices: whole),
        operation: SliceOperation(operand: less, indices: whole))
    }
    switch operation {
    case let elementwise as ElementwiseOperation:
      return try elementwise.sliced(indices.selections, of: self, parts)
    case let svd as SVDOperation: return svd.sliced(indices.selections, of: self)
    case let transpose as TransposeOperation: return try transpose.sliced(indices.selections, of: self, parts)
    default: return nil
    }
  }

  /// The selected part, without a record of its own in the session: whoever calls it records the whole operation.
  fileprivate func part(_ selections: [AxisSelection], _ parts: Parts) throws -> ArrayExpression {
    let isWhole = zip(selections, shape).allSatisfy { $0 == AxisSelection(start: 0, step: 1, count: $1) }
    if isWhole { return self }
    let key = Parts.Key(node: ObjectIdentifier(self), selections: selections)
    if let known = parts.known[key] { return known }
    let indices = ResolvedIndices(selections: selections, resultAxes: shape.indices.map { $0 })
    parts.depth += 1
    defer { parts.depth -= 1 }
    let inside = parts.depth < Parts.deepest ? try slicedInside(indices, parts) : nil
    let part = derived(
      inside
        ?? Derivation(
          elementType: elementType, grid: SliceOperation.grid(of: grid, indices: indices),
          operation: SliceOperation(operand: self, indices: indices)))
    parts.known[key] = part
    return part
  }
}

extension ElementwiseOperation {
  /// The operation on the parts of its operands that the selections need; an axis of length 1 serves every part.
  fileprivate func sliced(
    _ selections: [AxisSelection], of node: ArrayExpression, _ parts: ArrayExpression.Parts
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
          }, parts))
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
    _ selections: [AxisSelection], of node: ArrayExpression, _ parts: ArrayExpression.Parts
  ) throws -> ArrayExpression.Derivation? {
    var own = selections
    for (place, axis) in axes.enumerated() { own[axis] = selections[place] }
    var operation = self
    operation.operand = try operand.part(own, parts)
    let sizes = operation.operand.grid.sizes
    return ArrayExpression.Derivation(
      elementType: node.elementType, grid: ChunkGrid(sizes: axes.map { sizes[$0] }), operation: operation)
  }
}
