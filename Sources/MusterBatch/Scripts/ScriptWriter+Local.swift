/// Scripts for a machine without a batch system.
extension ScriptWriter {
  func local() throws(BatchError) -> JobScript {
    if launcher == .srun { throw unsupported("srun", fix: "Take launcher openmpi4, openmpi5 or mpich") }
    if launcher == .pals { throw unsupported("launcher pals", fix: "Take launcher openmpi4, openmpi5 or mpich") }
    if shape.allNodes > 1 {
      throw unsupported("other nodes", fix: "Take nodes: 1 without scheduler-node, or a configuration for slurm or pbs")
    }
    let foreign: [(String, Bool)] = [
      ("array", job.array != nil), ("after", !job.dependencies.isEmpty), ("mail-to", job.mailAddress != nil),
      ("account", job.account != nil), ("queue", job.queue != nil), ("qos", job.qos != nil),
      ("reservation", job.reservation != nil), ("constraint", job.constraint != nil),
      ("extra-directives", !job.extraDirectives.isEmpty), ("skip-directives", !job.skippedDirectives.isEmpty),
    ]
    if let (name, _) = foreign.first(where: { $0.1 }) {
      throw unsupported(name, fix: "Leave it out, or take a configuration for slurm or pbs")
    }
    var script = JobScript()
    script.add("#!/bin/bash")
    preparation(of: &script)
    if let memory = job.memory {
      script.add(
        "export MUSTER_MEMORY_LIMIT=\(memory / max(1, shape.ranks))",
        "no batch system says how much memory a rank may take, in bytes")
    }
    if let folder = job.folder { script.add("cd \(ShellText.word(folder))") }
    let launch = try launchLine()
    let end =
      job.walltime.map { ["timeout --signal=TERM --kill-after=30 \($0)"] } ?? []
    let lines = end.isEmpty ? launch.lines : [end[0] + " " + launch.lines[0]] + launch.lines.dropFirst()
    var output = lines
    if let file = job.output {
      output[output.count - 1] += " >\(localFile(file)) 2>\(job.error.map(localFile) ?? "&1")"
    }
    self.launch(output, launch.reason, of: &script)
    return script
  }

  private func localFile(_ file: String) -> String {
    ShellText.word(file.replacing("{name}", with: name).replacing("{index}", with: "0")).replacing("{id}", with: "'$$'")
  }
}
