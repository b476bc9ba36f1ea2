internal import MusterUnits

/// Scripts for SLURM. The options are those of sbatch's manual.
extension ScriptWriter {
  func slurm() throws(BatchError) -> JobScript {
    try expectPBSKeysUnset()
    if shape.hasSchedulerNode, job.array != nil {
      throw unsupported("arrays of jobs with scheduler-node", fix: "Leave out one of them", of: "job.array")
    }
    var script = JobScript()
    script.add("#!/bin/bash")
    try directives("#SBATCH", slurmDirectives(), to: &script)
    if shape.hasSchedulerNode {
      script.add(
        "#SBATCH hetjob", "what follows is for the workers' nodes, what stands above for that of the scheduler")
      let workers = part(
        nodes: shape.nodes, ranks: shape.ranksPerNode, cores: shape.coresPerRank, gpus: job.gpusPerNode)
      addDirectives("#SBATCH", workers + slurmPlace(), to: &script)
    }
    let goesElsewhere = job.extraDirectives.contains { $0.hasPrefix("--chdir") || $0.hasPrefix("-D") }
    let start = JobScript.Line(
      text: "cd \"${SLURM_SUBMIT_DIR:-.}\" || exit 1", reason: "some clusters have jobs begin in the home folder")
    preparation(of: &script, start: goesElsewhere ? [] : [start])
    let launch = try launchLine()
    self.launch(launch.lines, launch.reason, of: &script)
    return script
  }

  private func slurmDirectives() throws(BatchError) -> [(text: String, reason: String)] {
    var list: [(String, String)] = [("--job-name=\(name)", "what squeue shows")]
    list += slurmPlace()
    if shape.hasSchedulerNode {
      list += part(nodes: 1, ranks: 1, cores: 1, gpus: 0)
    } else {
      list += part(
        nodes: shape.nodes, ranks: shape.ranksPerNode, cores: shape.coresPerRank, gpus: job.gpusPerNode)
    }
    if let walltime = job.walltime {
      list.append(
        ("--time=\(Walltime.clockText(walltime))", "\(Walltime.text(walltime)); the job is killed thereafter"))
    }
    if let drain = job.drain {
      if launcher.passesOn(drain.signal) {
        list.append(
          (
            "--signal=B:\(drain.signal.rawValue)@\(drain.lead)",
            "SLURM tells this shell \(Walltime.text(drain.lead)) before the end, or up to a minute earlier"
          ))
      }
      if drain.restarts { list.append(("--requeue", "the job may run again, under the same number")) }
      list.append(("--open-mode=append", "what the runs before this one have written stays"))
    }
    if let array = job.array {
      let indices = indices(array, in: "SLURM_ARRAY_TASK_ID")
      list.append(("--array=\(indices.text)", indices.reason))
    }
    if !job.dependencies.isEmpty {
      list.append(("--dependency=\(dependencies)", "the job waits for all of that"))
    }
    if let address = job.mailAddress {
      list.append(("--mail-user=\(address)", "who gets mail"))
      list.append(("--mail-type=\(mailEvents.map { $0.rawValue.uppercased() }.joined(separator: ","))", "and when"))
    }
    list.append(
      (
        "--output=\(slurmFile(job.output ?? job.defaultOutput))",
        "%x is the job's name, %j its number" + (job.array == nil ? "" : ", %A that of the array, %a the index")
      ))
    if let error = job.error { list.append(("--error=\(slurmFile(error))", "standard error apart from the output")) }
    return list
  }

  /// Who is charged, and where the job goes: each part of a job says so.
  private func slurmPlace() -> [(text: String, reason: String)] {
    var list: [(String, String)] = []
    if let account = job.account { list.append(("--account=\(account)", "what is charged")) }
    if let queue = job.queue { list.append(("--partition=\(queue)", "the queue")) }
    if let qos = job.qos { list.append(("--qos=\(qos)", "its limits and priority")) }
    if let reservation = job.reservation { list.append(("--reservation=\(reservation)", "nodes set apart")) }
    if let constraint = job.constraint { list.append(("--constraint=\(constraint)", "what nodes have to have")) }
    return list
  }

  private func part(nodes: Int, ranks: Int, cores: Int, gpus: Int) -> [(text: String, reason: String)] {
    var list = [
      ("--nodes=\(nodes)", counted(nodes, "node")),
      ("--ntasks-per-node=\(ranks)", "\(counted(ranks, "rank")) on each"),
      (
        "--cpus-per-task=\(cpus(cores))",
        "\(counted(cores, "core")) each" + (cpus(1) > 1 ? ", of \(cpus(1)) CPUs, as SLURM counts them" : "")
      ),
    ]
    if gpus > 0 { list.append(("--gpus-per-node=\(gpus)", "GPUs of each node")) }
    if job.isExclusive { list.append(("--exclusive", "nobody else is on the nodes")) }
    if let memory = job.memory {
      let mebibytes = memory >> 20
      list.append(("--mem=\(mebibytes)M", "\(ByteSize.text(memory)) of each node, in MiB"))
    }
    return list
  }

  private func slurmFile(_ name: String) -> String {
    let text = name.replacing("%", with: "%%").replacing("{name}", with: "%x")
      .replacing("{id}", with: job.array == nil ? "%j" : "%A").replacing("{index}", with: "%a")
    return text.contains(" ") ? "\"\(text)\"" : text
  }
}
