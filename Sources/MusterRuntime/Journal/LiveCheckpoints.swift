package import MusterScheduling

/// Which checkpoints a run that goes on after this one may need: those of what the program holds, and of what it doesn't
/// hold any more as long as workers keep something that was made of it and isn't on disk itself. On rank 0; a value.
package struct LiveCheckpoints: Sendable {
  /// A graph's results.
  package struct Results: Sendable {
    /// How many there are.
    package var count: Int
    /// The numbers of those that a checkpoint has on disk, once they are there.
    package var kept: Set<UInt32>
    /// The layers of others that are blocks which workers kept before.
    package var passedOn: [UInt32]

    package init(count: Int, kept: Set<UInt32>, passedOn: [UInt32] = []) {
      self.count = count
      self.kept = kept
      self.passedOn = passedOn
    }
  }

  private struct Graph {
    /// Where its results are kept on disk; nil where they aren't.
    var ledger: UInt32?
    /// The results that aren't on disk yet.
    var missing: Set<UInt32>
    /// How many results the program holds.
    var held: Int
    /// The graphs that it would be computed from again.
    var bases: [GraphID]
    /// The graphs some of whose results are its own.
    var passedOn: [GraphID]
    /// How many graphs would be computed from this one again.
    var dependents = 0
  }

  /// Checkpoints, and what is made of them.
  private var graphs: [GraphID: Graph] = [:]
  private var graphsByLayer: [UInt32: GraphID] = [:]
  private var graphsByLedger: [UInt32: GraphID] = [:]
  private var layers: [GraphID: Range<Int>] = [:]

  package init() {}

  /// How many graphs are kept in mind.
  package var count: Int { graphs.count }

  /// Whether a ledger is that of a checkpoint that may be needed.
  package func has(_ ledger: UInt32) -> Bool { graphsByLedger[ledger] != nil }

  /// Workers keep the results of a graph.
  ///
  /// - Parameters:
  ///   - layers: its layers' numbers.
  ///   - results: how many results it has, and which of them are new.
  ///   - ledger: where they are kept on disk; nil where they aren't.
  ///   - kept: the layers of other graphs whose results it takes.
  package mutating func submitted(
    _ graph: GraphID, layers: Range<Int>, results: Results, ledger: UInt32?, kept: [UInt32]
  ) {
    let passedOn = graphs(of: results.passedOn)
    let bases = graphs(of: kept).filter { !passedOn.contains($0) }
    guard results.count > 0, ledger != nil || !bases.isEmpty || !passedOn.isEmpty else { return }
    for base in bases + passedOn { graphs[base]!.dependents += 1 }
    graphs[graph] = Graph(
      ledger: ledger, missing: ledger == nil ? [] : results.kept, held: results.count, bases: bases,
      passedOn: passedOn)
    for layer in layers { graphsByLayer[UInt32(layer)] = graph }
    self.layers[graph] = layers
    if let ledger { graphsByLedger[ledger] = graph }
  }

  /// The program has let go of some of a graph's results. Returns the ledgers of checkpoints that aren't needed any more.
  package mutating func released(_ resultCount: Int, of graph: GraphID) -> [UInt32] {
    guard graphs[graph] != nil else { return [] }
    graphs[graph]!.held -= resultCount
    var dropped: [UInt32] = []
    removeIfUnneeded(graph, &dropped)
    return dropped
  }

  /// Results of a checkpoint are on disk. Returns the ledgers of checkpoints that aren't needed any more.
  package mutating func told(_ pieces: some Sequence<UInt32>, of ledger: UInt32) -> [UInt32] {
    guard let graph = graphsByLedger[ledger], !graphs[graph]!.missing.isEmpty else { return [] }
    graphs[graph]!.missing.subtract(pieces)
    var dropped: [UInt32] = []
    if graphs[graph]!.missing.isEmpty { letGoOfBases(of: graph, &dropped) }
    return dropped
  }

  private func graphs(of layers: [UInt32]) -> [GraphID] {
    var found: [GraphID] = []
    for layer in layers { if let graph = graphsByLayer[layer], !found.contains(graph) { found.append(graph) } }
    return found
  }

  /// A loop may have made a long chain of graphs, each of the one before.
  private mutating func removeIfUnneeded(_ first: GraphID, _ dropped: inout [UInt32]) {
    var pending = [first]
    while let graph = pending.popLast() {
      guard let found = graphs[graph], found.held <= 0, found.dependents == 0 else { continue }
      graphs[graph] = nil
      for layer in layers.removeValue(forKey: graph) ?? 0..<0 { graphsByLayer[UInt32(layer)] = nil }
      if let ledger = found.ledger {
        graphsByLedger[ledger] = nil
        dropped.append(ledger)
      }
      for base in found.bases + found.passedOn {
        graphs[base]!.dependents -= 1
        pending.append(base)
      }
    }
  }

  private mutating func letGoOfBases(of graph: GraphID, _ dropped: inout [UInt32]) {
    let bases = graphs[graph]!.bases
    graphs[graph]!.bases = []
    for base in bases {
      graphs[base]!.dependents -= 1
      removeIfUnneeded(base, &dropped)
    }
  }
}
