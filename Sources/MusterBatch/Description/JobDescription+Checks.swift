internal import MusterUnits

/// What can't be, whatever the batch system.
extension JobDescription {
  /// Checks the description against its cluster.
  ///
  /// - Throws: `BatchError` that names what doesn't fit.
  public func check() throws(BatchError) {
    func impossible(_ key: String, _ limit: String, _ message: String, fix: String) -> BatchError {
      BatchError(.impossibleShape, message, fix: fix, of: "job.\(key)", "cluster.\(limit)")
    }
    let counts = [
      ("job.nodes", nodes), ("job.ranks-per-node", ranksPerNode ?? 1), ("job.cores-per-rank", coresPerRank ?? 1),
      ("job.gpus-per-node", gpusPerNode == 0 ? 1 : gpusPerNode), ("cluster.node-cores", cluster.nodeCores ?? 1),
    ]
    for (key, number) in counts where !(1...Self.most).contains(number) {
      throw BatchError(.invalidValue, "\(key) is out of bounds: up to \(Self.most)", of: key)
    }
    guard (1...64).contains(cluster.cpusPerCore) else {
      throw BatchError(.invalidValue, "cpus-per-core is from 1 to 64", of: "cluster.cpus-per-core")
    }
    _ = try shape()
    try checkTexts()
    try checkDrain()
    if let memory, memory < 1 << 20 {
      throw BatchError(
        .invalidValue, "memory is less than 1 MiB", fix: "Batch systems count in MiB", of: "job.memory")
    }
    if let memory, let most = cluster.nodeMemory, memory > most {
      throw impossible(
        "memory", "node-memory", "memory is \(ByteSize.text(memory)) a node, and a node has \(ByteSize.text(most))",
        fix: "Take no more than that, or more nodes")
    }
    if gpusPerNode > cluster.nodeGPUs ?? gpusPerNode {
      throw impossible(
        "gpus-per-node", "node-gpus",
        "the job wants \(counted(gpusPerNode, "GPU")) a node, and a node has \(cluster.nodeGPUs!)",
        fix: "Take no more than that, or more nodes")
    }
    let allNodes = nodes + (hasSchedulerNode ? 1 : 0)
    if let most = cluster.mostNodes, allNodes > most {
      throw impossible(
        "nodes", "most-nodes",
        "the job has \(counted(allNodes, "node"))\(hasSchedulerNode ? ", the scheduler's among them," : "")"
          + " and one of this cluster may have \(most)",
        fix: "Take fewer nodes, or another queue with limits of its own")
    }
    if let walltime, let longest = cluster.longestWalltime, walltime > longest {
      throw impossible(
        "walltime", "longest-walltime",
        "walltime is \(Walltime.text(walltime)), and a job of this cluster may take \(Walltime.text(longest))",
        fix: "Take less")
    }
    if let array {
      guard array.step >= 1, array.bounds.lowerBound >= 0, array.bounds.upperBound <= 1_000_000_000 else {
        throw BatchError(
          .invalidValue, "the indices of an array are from 0 to 10^9, and its step is 1 or more",
          of: "job.array")
      }
    }
    if arrayLimit != nil, array == nil {
      throw BatchError(
        .invalidValue, "array-limit is how many jobs of an array run at a time, and there is no array",
        fix: "Add array: 1-100", of: "job.array-limit")
    }
    if !mailEvents.isEmpty, mailAddress == nil {
      throw BatchError(
        .missingValue, "mail is to be sent, and nobody is named who gets it", fix: "Add mail-to",
        of: "job.mail-on")
    }
    for key in cluster.required where !has(key) {
      throw BatchError(
        .missingValue, "this cluster wants \(key) of every job",
        fix: "Give job.\(key) in a configuration, or --set job.\(key)=…", of: "cluster.required")
    }
  }

  /// Numbers of nodes, ranks and cores that can be multiplied with each other.
  static let most = 100_000

  /// Texts that go into a line of directives, or name files.
  private func checkTexts() throws(BatchError) {
    if let name, !Self.isName(name) {
      throw BatchError(.invalidValue, "job.name is '\(name)', and takes \(Self.nameForm)", of: "job.name")
    }
    let words = [
      ("account", account), ("queue", queue), ("qos", qos), ("reservation", reservation), ("constraint", constraint),
      ("mail-to", mailAddress),
    ]
    for (key, word) in words {
      guard let word, word.contains(where: { $0.isWhitespace || "#\"'`".contains($0) }) else { continue }
      throw BatchError(
        .invalidValue, "job.\(key) is '\(word)', and takes a word without spaces, quotes and #",
        of: "job.\(key)")
    }
    for (key, file) in [("output", output), ("error", error), ("journal", journal)] {
      guard let file else { continue }
      if file.hasPrefix("~") || file.contains(where: { $0.isNewline || "\"'`$\\".contains($0) }) {
        throw BatchError(
          .invalidValue, "job.\(key) is '\(file)', and takes a name without ~ at its start, quotes, $ and \\",
          of: "job.\(key)"
        )
      }
      if array != nil, !file.contains("{index}") {
        throw BatchError(
          .invalidValue, "all jobs of the array would write to the same \(key)", fix: "Put {index} into job.\(key)",
          of: "job.\(key)")
      }
      if array == nil, file.contains("{index}") {
        throw BatchError(
          .invalidValue, "job.\(key) has {index}, and there is no array", fix: "Leave it out, or add array",
          of: "job.\(key)")
      }
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
