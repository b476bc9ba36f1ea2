/// The line that starts the ranks.
extension ScriptWriter {
  /// - Throws: `BatchError` with code `unsupported` where the launcher can't start the job's ranks.
  func launchLine() throws(BatchError) -> (lines: [String], reason: String) {
    if launcher != .srun, job.cluster.system == .slurm, shape.hasSchedulerNode {
      throw BatchError(
        .unsupported, "\(launcher.rawValue) sees the first part only of a SLURM job with scheduler-node",
        fix: "Take launcher: srun, or leave out scheduler-node", of: "cluster.launcher", "job.scheduler-node")
    }
    switch launcher {
    case .srun: return (Self.continued(srun()), "the ranks: one that schedules, \(shape.ranks - 1) that work")
    case .openmpi4, .openmpi5:
      return (Self.continued(mpirun()), "the ranks; -x passes variables on to those of other nodes")
    case .mpich:
      return (Self.continued(mpiexec()), "the ranks; variables are passed on by themselves")
    case .pals:
      if shape.hasSchedulerNode {
        throw BatchError(
          .unsupported, "launcher pals has as many ranks on each node, so rank 0 can't have one of its own",
          fix: "Leave out scheduler-node", of: "job.scheduler-node")
      }
      return (Self.continued(pals()), "the ranks; variables are passed on by themselves")
    }
  }

  private func srun() -> [String] {
    var common = ["--kill-on-bad-exit=1"]
    if let mpi = job.cluster.mpi { common.insert("--mpi=\(ShellText.word(mpi))", at: 0) }
    common += job.cluster.launcherOptions.map(ShellText.word)
    let binding = job.cluster.bindsRanks ? ["--cpu-bind=cores"] : []
    guard shape.hasSchedulerNode else {
      // srun doesn't take the cores of a rank over from sbatch by itself.
      return ["srun"] + common + ["--ntasks=\(shape.ranks)", "--cpus-per-task=\(cpus(shape.coresPerRank))"] + binding
        + [program]
    }
    let scheduler = ["--het-group=0", "--ntasks=1", "--cpus-per-task=\(cpus(1))"] + binding + [program]
    let workers =
      ["--het-group=1", "--ntasks=\(shape.ranks - 1)", "--cpus-per-task=\(cpus(shape.coresPerRank))"] + binding + [
        program
      ]
    return ["srun"] + common + scheduler + [":"] + workers
  }

  private func mpirun() -> [String] {
    var parts = ["mpirun", "-n \(shape.ranks)"]
    if job.cluster.bindsRanks {
      // With PE a rank is bound to as many cores; without it, to the first of them.
      // Where a job says its cores only, the ranks of a node have to be told.
      let isTotal = job.cluster.system == .pbs && job.cluster.resourceStyle == .totals
      let place = isTotal ? "ppr:\(shape.ranksPerNode):node" : "slot"
      parts += ["--map-by \(place):PE=\(shape.coresPerRank)"]
    } else {
      parts += ["--bind-to none"]
      // Nobody hands cores out: ranks that wait for each other leave the processor, and there may be more of them.
      if job.cluster.system == .local, !job.cluster.launcherOptions.contains("--oversubscribe") {
        parts += ["--oversubscribe"]
      }
    }
    parts += job.cluster.launcherOptions.map(ShellText.word)
    if job.cluster.system != .local { parts += variables.map { "-x \($0)" } }
    return parts + [program]
  }

  private func mpiexec() -> [String] {
    var parts = ["mpiexec", "-n \(shape.ranks)"]
    if !shape.hasSchedulerNode { parts.append("-ppn \(shape.ranksPerNode)") }
    parts.append(job.cluster.bindsRanks ? "-bind-to core:\(shape.coresPerRank)" : "-bind-to none")
    return parts + job.cluster.launcherOptions.map(ShellText.word) + [program]
  }

  private func pals() -> [String] {
    var parts = ["mpiexec", "-n \(shape.ranks)", "--ppn \(shape.ranksPerNode)", "--depth=\(cpus(shape.coresPerRank))"]
    parts.append(job.cluster.bindsRanks ? "--cpu-bind depth" : "--cpu-bind none")
    return parts + job.cluster.launcherOptions.map(ShellText.word) + [program]
  }
}
