internal import MusterRuntime
internal import MusterScheduling

/// The same array in other chunks.
struct RechunkOperation: ArrayOperation {
  var operand: ArrayExpression

  var name: String { "rechunk" }
  var operands: [ArrayExpression] { [operand] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    try lowering.blocks(of: operand, on: node.grid)
  }
}

/// Arrays end to end along an axis. The operands' chunks agree along the other axes.
struct ConcatenateOperation: ArrayOperation {
  var operands: [ArrayExpression]
  var axis: Int
  /// The grid that each operand is taken on.
  var grids: [ChunkGrid]

  var name: String { "concatenate" }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    var sources: [BlockFunction] = []
    for (operand, grid) in zip(operands, grids) { sources.append(try lowering.blocks(of: operand, on: grid)) }
    let grid = node.grid
    let axis = axis
    // For each chunk along the axis, its operand and its number there.
    let places = sources.indices.flatMap { source in
      (0..<grids[source].counts[axis]).map { (source: source, chunk: $0) }
    }
    let functions = sources
    @Sendable func place(of chunk: Int) -> (BlockFunction, Int) {
      var coordinates = grid.coordinates(of: chunk)
      let place = places[coordinates[axis]]
      coordinates[axis] = place.chunk
      let function = functions[place.source]
      return (function, function.grid.number(at: coordinates))
    }
    return BlockFunction(
      grid: grid, elementType: node.elementType, name: name, callSite: node.callSite,
      cost: functions.map(\.cost).max()!, writes: functions.map(\.writes).max()!,
      depth: functions.map(\.depth).max()! + 1,
      inputs: { chunk, into in
        let (function, number) = place(of: chunk)
        function.inputs(number, &into)
      },
      run: { chunk, blocks in
        let (function, number) = place(of: chunk)
        return try function.run(number, &blocks)
      })
  }
}

/// A closure over each block. The chunks of the result are numbered like those of the operand.
struct MapBlocksOperation: ArrayOperation {
  var operand: ArrayExpression
  var body: @Sendable (AnyNDArray, BlockInfo) throws -> AnyNDArray

  var name: String { "mapBlocks" }
  var operands: [ArrayExpression] { [operand] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    let source = try lowering.blocks(of: operand)
    let grid = node.grid
    let sourceGrid = operand.grid
    let body = body
    return BlockFunction(
      grid: grid, elementType: node.elementType, name: BlockFunction.name(of: [name], behind: [source]),
      callSite: node.callSite,
      cost: .work, writes: source.writes + Double(grid.largestChunk), depth: source.depth + 1,
      inputs: { chunk, into in source.inputs(chunk, &into) },
      run: { chunk, blocks in
        let block = try source.run(chunk, &blocks)
        let result = try body(
          block,
          BlockInfo(number: chunk, coordinates: sourceGrid.coordinates(of: chunk), region: sourceGrid.region(of: chunk))
        )
        guard result.shape == grid.shape(of: chunk) else {
          throw MusterError(
            .shapeMismatch,
            "mapBlocks: the closure made a block of shape \(result.shape) of chunk \(chunk), of shape \(block.shape), "
              + "where \(grid.shape(of: chunk)) was declared",
            fix: "Return blocks of the declared shape, or declare the chunks that the closure makes: "
              + "mapBlocks(chunks: [[…], …])")
        }
        return result
      })
  }
}

/// Which block a closure of `mapBlocks` is given.
public struct BlockInfo: Sendable, Hashable {
  /// The number of the chunk, in row-major order.
  public var number: Int
  /// The position of the chunk along each axis, in chunks.
  public var coordinates: [Int]
  /// The part of the array that the chunk holds: where it begins, and its shape.
  public var region: ArrayRegion
}
