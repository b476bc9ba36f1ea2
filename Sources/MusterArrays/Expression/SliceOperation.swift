internal import MusterRuntime
internal import MusterScheduling

/// Takes a part of each axis, drops axes and inserts new ones. Each chunk of the result comes from one chunk.
struct SliceOperation: ArrayOperation {
  var operand: ArrayExpression
  var indices: ResolvedIndices

  var name: String { "slice" }
  var operands: [ArrayExpression] { [operand] }

  /// What one chunk of the result takes of one chunk of the operand, along one axis.
  struct Part: Sendable {
    var chunk: Int
    /// Relative to the chunk.
    var selection: AxisSelection
  }

  /// The parts of an axis, in the order of the result.
  static func parts(of selection: AxisSelection, axis: Int, grid: ChunkGrid) -> [Part] {
    guard selection.count > 0 else {
      return [Part(chunk: 0, selection: AxisSelection(start: 0, step: 1, count: 0))]
    }
    let step = abs(selection.step)
    let last = selection.start + (selection.count - 1) * selection.step
    let chunks = grid.chunks(
      along: axis, overlapping: min(selection.start, last), max(selection.start, last) + 1)
    var parts: [Part] = []
    for chunk in selection.step > 0 ? Array(chunks) : chunks.reversed() {
      let bounds = grid.bounds(of: chunk, along: axis)
      // How far the chunk's nearer and farther end are from the start, in the direction of the step.
      let (near, far) =
        selection.step > 0
        ? (bounds.lowerBound - selection.start, bounds.upperBound - selection.start)
        : (selection.start - bounds.upperBound + 1, selection.start - bounds.lowerBound + 1)
      let first = max(0, (near + step - 1) / step)
      let end = min(selection.count, far <= 0 ? 0 : (far + step - 1) / step)
      guard near > 0 ? first < end : 0 < end else { continue }
      parts.append(
        Part(
          chunk: chunk,
          selection: AxisSelection(
            start: selection.start + first * selection.step - bounds.lowerBound, step: selection.step,
            count: end - first)))
    }
    return parts
  }

  static func grid(of operand: ChunkGrid, indices: ResolvedIndices) -> ChunkGrid {
    ChunkGrid(
      sizes: indices.resultAxes.map { axis in
        guard let axis else { return [1] }
        return parts(of: indices.selections[axis], axis: axis, grid: operand).map(\.selection.count)
      })
  }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    let source = try lowering.blocks(of: operand)
    let grid = node.grid
    let sourceGrid = operand.grid
    let resultAxes = indices.resultAxes
    let parts = indices.selections.indices.map {
      Self.parts(of: indices.selections[$0], axis: $0, grid: sourceGrid)
    }
    @Sendable func part(of chunk: Int) -> [Part] {
      // An axis that the result lacks has one part.
      var taken = parts.map { $0[0] }
      for (axis, coordinate) in zip(resultAxes, grid.coordinates(of: chunk)) {
        if let axis { taken[axis] = parts[axis][coordinate] }
      }
      return taken
    }
    return BlockFunction(
      grid: grid, elementType: node.elementType, name: BlockFunction.name(of: [name], behind: [source]),
      callSite: node.callSite,
      cost: source.cost, writes: source.writes + Double(grid.largestChunk), depth: source.depth + 1,
      inputs: { chunk, into in source.inputs(sourceGrid.number(at: part(of: chunk).map(\.chunk)), &into) },
      run: { chunk, blocks in
        let taken = part(of: chunk)
        let block = try source.run(sourceGrid.number(at: taken.map(\.chunk)), &blocks)
        return try block.selecting(taken.map(\.selection)).reshaped(grid.shape(of: chunk))
      })
  }
}

/// Reorders the axes.
struct TransposeOperation: ArrayOperation {
  var operand: ArrayExpression
  /// The operand's axis that each axis of the result is.
  var axes: [Int]

  var name: String { "transpose" }
  var operands: [ArrayExpression] { [operand] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    let source = try lowering.blocks(of: operand)
    let grid = node.grid
    let sourceGrid = operand.grid
    let axes = axes
    @Sendable func sourceChunk(_ chunk: Int) -> Int {
      var coordinates = [Int](repeating: 0, count: axes.count)
      for (axis, coordinate) in zip(axes, grid.coordinates(of: chunk)) { coordinates[axis] = coordinate }
      return sourceGrid.number(at: coordinates)
    }
    return BlockFunction(
      grid: grid, elementType: node.elementType, name: BlockFunction.name(of: [name], behind: [source]),
      callSite: node.callSite,
      cost: max(source.cost, .pass), writes: source.writes + Double(grid.largestChunk), depth: source.depth + 1,
      inputs: { chunk, into in source.inputs(sourceChunk(chunk), &into) },
      run: { chunk, blocks in try source.run(sourceChunk(chunk), &blocks).transposed(axes) })
  }
}

extension AnyNDArray {
  /// The selected elements of each axis.
  fileprivate func selecting(_ selections: [AxisSelection]) throws -> AnyNDArray {
    let region = selections.map { selection in
      guard selection.count > 0 else { return 0..<0 }
      let last = selection.start + (selection.count - 1) * selection.step
      return min(selection.start, last)..<max(selection.start, last) + 1
    }
    return try slice(region, steps: selections.map(\.step))
  }
}
