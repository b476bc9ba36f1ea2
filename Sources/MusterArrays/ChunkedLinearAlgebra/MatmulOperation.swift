internal import MusterRuntime
internal import MusterScheduling

/// The product of two matrices: one task for each tile of the result, adding up products of tiles along the inner axis
/// in order.
struct MatmulOperation<Element: LinearAlgebraElement>: ArrayOperation {
  var a: ArrayExpression
  var b: ArrayExpression
  /// The chunks of the inner axis, on which both are taken.
  var inner: [Int]

  var name: String { "matmul" }
  var operands: [ArrayExpression] { [a, b] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    let grid = node.grid
    let left = try lowering.blocks(
      of: a, on: ChunkGrid(sizes: [grid.sizes[0], inner]), takenOnce: grid.counts[1] == 1)
    let right = try lowering.blocks(
      of: b, on: ChunkGrid(sizes: [inner, grid.sizes[1]]), takenOnce: grid.counts[0] == 1)
    let (columns, steps) = (grid.counts[1], inner.count)
    let layer = lowering.add(
      Layer(
        name: name, count: grid.count, yielding: AnyNDArray.self,
        expectedBytes: grid.largestChunk * node.elementType.byteCount, callSite: node.callSite,
        inputs: { tile, into in
          let (row, column) = tile.quotientAndRemainder(dividingBy: columns)
          for step in 0..<steps {
            left.inputs(row * steps + step, &into)
            right.inputs(step * columns + column, &into)
          }
        },
        run: { inputs in
          let (row, column) = inputs.index.quotientAndRemainder(dividingBy: columns)
          var blocks = BlockCursor(inputs.blocks)
          var sum: NDArray<Element>?
          for step in 0..<steps {
            let x = NDArray<Element>(try left.run(row * steps + step, &blocks))
            let y = NDArray<Element>(try right.run(step * columns + column, &blocks))
            if var total = sum.take() {
              try NDArray.gemm(x, .none, y, .none, alpha: 1, beta: 1, into: &total)
              sum = total
            } else {
              sum = try x.matmul(y)
            }
          }
          guard let sum else { throw MusterError(.internal, "a matrix product without inner chunks") }
          return sum.erased
        }))
    return BlockFunction(
      layer: layer, grid: grid, elementType: node.elementType, name: name, callSite: node.callSite)
  }
}
