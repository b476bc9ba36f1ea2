internal import MusterUnits

/// What can't be, whatever the batch system.
extension JobDescription {
  /// Checks the description against its cluster.
  ///
  /// - Throws: `BatchError` that names what doesn't fit.
  public func check() throws(BatchError) { try check(places: [:]) }

  /// - Parameter places: Where the values stand, by key.
  func check(places: [String: BatchError.Place]) throws(BatchError) {
    _ = try shape(places: places)
    func impossible(_ key: String, _ message: String, fix: String) -> BatchError {
      BatchError(.impossibleShape, message, fix: fix, at: places["job.\(key)"])
    }
    for (key, number) in [
      ("nodes", nodes), ("ranks-per-node", ranksPerNode ?? 1), ("cores-per-rank", coresPerRank ?? 1),
    ]
    where number < 1 {
      throw BatchError(.invalidValue, "\(key) is \(number), and is 1 or more", at: places["job.\(key)"])
    }
    if let memory, let most = cluster.nodeMemory, memory > most {
      throw impossible(
        "memory", "memory is \(ByteSize.text(memory)) a node, and a node has \(ByteSize.text(most))",
        fix: "Take no more than that, or more nodes")
    }
    if gpusPerNode > cluster.nodeGPUs ?? gpusPerNode {
      throw impossible(
        "gpus-per-node", "the job wants \(counted(gpusPerNode, "GPU")) a node, and a node has \(cluster.nodeGPUs!)",
        fix: "Take no more than that, or more nodes")
    }
    let allNodes = nodes + (hasSchedulerNode ? 1 : 0)
    if let most = cluster.mostNodes, allNodes > most {
      throw impossible(
        "nodes",
        "the job has \(counted(allNodes, "node"))\(hasSchedulerNode ? ", the scheduler's among them," : "")"
          + " and one of this cluster may have \(most)",
        fix: "Take fewer nodes, or another queue with limits of its own")
    }
    if let walltime, let longest = cluster.longestWalltime, walltime > longest {
      throw impossible(
        "walltime",
        "walltime is \(Walltime.text(walltime)), and a job of this cluster may take \(Walltime.text(longest))",
        fix: "Take less")
    }
    if let array {
      guard array.step >= 1, array.bounds.lowerBound >= 0 else {
        throw BatchError(
          .invalidValue, "the indices of an array are 0 or more, and its step is 1 or more", at: places["job.array"])
      }
    }
    if arrayLimit != nil, array == nil {
      throw BatchError(
        .invalidValue, "array-limit is how many jobs of an array run at a time, and there is no array",
        fix: "Add array: 1-100", at: places["job.array-limit"])
    }
    if !mailEvents.isEmpty, mailAddress == nil {
      throw BatchError(
        .missingValue, "mail is to be sent, and nobody is named who gets it", fix: "Add mail-to",
        at: places["job.mail-on"])
    }
    for key in cluster.required where !has(key) {
      throw BatchError(
        .missingValue, "this cluster wants \(key) of every job",
        fix: "Give job.\(key) in a configuration, or --set job.\(key)=…", at: places["cluster.required"])
    }
  }

  /// Whether a job says what a cluster may insist on.
  private func has(_ key: String) -> Bool {
    switch key {
    case "account": account != nil
    case "queue": queue != nil
    case "qos": qos != nil
    case "constraint": constraint != nil
    case "walltime": walltime != nil
    case "memory": memory != nil
    default: true
    }
  }

  /// What `Cluster.required` may name.
  static let requirable = ["account", "queue", "qos", "constraint", "walltime", "memory"]
}
