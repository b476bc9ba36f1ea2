internal import MusterRuntime

/// A source that can make any box of its array: a file, or a formula.
protocol RegionSource: ArrayOperation {
  /// What making a box again costs.
  var cost: BlockFunction.Cost { get }
  /// Whether blocks of another grid than the node's are made directly, without making anything twice.
  func yieldsDirectly(_ grid: ChunkGrid) -> Bool
  /// Makes a box.
  func block(_ region: ArrayRegion) throws -> AnyNDArray
}

extension RegionSource {
  var operands: [ArrayExpression] { [] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    function(node, on: node.grid)
  }

  func function(_ node: ArrayExpression, on grid: ChunkGrid) -> BlockFunction {
    BlockFunction(
      grid: grid, elementType: node.elementType, name: name, callSite: node.callSite, cost: cost,
      inputs: { _, _ in },
      run: { [self] chunk, _ in try block(grid.region(of: chunk)) })
  }
}
