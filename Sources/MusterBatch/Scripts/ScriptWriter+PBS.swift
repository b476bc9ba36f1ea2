internal import MusterUnits

/// Scripts for PBS Pro and OpenPBS. The options are those of qsub's manual.
extension ScriptWriter {
  func pbs() throws(BatchError) -> JobScript {
    if launcher == .srun { throw unsupported("srun", fix: "Take launcher openmpi4, openmpi5, mpich or pals") }
    if job.qos != nil { throw unsupported("qos", fix: "Take queue, or extra-directives") }
    if job.reservation != nil && job.queue != nil {
      throw BatchError(
        .unsupported, "a reservation of pbs is a queue, and the job names another one", fix: "Leave out queue")
    }
    var script = JobScript()
    script.add("#!/bin/bash")
    try directives("#PBS", pbsDirectives(), to: &script)
    script.gap()
    script.add(
      "cd \(job.folder.map(ShellText.word) ?? "\"$PBS_O_WORKDIR\"")",
      "PBS begins in the home folder" + (job.folder == nil ? ", and the job was submitted here" : ""))
    if let output = job.output {
      if (output + (job.error ?? "")).contains("{id}") {
        script.add("job=${PBS_JOBID:-${SLURM_JOB_ID:?}}", "SLURM's own qsub gives a job no PBS_JOBID")
      }
      script.add("exec >\(pbsFile(output)) 2>\(job.error.map(pbsFile) ?? "&1")", "PBS itself knows no number in a name")
    }
    preparation(of: &script)
    let launch = try launchLine()
    self.launch(launch.lines, launch.reason, of: &script)
    return script
  }

  private func pbsDirectives() throws(BatchError) -> [(text: String, reason: String)] {
    var list: [(String, String)] = [("-N \(name)", "what qstat shows")]
    if let account = job.account { list.append(("\(job.cluster.accountOption ?? "-A") \(account)", "what is charged")) }
    if let queue = job.reservation ?? job.queue { list.append(("-q \(queue)", "the queue")) }
    list += try pbsResources()
    if let walltime = job.walltime {
      list.append(
        ("-l walltime=\(Walltime.clockText(walltime))", "\(Walltime.text(walltime)); the job is killed thereafter"))
    }
    if let array = job.array {
      let (bounds, step) = (array.bounds, array.step == 1 ? "" : ":\(array.step)")
      guard bounds.lowerBound < bounds.upperBound else {
        throw unsupported("array of a single job", fix: "Leave out array, or take two indices or more")
      }
      let limit = job.arrayLimit.map { "%\($0)" } ?? ""
      list.append(
        (
          "-J \(bounds.lowerBound)-\(bounds.upperBound)\(step)\(limit)",
          "a job for each index, which is PBS_ARRAY_INDEX there"
            + (job.arrayLimit.map { "; \($0) of them at a time" } ?? "")
        ))
    }
    if !job.dependencies.isEmpty {
      let conditions = job.dependencies.map { ([$0.condition.rawValue] + $0.jobs).joined(separator: ":") }
      list.append(("-W depend=\(conditions.joined(separator: ","))", "the job waits for all of that"))
    }
    if let address = job.mailAddress {
      let letters: [JobDescription.MailEvent: String] = [.begin: "b", .end: "e", .fail: "a"]
      let events = job.mailEvents.isEmpty ? [.end, .fail] : job.mailEvents
      list.append(("-M \(address)", "who gets mail"))
      list.append(("-m \(events.map { letters[$0]! }.joined())", "and when: at begin, end, abort"))
    }
    if job.error == nil { list.append(("-j oe", "standard error goes with the output")) }
    return list
  }

  private func pbsResources() throws(BatchError) -> [(text: String, reason: String)] {
    switch job.cluster.resourceStyle {
    case .select:
      let workers = chunk(nodes: shape.nodes, ranks: shape.ranksPerNode, cores: shape.coresPerNode)
      let chunks = shape.hasSchedulerNode ? chunk(nodes: 1, ranks: 1, cores: 1) + "+" + workers : workers
      let reason =
        "\(counted(shape.nodes, "node")), \(counted(shape.ranksPerNode, "rank")) on each,"
        + " \(counted(shape.coresPerRank, "core")) each"
        + (shape.hasSchedulerNode ? "; before them one for the scheduler" : "")
      let place = "-l place=scatter" + (job.isExclusive ? ":excl" : "")
      return [
        ("-l select=\(chunks)", reason),
        (place, "each part on a node of its own" + (job.isExclusive ? ", where nobody else is" : "")),
      ]
    case .totals:
      if shape.hasSchedulerNode || job.constraint != nil {
        throw BatchError(
          .unsupported, "with resources: totals a job can't say what is to be on which node",
          fix: "Leave out scheduler-node and constraint")
      }
      var list = [("-l ncpus=\(shape.nodes * cpus(shape.coresPerNode))", "the cores of all nodes together")]
      if let memory = job.memory {
        list.append(("-l mem=\((memory >> 20) * shape.nodes)mb", "the memory of all nodes together"))
      }
      if job.gpusPerNode > 0 { list.append(("-l ngpus=\(shape.nodes * job.gpusPerNode)", "the GPUs of all nodes")) }
      return list
    }
  }

  private func chunk(nodes: Int, ranks: Int, cores: Int) -> String {
    var parts = ["\(nodes)", "ncpus=\(cpus(cores))", "mpiprocs=\(ranks)"]
    if job.gpusPerNode > 0 { parts.append("ngpus=\(job.gpusPerNode)") }
    if let memory = job.memory { parts.append("mem=\(memory >> 20)mb") }
    if let constraint = job.constraint { parts.append(constraint) }
    return parts.joined(separator: ":")
  }

  private func pbsFile(_ name: String) -> String {
    // The parts are quoted one by one; the variables between them are for the shell.
    var text = ""
    var rest = name.replacing("{name}", with: self.name)[...]
    let values = ["{id}": "\"${job%%.*}\"", "{index}": "\"$PBS_ARRAY_INDEX\""]
    while let match = rest.firstMatch(of: /\{(?:id|index)\}/) {
      let before = String(rest[..<match.range.lowerBound])
      text += (before.isEmpty ? "" : ShellText.word(before)) + values[String(match.0)]!
      rest = rest[match.range.upperBound...]
    }
    return text + (rest.isEmpty ? "" : ShellText.word(String(rest)))
  }
}
