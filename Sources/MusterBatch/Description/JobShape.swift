/// How many ranks of how many cores a job has, and where.
public struct JobShape: Hashable, Sendable {
  /// The nodes, but for that of the scheduler.
  public var nodes: Int
  /// The ranks of each of them.
  public var ranksPerNode: Int
  /// The cores of each rank.
  public var coresPerRank: Int
  /// Whether rank 0 has a node of its own.
  public var hasSchedulerNode: Bool

  /// All ranks, the one that schedules among them.
  public var ranks: Int { nodes * ranksPerNode + (hasSchedulerNode ? 1 : 0) }
  /// All nodes.
  public var allNodes: Int { nodes + (hasSchedulerNode ? 1 : 0) }
  /// The cores of each node.
  public var coresPerNode: Int { ranksPerNode * coresPerRank }
}

extension JobDescription {
  /// The job's shape, with what the description leaves to the cluster's nodes.
  ///
  /// - Throws: `BatchError` with code `impossibleShape` or `missingValue`.
  public func shape() throws(BatchError) -> JobShape {
    var ranks = ranksPerNode
    var cores = coresPerRank
    if let total = cluster.nodeCores {
      if ranks == nil { ranks = max(1, total / (cores ?? 1)) }
      if cores == nil { cores = max(1, total / ranks!) }
    }
    let shape = JobShape(
      nodes: nodes, ranksPerNode: ranks ?? 1, coresPerRank: cores ?? 1, hasSchedulerNode: hasSchedulerNode)
    let (needed, isTooLarge) = shape.ranksPerNode.multipliedReportingOverflow(by: shape.coresPerRank)
    if let total = cluster.nodeCores, isTooLarge || needed > total {
      throw BatchError(
        .impossibleShape,
        "\(shape.ranksPerNode) ranks of \(counted(shape.coresPerRank, "core")) need \(isTooLarge ? "more" : "\(needed)")"
          + " cores, and a node has \(total)",
        fix: "Take ranks-per-node × cores-per-rank up to \(total)",
        of: "job.ranks-per-node", "job.cores-per-rank", "cluster.node-cores")
    }
    guard !isTooLarge, !shape.nodes.multipliedReportingOverflow(by: shape.ranksPerNode).overflow else {
      throw BatchError(.impossibleShape, "the job has more ranks than can be counted", of: "job.nodes")
    }
    return shape
  }
}

/// `1 core`, `2 cores`.
func counted(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
