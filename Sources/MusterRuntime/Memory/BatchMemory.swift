internal import MusterUnits

/// What the batch system granted this job of the node's memory, as it says in the environment.
///
/// PBS has no variable for it in common: there the control group says it, or the job script, by `MUSTER_MEMORY_LIMIT`.
package enum BatchMemory {
  /// The memory for all ranks of the job on this node, in bytes; nil where the batch system doesn't say, or gives all of
  /// the node.
  package static func granted(_ environment: [String: String]) -> Int? {
    guard environment["SLURM_JOB_ID"] ?? environment["SLURM_JOBID"] != nil else { return pbs(environment) }
    // With `--mem` all of the node is meant by 0.
    if let node = environment["SLURM_MEM_PER_NODE"] { return slurmSize(node) }
    if let perProcessor = environment["SLURM_MEM_PER_CPU"].flatMap(slurmSize) {
      return processorsHere(environment).flatMap { product(perProcessor, $0) }
    }
    if let perGPU = environment["SLURM_MEM_PER_GPU"].flatMap(slurmSize) {
      return count(environment["SLURM_GPUS_ON_NODE"]).flatMap { product(perGPU, $0) }
    }
    return nil
  }

  /// Sites with PBS set variables of their own: those of MetaCentrum, and `PBS_VMEM` of NCI.
  private static func pbs(_ environment: [String: String]) -> Int? {
    guard environment["PBS_JOBID"] != nil else { return nil }
    // `PBS_RESC_TOTAL_MEM` is that of all nodes.
    for name in ["PBS_RESC_MEM", "TORQUE_RESC_MEM"] {
      if let bytes = environment[name].flatMap(ByteSize.parse) { return bytes }
    }
    // `PBS_VMEM` is the job's over all nodes, which share it in equal parts.
    guard let total = environment["PBS_VMEM"].flatMap(ByteSize.parse) else { return nil }
    return total / max(1, count(environment["PBS_NNODES"]) ?? 1)
  }

  /// Slurm counts in MiB where there is no unit, and its units are powers of 1024.
  private static func slurmSize(_ text: String) -> Int? {
    if let mega = Int(text) { return mega > 0 ? product(mega, 1 << 20) : nil }
    return ByteSize.parse(text)
  }

  /// The processors of the job on this node.
  private static func processorsHere(_ environment: [String: String]) -> Int? {
    if let here = count(environment["SLURM_CPUS_ON_NODE"]) { return here }
    guard let perTask = count(environment["SLURM_CPUS_PER_TASK"]) else { return nil }
    // Where nodes have different numbers of tasks, `SLURM_TASKS_PER_NODE` is `4(x2),3`: the least is safe.
    let tasks =
      count(environment["SLURM_NTASKS_PER_NODE"])
      ?? environment["SLURM_TASKS_PER_NODE"]?.split(separator: ",")
      .compactMap { count(String($0.prefix { $0 != "(" })) }.min()
    return product(perTask, tasks ?? 1)
  }

  private static func count(_ text: String?) -> Int? { text.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } }

  private static func product(_ a: Int, _ b: Int) -> Int? {
    let (value, isTooLarge) = a.multipliedReportingOverflow(by: b)
    return isTooLarge ? nil : value
  }
}
