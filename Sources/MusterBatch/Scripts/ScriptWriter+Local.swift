/// Scripts for a machine without a batch system.
extension ScriptWriter {
  func local() throws(BatchError) -> JobScript {
    if launcher == .srun || launcher == .pals {
      throw unsupported(
        launcher.rawValue, fix: "Take launcher openmpi4, openmpi5 or mpich", of: "cluster.launcher")
    }
    if shape.allNodes > 1 {
      throw BatchError(
        .unsupported, "local has no other nodes",
        fix: "Take nodes: 1 without scheduler-node, or a configuration for slurm or pbs", of: "job.nodes",
        "job.scheduler-node")
    }
    let foreign: [(String, Bool)] = [
      ("array", job.array != nil), ("after", !job.dependencies.isEmpty), ("mail-to", job.mailAddress != nil),
      ("account", job.account != nil), ("queue", job.queue != nil), ("qos", job.qos != nil),
      ("exclusive", job.isExclusive), ("gpus-per-node", job.gpusPerNode > 0),
      ("reservation", job.reservation != nil), ("constraint", job.constraint != nil),
      ("extra-directives", !job.extraDirectives.isEmpty), ("skip-directives", !job.skippedDirectives.isEmpty),
    ]
    if let (name, _) = foreign.first(where: { $0.1 }) {
      throw unsupported(name, fix: "Leave it out, or take a configuration for slurm or pbs", of: "job.\(name)")
    }
    try expectPBSKeysUnset()
    var script = JobScript()
    script.add("#!/bin/bash")
    preparation(of: &script, file: localFile)
    let launch = try launchLine()
    // In the foreground: in a process group of its own, mpirun would be told twice to end, and go without its ranks.
    // With a journal the script itself goes by the time.
    let walltime = job.drain == nil ? job.walltime : nil
    let end = walltime.map { "timeout --foreground --signal=TERM --kill-after=30 \($0) " } ?? ""
    self.launch([end + launch.lines[0]] + launch.lines.dropFirst(), launch.reason, of: &script)
    return script
  }

  private func localFile(_ file: String) -> String {
    ShellText.word(file.replacing("{name}", with: name)).replacing("{id}", with: "'$$'")
  }
}
