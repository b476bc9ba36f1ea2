internal import MusterRuntime
internal import MusterScheduling

/// An array of one value.
struct FillOperation: RegionSource {
  var value: ScalarValue

  var name: String { "full" }
  var cost: BlockFunction.Cost { .pass }
  func yieldsDirectly(_ grid: ChunkGrid) -> Bool { true }
  func block(_ region: ArrayRegion) throws -> AnyNDArray {
    let block = try AnyNDArray(allocating: value.elementType, shape: region.shape)
    block.fill(with: value)
    return block
  }
}

/// Elements from their positions, by a closure that fills a box.
struct GenerateOperation: RegionSource {
  var name: String
  var cost: BlockFunction.Cost
  var fill: @Sendable (ArrayRegion) throws -> AnyNDArray

  func yieldsDirectly(_ grid: ChunkGrid) -> Bool { true }
  func block(_ region: ArrayRegion) throws -> AnyNDArray { try fill(region) }
}

/// An array in memory, every rank having its own copy: cut into blocks once, when the node is made.
struct MemoryOperation: ArrayOperation {
  var blocks: [AnyNDArray]

  var name: String { "array" }
  var operands: [ArrayExpression] { [] }

  /// - Throws: `MusterError` with code `outOfMemory`.
  init(_ array: AnyNDArray, grid: ChunkGrid) throws(MusterError) {
    blocks = []
    blocks.reserveCapacity(grid.count)
    for chunk in 0..<grid.count {
      let region = grid.region(of: chunk)
      blocks.append(try array.slice(zip(region.origin, region.shape).map { $0..<$0 + $1 }))
    }
  }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    let blocks = blocks
    return BlockFunction(
      grid: node.grid, elementType: node.elementType, name: name, callSite: node.callSite, cost: .nothing,
      inputs: { _, _ in }, run: { chunk, _ in blocks[chunk] })
  }
}
