internal import MusterRuntime

/// What the three results of a decomposition have in common: the matrix, and the panels in which it is taken.
final class SVDProblem: Sendable {
  let operand: ArrayExpression
  /// Row panels over all columns.
  let panels: ChunkGrid

  init(_ operand: ArrayExpression) {
    self.operand = operand
    panels = ChunkGrid(sizes: [Self.panelRows(operand.grid), [operand.shape[1]]])
  }

  /// Chunks of rows are merged up to at least as many rows as there are columns, so that a panel's triangle is no
  /// larger than the panel, and up to a size at which the library is quick; where columns are cut, panels of many rows
  /// would not fit, and they are cut anew. Depends on the chunks alone.
  static func panelRows(_ grid: ChunkGrid) -> [Int] {
    let columns = max(1, grid.shape[1])
    let target = max(columns, (8 << 20) / (columns * 8))
    guard grid.counts[1] == 1 else { return ChunkGrid.uniform(grid.shape[0], chunk: target) }
    var rows: [Int] = []
    var open = 0
    for size in grid.sizes[0] {
      open += size
      if open >= target {
        rows.append(open)
        open = 0
      }
    }
    if open > 0 || rows.isEmpty { rows.append(open) }
    return rows
  }
}

/// One of the results of the singular value decomposition of a tall matrix: m × n with m ≥ n.
struct SVDOperation: ArrayOperation {
  enum Part: String, Sendable {
    /// U, m × n, in the panels' rows.
    case left
    /// The singular values, n, in one chunk.
    case values
    /// Vᵀ, n × n, in one chunk.
    case right
  }

  var problem: SVDProblem
  var part: Part
  /// With `left` and `right`: which vectors are wanted, as columns of U or rows of Vᵀ; nil for all.
  var vectors: Range<Int>?

  var name: String { "svd" }
  var operands: [ArrayExpression] { [problem.operand] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    let known = lowering.shared[ObjectIdentifier(problem)] as? SVDLayers
    let layers = try known ?? SVDLayers(problem, callSite: node.callSite, in: lowering)
    lowering.shared[ObjectIdentifier(problem)] = layers
    let layer: Int
    switch part {
    case .left: layer = layers.left(vectors, callSite: node.callSite, in: lowering)
    case .values: layer = layers.values(callSite: node.callSite, in: lowering)
    case .right: layer = layers.right(vectors, callSite: node.callSite, in: lowering)
    }
    return BlockFunction(
      layer: layer, grid: node.grid, elementType: .float64, name: "svd", callSite: node.callSite)
  }
}

/// Which singular vectors a collective needs of a decomposition: as few as one range can hold.
struct SVDWanted: Sendable, Equatable {
  /// Rows of Vᵀ.
  var right = 0..<0
  /// Columns of U.
  var left = 0..<0

  init(of problem: SVDProblem, in nodes: [ArrayExpression]) {
    let all = 0..<problem.operand.shape[1]
    for node in nodes {
      guard let operation = node.operation as? SVDOperation, operation.problem === problem else { continue }
      switch operation.part {
      case .left: left = Self.hull(left, operation.vectors ?? all)
      case .right: right = Self.hull(right, operation.vectors ?? all)
      case .values: break
      }
    }
  }

  /// Those that are wanted on either side: a left vector has the sign of its right one.
  var vectors: Range<Int> { Self.hull(left, right) }

  private static func hull(_ a: Range<Int>, _ b: Range<Int>) -> Range<Int> {
    if a.isEmpty { return b }
    if b.isEmpty { return a }
    return min(a.lowerBound, b.lowerBound)..<max(a.upperBound, b.upperBound)
  }
}
