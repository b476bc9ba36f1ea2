internal import MusterRuntime
internal import MusterScheduling

/// A reduction of many blocks to one, for each of several results, in a tree that depends on nothing but their number.
struct ReductionTree<Partial: Block, Result: Block> {
  var name: String
  var callSite: CallSite?
  /// The number of results.
  var results: Int
  /// The number of partial blocks that go into each result, and the task that yields one of them.
  var partials: Int
  var leaf: @Sendable (_ result: Int, _ partial: Int) -> TaskID
  /// What a partial block takes, in bytes.
  var partialBytes: Int
  /// How many blocks one task combines.
  var fanIn = 8
  /// Combines neighbours, in order.
  var combine: @Sendable ([Partial]) throws -> Partial
  /// Makes a result of what is left.
  var finish: @Sendable (_ result: Int, Partial) throws -> Result
}

extension Lowering {
  /// Adds the layers of a tree; returns the number of the last one, which has a task for each result.
  func add<Partial, Result>(_ tree: ReductionTree<Partial, Result>) -> Int {
    var count = tree.partials
    var leaf = tree.leaf
    let (fanIn, combine, finish) = (tree.fanIn, tree.combine, tree.finish)
    while count > fanIn {
      let (below, source) = (count, leaf)
      let above = (count + fanIn - 1) / fanIn
      let layer = add(
        Layer(
          name: "\(tree.name)-combine", count: tree.results * above, yielding: Partial.self,
          expectedBytes: tree.partialBytes, callSite: tree.callSite,
          inputs: { index, into in
            let (result, group) = index.quotientAndRemainder(dividingBy: above)
            for partial in group * fanIn..<min((group + 1) * fanIn, below) { into.append(source(result, partial)) }
          },
          run: { inputs in try combine(inputs.blocks.indices.map { inputs.block($0) }) }))
      leaf = { result, partial in TaskID(layer: layer, index: result * above + partial) }
      count = above
    }
    let (below, source) = (count, leaf)
    return add(
      Layer(
        name: "\(tree.name)-finish", count: tree.results, yielding: Result.self, expectedBytes: tree.partialBytes,
        callSite: tree.callSite,
        inputs: { index, into in for partial in 0..<below { into.append(source(index, partial)) } },
        run: { inputs in
          try finish(inputs.index, try combine(inputs.blocks.indices.map { inputs.block($0) }))
        }))
  }
}
