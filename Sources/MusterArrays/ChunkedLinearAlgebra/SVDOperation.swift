internal import MusterRuntime
internal import MusterScheduling

/// A singular value decomposition that several nodes take their parts of; known by its identity.
final class SVDDecomposition: Sendable {
  /// A matrix of at least as many rows as columns.
  let operand: ArrayExpression
  init(_ operand: ArrayExpression) { self.operand = operand }
}

/// One of the parts of a tall-skinny singular value decomposition.
struct SVDOperation<Element: LinearAlgebraElement>: ArrayOperation {
  enum Part: String {
    case u, s, vt
  }
  var decomposition: SVDDecomposition
  var part: Part

  var name: String { "svd-\(part.rawValue)" }
  var operands: [ArrayExpression] { [decomposition.operand] }

  func lower(_ node: ArrayExpression, in lowering: Lowering) throws -> BlockFunction {
    let identity = ObjectIdentifier(decomposition)
    let layers: SVDLayers
    if let known = lowering.shared[identity] as? SVDLayers {
      layers = known
    } else {
      layers = try SVDLowering<Element>(decomposition.operand, callSite: node.callSite).run(in: lowering)
      lowering.shared[identity] = layers
    }
    let layer: Int
    switch part {
    case .s: layer = Self.pick(0, of: layers, node, in: lowering)
    case .vt: layer = Self.pick(1, of: layers, node, in: lowering)
    case .u: layer = SVDLowering<Element>(decomposition.operand, callSite: node.callSite).addU(layers, in: lowering)
    }
    return BlockFunction(
      layer: layer, grid: node.grid, elementType: node.elementType, name: name, callSite: node.callSite)
  }

  /// A task of its own takes one matrix out of the root's, so that the others needn't travel with it.
  private static func pick(_ matrix: Int, of layers: SVDLayers, _ node: ArrayExpression, in lowering: Lowering) -> Int {
    lowering.add(
      Layer(
        name: node.operation.name, count: 1, yielding: AnyNDArray.self, expectedBytes: node.byteCount,
        callSite: node.callSite,
        inputs: { _, into in into.append(layers.root) },
        run: { inputs in inputs.block(0, as: MatrixBundle.self).matrices[matrix] }))
  }
}

/// The layers of a decomposition that its parts share.
struct SVDLayers: Sendable {
  /// The operand in panels of whole rows.
  var panels: BlockFunction
  var factor: TaskID
  /// The tree, from the panels' layer up to that of one task.
  var levels: [(layer: Int, count: Int)]
  var root: TaskID
}

/// The layers of a tall-skinny singular value decomposition, m ≥ n.
///
/// The plan is one for all matrices; which way a matrix goes is decided by a task, from the Gram matrix AᵀA:
///
/// 1. The Gram matrix of each panel of rows, summed in a tree; its Cholesky factor R₁ and an estimate of the condition.
/// 2. A well conditioned matrix (below 20): s and V are those of the Gram matrix, U = A V / s.
/// 3. Up to about 3·10⁵: R₂ from the Gram matrix of A R₁⁻¹ (CholeskyQR2), the decomposition of R₂ R₁, and
///    U = A R₁⁻¹ (R₂⁻¹ Uᵣ).
/// 4. Else, singular matrices included: Householder QR of the panels, their R in a tree (TSQR: Demmel, Grigori,
///    Hoemmen and Langou, SIAM J. Sci. Comput. 34, 2012), the decomposition of the last R, and back down the tree for
///    U, factorising again what was factorised on the way up rather than keeping each Q.
struct SVDLowering<Element: LinearAlgebraElement> {
  private typealias Kernels = SVDKernels<Element>

  private let operand: ArrayExpression
  private let callSite: CallSite?
  /// How many children a node of the tree has.
  private static var fanIn: Int { 4 }
  private static var largestPanelBytes: Int { 64 << 20 }

  init(_ operand: ArrayExpression, callSite: CallSite?) {
    self.operand = operand
    self.callSite = callSite
  }

  private var columns: Int { operand.shape[1] }
  private var squareBytes: Int { columns * columns * operand.elementType.byteCount }

  /// Panels of whole rows: as many of the operand's chunks together as make n rows, those that are too large cut.
  static func panelGrid(of grid: ChunkGrid, elementType: ElementType) -> ChunkGrid {
    let columns = max(grid.shape[1], 1)
    let most = max(columns, largestPanelBytes / (columns * elementType.byteCount))
    var sizes: [Int] = []
    var open = 0
    for rows in grid.sizes[0] {
      open += rows
      guard open >= columns else { continue }
      let parts = (open + most - 1) / most
      for part in 0..<parts { sizes.append((part + 1) * open / parts - part * open / parts) }
      open = 0
    }
    if open > 0 { sizes.append(open) }
    return ChunkGrid(sizes: [sizes, [grid.shape[1]]])
  }

  func run(in lowering: Lowering) throws -> SVDLayers {
    let grid = Self.panelGrid(of: operand.grid, elementType: operand.elementType)
    let panels = try lowering.blocks(of: operand, on: grid, takenOnce: false)
    let count = grid.count
    let grams = lowering.add(
      Layer(
        name: panels.layerNumber == nil ? "\(panels.name)-svd-gram" : "svd-gram", count: count,
        yielding: AnyNDArray.self, expectedBytes: squareBytes, callSite: callSite, inputs: panels.inputs,
        run: { inputs in
          var blocks = BlockCursor(inputs.blocks)
          let panel = NDArray<Element>(try panels.run(inputs.index, &blocks))
          return try Kernels.gram(panel, firstRow: grid.region(of: inputs.index).origin[0]).erased
        }))
    let factorLayer = lowering.add(
      ReductionTree<AnyNDArray, MatrixBundle>(
        name: "svd-factor", callSite: callSite, results: 1, partials: count,
        leaf: { TaskID(layer: grams, index: $1) }, partialBytes: squareBytes,
        combine: { Kernels.sum($0.map { NDArray($0) }).erased },
        finish: { _, gram in try Kernels.factor(gram: NDArray(gram)) }))
    let factor = TaskID(layer: factorLayer, index: 0)
    let leaves = lowering.add(
      Layer(
        name: "svd-panel", count: count, yielding: MatrixBundle.self, expectedBytes: squareBytes, callSite: callSite,
        inputs: { index, into in
          into.append(factor)
          panels.inputs(index, &into)
        },
        run: { inputs in
          var blocks = BlockCursor(inputs.blocks)
          let factor = blocks.next(as: MatrixBundle.self)
          return try Kernels.leaf(NDArray(try panels.run(inputs.index, &blocks)), factor: factor)
        }))
    var levels = [(layer: leaves, count: count)]
    while let below = levels.last, below.count > 1 {
      let layer = lowering.add(
        Layer(
          name: "svd-combine", count: (below.count + Self.fanIn - 1) / Self.fanIn, yielding: MatrixBundle.self,
          expectedBytes: squareBytes, callSite: callSite,
          inputs: { index, into in into += Self.children(of: index, in: below) },
          run: { inputs in try Kernels.combine(inputs.blocks.indices.map { inputs.block($0) }) }))
      levels.append((layer, (below.count + Self.fanIn - 1) / Self.fanIn))
    }
    let top = TaskID(layer: levels[levels.count - 1].layer, index: 0)
    let root = lowering.add(
      Layer(
        name: "svd-root", count: 1, yielding: MatrixBundle.self, expectedBytes: 2 * squareBytes, callSite: callSite,
        inputs: { _, into in into += [factor, top] },
        run: { inputs in try Kernels.root(factor: inputs.block(0), top: inputs.block(1)) }))
    return SVDLayers(panels: panels, factor: factor, levels: levels, root: TaskID(layer: root, index: 0))
  }

  private static func children(of index: Int, in level: (layer: Int, count: Int)) -> [TaskID] {
    (index * fanIn..<min((index + 1) * fanIn, level.count)).map { TaskID(layer: level.layer, index: $0) }
  }

  /// Adds the way back down the tree, and the layer that yields the panels of U.
  func addU(_ layers: SVDLayers, in lowering: Lowering) -> Int {
    // What the nodes of a level are handed from above: by the root, or by the node above, which has one for each child.
    var above: (layer: Int, fromRoot: Bool) = (Int(layers.root.layer), true)
    for level in layers.levels.indices.dropFirst().reversed() {
      let below = layers.levels[level - 1]
      let source = above
      let layer = lowering.add(
        Layer(
          name: "svd-descend", count: layers.levels[level].count, yielding: MatrixBundle.self,
          expectedBytes: Self.fanIn * squareBytes, callSite: callSite,
          inputs: { index, into in
            into.append(Self.source(of: index, source))
            into += Self.children(of: index, in: below)
          },
          run: { inputs in
            try Kernels.descend(
              inputs.blocks.indices.dropFirst().map { inputs.block($0) },
              from: Self.handed(inputs.block(0), to: inputs.index, source))
          }))
      above = (layer, false)
    }
    let (panels, factor, root, source) = (layers.panels, layers.factor, layers.root, above)
    return lowering.add(
      Layer(
        name: "svd-u", count: panels.grid.count, yielding: AnyNDArray.self,
        expectedBytes: panels.grid.largestChunk * operand.elementType.byteCount, callSite: callSite,
        inputs: { index, into in
          into += [factor, root, Self.source(of: index, source)]
          panels.inputs(index, &into)
        },
        run: { inputs in
          var blocks = BlockCursor(inputs.blocks)
          let factor = blocks.next(as: MatrixBundle.self)
          let root = blocks.next(as: MatrixBundle.self)
          let above = Self.handed(blocks.next(), to: inputs.index, source)
          let panel = NDArray<Element>(try panels.run(inputs.index, &blocks))
          return try Kernels.rows(of: panel, factor: factor, root: root, above: above).erased
        }))
  }

  private static func source(of index: Int, _ source: (layer: Int, fromRoot: Bool)) -> TaskID {
    TaskID(layer: source.layer, index: source.fromRoot ? 0 : index / fanIn)
  }

  /// The matrix for a node, among those that its source holds; nil where the method has no way down.
  private static func handed(
    _ bundle: MatrixBundle, to index: Int, _ source: (layer: Int, fromRoot: Bool)
  ) -> NDArray<Element>? {
    guard bundle.method == .householder else { return nil }
    return NDArray(source.fromRoot ? bundle.matrices[2] : bundle.matrices[index % fanIn])
  }
}
