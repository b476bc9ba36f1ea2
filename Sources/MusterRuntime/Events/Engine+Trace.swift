extension Engine {
  /// What the trace calls the ranks.
  var processNames: [String] {
    guard let engine = self as? RankEngine else { return ["one process"] }
    return engine.world.nodeNames.enumerated().map { rank, node in
      "rank \(rank)\(rank == 0 ? ", scheduler" : "") (node \(node))"
    }
  }
}
