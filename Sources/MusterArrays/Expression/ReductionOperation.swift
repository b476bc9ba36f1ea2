internal import MusterRuntime
internal import MusterScheduling

/// Reduces some axes: each chunk to a partial result, in one pass with the elementwise chain before it, then the
/// partial results of each of the result's chunks in a tree.
struct ReductionOperation: ArrayOperation {
  var operand: ArrayExpression
  var reduction: FinalReduction
  /// Ascending.
  var axes: [Int]

  var name: String { reduction.name }
  var operands: [ArrayExpression] { [operand] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    var fusion = try lowering.program(yielding: operand)
    let register = fusion.program.output
    fusion.program.finish(fusion.program.cast(register, to: reduction.inputType(for: operand.elementType)))
    let inputs = try FusedInputs(fusion, in: lowering)
    let name = inputs.name(of: fusion.names + [name])
    let (program, axes, reduction) = (fusion.program, axes, reduction)
    let (source, grid) = (operand.grid, node.grid)
    let partials = axes.reduce(1) { $0 * source.counts[$1] }

    @Sendable func partial(_ chunk: Int, _ blocks: inout BlockCursor) throws -> PartialReduction {
      try program.reduce(
        try inputs.blocks(chunk, &blocks), shape: source.shape(of: chunk), kind: reduction.kind, axes: axes)
    }
    if partials == 1 {
      // No other chunk takes part, so this fuses into whatever comes next.
      return BlockFunction(
        grid: grid, elementType: node.elementType, name: name, callSite: node.callSite, cost: .work,
        writes: inputs.writes + Double(source.largestChunk), depth: inputs.depth + 1,
        inputs: { chunk, into in inputs.append(chunk, into: &into) },
        run: { chunk, blocks in
          try partial(chunk, &blocks).finish(as: reduction).reshaped(grid.shape(of: chunk))
        })
    }
    // Two accumulators of 8 bytes or one of 16, for each element of the result's chunk, at most.
    let partialBytes = grid.largestChunk * 16
    let leaves = lowering.add(
      Layer(
        name: name, count: source.count, yielding: PartialReduction.self, expectedBytes: partialBytes,
        callSite: node.callSite,
        inputs: { chunk, into in inputs.append(chunk, into: &into) },
        run: { task in
          var cursor = BlockCursor(task.blocks)
          return try partial(task.index, &cursor)
        }))
    let kept = source.shape.indices.filter { !axes.contains($0) }
    let layer = lowering.add(
      ReductionTree<PartialReduction, AnyNDArray>(
        name: self.name, callSite: node.callSite, results: grid.count, partials: partials,
        leaf: { result, partial in
          var coordinates = [Int](repeating: 0, count: source.dimensions)
          var rest = result
          for axis in kept.reversed() {
            (rest, coordinates[axis]) = rest.quotientAndRemainder(dividingBy: source.counts[axis])
          }
          rest = partial
          for axis in axes.reversed() {
            (rest, coordinates[axis]) = rest.quotientAndRemainder(dividingBy: source.counts[axis])
          }
          return TaskID(layer: leaves, index: source.number(at: coordinates))
        },
        partialBytes: partialBytes,
        combine: { try PartialReduction.combine($0, kind: reduction.kind) },
        finish: { result, partial in try partial.finish(as: reduction).reshaped(grid.shape(of: result)) }))
    return BlockFunction(
      layer: layer, grid: grid, elementType: node.elementType, name: name, callSite: node.callSite)
  }
}

extension FinalReduction {
  var name: String {
    switch self {
    case .sum: "sum"
    case .product: "product"
    case .mean: "mean"
    case .min: "min"
    case .max: "max"
    case .any: "any"
    case .all: "all"
    case .variance: "variance"
    case .standardDeviation: "standardDeviation"
    }
  }
}

extension ArrayExpression {
  /// A node that reduces axes, all where `axes` is nil; they stay with length 1 or go.
  func reduced(
    _ reduction: FinalReduction, axes: [Int]?, keepDims: Bool, as elementType: ElementType, callSite: CallSite?
  ) -> ArrayExpression {
    .derive(
      reduction.name, elementType, from: [self],
      detail: "\(reduction) axes \(axes.map { "\($0)" } ?? "all")\(keepDims ? " keepDims" : "")", callSite: callSite
    ) {
      let axes = try Shapes.normalized(axes: axes, rank: shape.count, operation: reduction.name)
      guard let type = reduction.resultType(for: self.elementType) else {
        throw MusterError(
          .unsupported, "there is no \(reduction.name) of \(self.elementType)", fix: "Convert with asType(_:) first")
      }
      let sizes = shape.indices.compactMap { axis in
        axes.contains(axis) ? (keepDims ? [1] : nil) : grid.sizes[axis]
      }
      return Derivation(
        elementType: type, grid: ChunkGrid(sizes: sizes),
        operation: ReductionOperation(operand: self, reduction: reduction, axes: axes))
    }
  }
}
