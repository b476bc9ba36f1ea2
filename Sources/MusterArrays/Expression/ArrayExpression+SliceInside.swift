internal import MusterRuntime

/// A part of what an operation yields is often that operation on a part of its operands: then the rest is never
/// computed. The leading modes of a decomposition, taken from `u * s`, are the case that pays most.
///
/// The operations are copied for the part. So it is done only where the part is small, or leaves out singular vectors:
/// parts that overlap, as those of a stencil, share what the whole is computed to.
extension ArrayExpression {
  /// The parts that one slice has taken so far: an operand of several nodes is taken of once.
  final class Parts {
    struct Key: Hashable {
      var node: ObjectIdentifier
      var selections: [AxisSelection]
    }
    fileprivate var known: [Key: ArrayExpression] = [:]
    /// A slice that would copy more nodes is taken of the whole.
    fileprivate static let limit = 64
  }

  /// This node's operation on less; nil where nothing is gained, and the slice is taken of the whole.
  func slicedInside(_ indices: ResolvedIndices) throws -> Derivation? {
    let axes = shape.indices.map { $0 as Int? }
    guard indices.resultAxes.elementsEqual(axes, by: ==) else {
      // Less with all its axes first, then without those that go, and with the new ones.
      let kept = ResolvedIndices(selections: indices.selections, resultAxes: axes)
      guard let inside = try slicedInside(kept) else { return nil }
      let less = derived(inside)
      let whole = ResolvedIndices(
        selections: less.shape.map { AxisSelection(start: 0, step: 1, count: $0) }, resultAxes: indices.resultAxes)
      return Derivation(
        elementType: elementType, grid: SliceOperation.grid(of: less.grid, indices: whole),
        operation: SliceOperation(operand: less, indices: whole))
    }
    return gainsBySlicingInside(indices.selections) ? try inside(indices.selections, Parts()) : nil
  }

  /// Whether the selections are half of the node at most, or leave singular vectors out somewhere below, within the
  /// number of nodes that may be copied.
  private func gainsBySlicingInside(_ selections: [AxisSelection]) -> Bool {
    var gains = 2 * selections.reduce(1) { $0 * $1.count } <= grid.elementCount
    var seen: Set<Parts.Key> = []
    var open: [(node: ArrayExpression, selections: [AxisSelection])] = [(self, selections)]
    while let (node, selections) = open.popLast() {
      guard !node.isWhole(selections) || node === self,
        seen.insert(Parts.Key(node: ObjectIdentifier(node), selections: selections)).inserted
      else { continue }
      if seen.count > Parts.limit { return false }
      switch node.operation {
      case let elementwise as ElementwiseOperation where elementwise.step != .broadcast:
        for operand in elementwise.operands { open.append((operand, operand.broadcasting(selections))) }
      case let transpose as TransposeOperation:
        open.append((transpose.operand, transpose.selections(for: selections)))
      case let svd as SVDOperation: gains = gains || svd.vectors(in: selections, of: node) != nil
      default: break
      }
    }
    return gains
  }

  private func inside(_ selections: [AxisSelection], _ parts: Parts) throws -> Derivation? {
    switch operation {
    case let elementwise as ElementwiseOperation: try elementwise.sliced(selections, of: self, parts)
    case let svd as SVDOperation: svd.sliced(selections, of: self)
    case let transpose as TransposeOperation: try transpose.sliced(selections, of: self, parts)
    default: nil
    }
  }

  private func isWhole(_ selections: [AxisSelection]) -> Bool {
    zip(selections, shape).allSatisfy { $0 == AxisSelection(start: 0, step: 1, count: $1) }
  }

  /// What the selections of a result that this node broadcasts to take of it: an axis of length 1 serves every part.
  fileprivate func broadcasting(_ selections: [AxisSelection]) -> [AxisSelection] {
    zip(selections.suffix(shape.count), shape).map { selection, length in
      length == 1 && (selection.count != 1 || selection.start != 0)
        ? AxisSelection(start: 0, step: 1, count: selection.count == 0 ? 0 : 1) : selection
    }
  }

  /// The selected part, without a record of its own in the session: whoever calls it records the whole operation.
  fileprivate func part(_ selections: [AxisSelection], _ parts: Parts) throws -> ArrayExpression {
    if isWhole(selections) { return self }
    let key = Parts.Key(node: ObjectIdentifier(self), selections: selections)
    if let known = parts.known[key] { return known }
    let indices = ResolvedIndices(selections: selections, resultAxes: shape.indices.map { $0 })
    let part = derived(
      try inside(selections, parts)
        ?? Derivation(
          elementType: elementType, grid: SliceOperation.grid(of: grid, indices: indices),
          operation: SliceOperation(operand: self, indices: indices)))
    parts.known[key] = part
    return part
  }
}

extension ElementwiseOperation {
  /// The operation on the parts of its operands that the selections need.
  fileprivate func sliced(
    _ selections: [AxisSelection], of node: ArrayExpression, _ parts: ArrayExpression.Parts
  ) throws -> ArrayExpression.Derivation? {
    if step == .broadcast { return nil }
    let arguments = try arguments.map { argument -> Argument in
      guard case .array(let operand) = argument else { return argument }
      return .array(try operand.part(operand.broadcasting(selections), parts))
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
  /// The singular vectors that the selections take, whole; nil where they take parts of them, or all.
  fileprivate func vectors(in selections: [AxisSelection], of node: ArrayExpression) -> Range<Int>? {
    guard part != .values, vectors == nil else { return nil }
    let axis = part == .left ? 1 : 0
    let (chosen, other) = (selections[axis], selections[1 - axis])
    guard other == AxisSelection(start: 0, step: 1, count: node.shape[1 - axis]), chosen.step == 1,
      (1..<node.shape[axis]).contains(chosen.count)
    else { return nil }
    return chosen.start..<chosen.start + chosen.count
  }

  /// Some singular vectors, whole: columns of U, or rows of Vᵀ. The others are never made.
  fileprivate func sliced(_ selections: [AxisSelection], of node: ArrayExpression) -> ArrayExpression.Derivation? {
    guard let chosen = vectors(in: selections, of: node) else { return nil }
    var operation = self
    operation.vectors = chosen
    var sizes = node.grid.sizes
    sizes[part == .left ? 1 : 0] = [chosen.count]
    return ArrayExpression.Derivation(
      elementType: .float64, grid: ChunkGrid(sizes: sizes), operation: operation)
  }
}

extension TransposeOperation {
  /// What the result's selections take of the operand.
  fileprivate func selections(for selections: [AxisSelection]) -> [AxisSelection] {
    var own = selections
    for (place, axis) in axes.enumerated() { own[axis] = selections[place] }
    return own
  }

  /// The axes of a part of the operand: a wide matrix is decomposed transposed.
  fileprivate func sliced(
    _ selections: [AxisSelection], of node: ArrayExpression, _ parts: ArrayExpression.Parts
  ) throws -> ArrayExpression.Derivation? {
    var operation = self
    operation.operand = try operand.part(self.selections(for: selections), parts)
    let sizes = operation.operand.grid.sizes
    return ArrayExpression.Derivation(
      elementType: node.elementType, grid: ChunkGrid(sizes: axes.map { sizes[$0] }), operation: operation)
  }
}
