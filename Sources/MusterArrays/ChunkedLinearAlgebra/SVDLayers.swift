internal import MusterRuntime
internal import MusterScheduling

/// The layers of a decomposition. All of them are added; those that no result needs are never expanded.
struct SVDLayers: Sendable {
  private let panels: ChunkGrid
  /// The panels' bases, which W, brought down the tree's levels, makes U of.
  private let bases: Int
  private let levels: [(nodes: Int, heights: [Int])]
  /// The task that gives the singular values and what is wanted of the vectors.
  private let core: Int
  private let wanted: SVDWanted

  /// How many nodes one of the tree takes together.
  private static let fanIn = 8

  init(_ problem: SVDProblem, callSite: CallSite?, in lowering: Lowering) throws {
    panels = problem.panels
    let panels = panels
    let columns = panels.shape[1]
    let matrixBytes = columns * columns * 8
    let panelBytes = panels.largestChunk * 8
    let source = try lowering.blocks(of: problem.operand, on: panels, takenOnce: false)
    // What fits is kept between the passes; of what doesn't, each pass makes the panels anew.
    let isKept = panels.elementCount * 8 <= Lowering.keptSourceBytes
    let panelLayer = lowering.layer(of: source).layerNumber!
    func panelsOfAnotherPass() -> Int { isKept ? panelLayer : lowering.layer(of: source).layerNumber! }

    func layer<B: Block>(
      _ name: String, _ count: Int, bytes: Int, inputs: @escaping @Sendable (Int, inout [TaskID]) -> Void,
      run: @escaping @Sendable (TaskInputs) throws -> B
    ) -> Int {
      lowering.add(
        Layer(
          name: "svd-\(name)", count: count, yielding: B.self, expectedBytes: bytes, callSite: callSite,
          inputs: inputs, run: run))
    }

    // The first pass: the Gram matrix, and what it says.
    let grams = layer("gram", panels.count, bytes: matrixBytes / 2) { index, into in
      into.append(TaskID(layer: panelLayer, index: index))
    } run: { inputs in
      try SVDSteps.gram(of: NDArray<Double>(inputs.block(0)), rows: panels.rows(of: inputs.index)).erased
    }
    let gram = lowering.add(
      ReductionTree<AnyNDArray, AnyNDArray>(
        name: "svd-gram", callSite: callSite, results: 1, partials: panels.count,
        leaf: { _, partial in TaskID(layer: grams, index: partial) }, partialBytes: matrixBytes / 2,
        combine: { try SVDSteps.sum($0.map { NDArray<Double>($0) }).erased }, finish: { _, sum in sum }))
    let factor = layer("factor", 1, bytes: matrixBytes) { _, into in
      into.append(TaskID(layer: gram, index: 0))
    } run: { inputs in
      try SVDSteps.Factor(gram: NDArray<Double>(inputs.block(0)), size: columns).tuple
    }
    // The second pass: bases, and a tree over what they come to.
    func addBases(of panelLayer: Int) -> Int {
      layer("basis", panels.count, bytes: panelBytes) { index, into in
        into.append(TaskID(layer: panelLayer, index: index))
        into.append(TaskID(layer: factor, index: 0))
      } run: { inputs in
        try SVDSteps.basis(of: NDArray<Double>(inputs.block(0)), SVDSteps.Factor(inputs.block(1)))
      }
    }
    let bases = addBases(of: panelsOfAnotherPass())
    var summaries = layer("summary", panels.count, bytes: matrixBytes) { index, into in
      into.append(TaskID(layer: bases, index: index))
    } run: { inputs in
      try SVDSteps.summary(of: inputs.block(0)).erased
    }
    // The rows of each summary on the Householder way.
    var heights = panels.sizes[0].map { min($0, columns) }
    var levels: [(nodes: Int, heights: [Int])] = []
    while heights.count > 1 {
      let below = (layer: summaries, heights: heights)
      let count = (heights.count + Self.fanIn - 1) / Self.fanIn
      let fanIn = Self.fanIn
      let nodes = layer("combine", count, bytes: fanIn * matrixBytes) { index, into in
        for child in index * fanIn..<min((index + 1) * fanIn, below.heights.count) {
          into.append(TaskID(layer: below.layer, index: child))
        }
        into.append(TaskID(layer: factor, index: 0))
      } run: { inputs in
        let last = inputs.blocks.count - 1
        return try SVDSteps.combine(
          (0..<last).map { NDArray<Double>(inputs.block($0)) }, SVDSteps.Factor(inputs.block(last)))
      }
      // Only what goes up is sent on: Q stays where it was made.
      summaries = layer("triangle", count, bytes: matrixBytes) { index, into in
        into.append(TaskID(layer: nodes, index: index))
      } run: { inputs in
        inputs.block(0, as: ArrayTuple.self).arrays[0].erased
      }
      levels.append((nodes, heights))
      heights = (0..<count).map { node in
        min(columns, below.heights[node * fanIn..<min((node + 1) * fanIn, below.heights.count)].reduce(0, +))
      }
    }

    // Runs beside the second pass: one core is busy with it while the others go on. A task's inputs are scheduled by
    // their layers, the last one first, so adding it here is what makes it begin before the bases.
    let guess = layer("guess", 1, bytes: matrixBytes) { _, into in
      into.append(TaskID(layer: gram, index: 0))
      into.append(TaskID(layer: factor, index: 0))
    } run: { inputs in
      try SVDSteps.guess(gram: NDArray<Double>(inputs.block(0)), SVDSteps.Factor(inputs.block(1)))
    }

    let top = summaries
    let wanted = SVDWanted(of: problem, in: lowering.nodes)
    core = layer("core", 1, bytes: (1 + wanted.left.count + wanted.right.count) * columns * 8) { _, into in
      into.append(TaskID(layer: top, index: 0))
      into.append(TaskID(layer: factor, index: 0))
      into.append(TaskID(layer: guess, index: 0))
    } run: { inputs in
      let core = try SVDSteps.Core(
        top: NDArray<Double>(inputs.block(0)), SVDSteps.Factor(inputs.block(1)), guess: inputs.block(2))
      return try SVDSteps.parts(of: core, wanted)
    }
    // U takes a third pass, where the bases aren't kept for it.
    self.bases = isKept ? bases : addBases(of: panelsOfAnotherPass())
    (self.levels, self.wanted) = (levels, wanted)
  }

  /// The layer of the singular values.
  func values(callSite: CallSite?, in lowering: Lowering) -> Int {
    part("values", elements: panels.shape[1], callSite: callSite, in: lowering) { $0.arrays[0].erased }
  }

  /// The layer of Vᵀ, or of some rows of it.
  func right(_ rows: Range<Int>?, callSite: CallSite?, in lowering: Lowering) -> Int {
    let all = panels.shape[1]
    let rows = (rows ?? 0..<all).shifted(by: -wanted.right.lowerBound)
    return part("right", elements: rows.count * all, callSite: callSite, in: lowering) {
      try $0.arrays[1].erased.slice([rows, 0..<all])
    }
  }

  /// A layer of one task that takes a part of what the core gives.
  private func part(
    _ name: String, elements: Int, callSite: CallSite?, in lowering: Lowering,
    take: @escaping @Sendable (ArrayTuple) throws -> AnyNDArray
  ) -> Int {
    let core = core
    return lowering.add(
      Layer(
        name: "svd-\(name)", count: 1, yielding: AnyNDArray.self, expectedBytes: elements * 8, callSite: callSite,
        inputs: { _, into in into.append(TaskID(layer: core, index: 0)) }, run: { try take($0.block(0)) }))
  }

  /// The layer of U's panels, or of some columns of them: back down the tree with those columns alone.
  func left(_ columns: Range<Int>?, callSite: CallSite?, in lowering: Lowering) -> Int {
    let bases = bases
    let all = panels.shape[1]
    let columns = columns ?? 0..<all
    func layer(
      _ name: String, _ count: Int, rows: Int, inputs: @escaping @Sendable (Int, inout [TaskID]) -> Void,
      run: @escaping @Sendable (TaskInputs) throws -> NDArray<Double>
    ) -> Int {
      lowering.add(
        Layer(
          name: "svd-\(name)", count: count, yielding: AnyNDArray.self, expectedBytes: rows * columns.count * 8,
          callSite: callSite, inputs: inputs, run: { try run($0).erased }))
    }
    let own = columns.shifted(by: -wanted.left.lowerBound)
    var weights = part("weights", elements: all * columns.count, callSite: callSite, in: lowering) {
      try $0.arrays[2].erased.slice([0..<all, own])
    }
    for level in levels.reversed() {
      let (above, nodes, heights) = (weights, level.nodes, level.heights)
      let fanIn = Self.fanIn
      weights = layer("weights", heights.count, rows: all) { index, into in
        into.append(TaskID(layer: nodes, index: index / fanIn))
        into.append(TaskID(layer: above, index: index / fanIn))
      } run: { inputs in
        let first = inputs.index / fanIn * fanIn
        let start = heights[first..<inputs.index].reduce(0, +)
        return try SVDSteps.weights(
          of: start..<start + heights[inputs.index], node: inputs.block(0),
          weights: NDArray<Double>(inputs.block(1)))
      }
    }
    let lowest = weights
    return layer("left", panels.count, rows: panels.sizes[0].max()!) { index, into in
      into.append(TaskID(layer: bases, index: index))
      into.append(TaskID(layer: lowest, index: index))
    } run: { inputs in
      try SVDSteps.leftVectors(inputs.block(0), weights: NDArray<Double>(inputs.block(1)))
    }
  }
}

extension ChunkGrid {
  /// The rows of a panel.
  fileprivate func rows(of panel: Int) -> Range<Int> {
    let region = region(of: panel)
    return region.origin[0]..<region.origin[0] + region.shape[0]
  }
}

extension Range<Int> {
  fileprivate func shifted(by distance: Int) -> Range<Int> { lowerBound + distance..<upperBound + distance }
}
