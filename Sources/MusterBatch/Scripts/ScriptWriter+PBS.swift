internal import MusterUnits

/// Scripts for PBS Pro and OpenPBS. The options are those of qsub's manual.
extension ScriptWriter {
  func pbs() throws(BatchError) -> JobScript {
    if launcher == .srun {
      throw unsupported("srun", fix: "Take launcher openmpi4, openmpi5, mpich or pals", of: "cluster.launcher")
    }
    if job.qos != nil { throw unsupported("qos", fix: "Take queue, or extra-directives", of: "job.qos") }
    if job.reservation != nil && job.queue != nil {
      throw BatchError(
        .unsupported, "a reservation of pbs is a queue, and the job names another one", fix: "Leave out queue",
        of: "job.reservation", "job.queue")
    }
    var script = JobScript()
    script.add("#!/bin/bash")
    try directives("#PBS", pbsDirectives(), to: &script)
    var start = [JobScript.Line(text: "cd \"$PBS_O_WORKDIR\" || exit 1", reason: "PBS begins in the home folder")]
    if ((job.output ?? "") + (job.error ?? "")).contains("{id}") || job.drain?.restarts == true {
      start += [
        .init(text: "job=${PBS_JOBID:-${SLURM_JOB_ID:?}}", reason: "SLURM's own qsub gives a job no PBS_JOBID"),
        .init(text: #"job=${job%%[.\[]*}"#, reason: "the number, without the server and the index"),
      ]
    }
    if job.drain?.restarts == true { start += pbsSelf }
    preparation(of: &script, start: start, file: pbsFile)
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
      guard array.bounds.count > 1 else {
        throw unsupported("array of a single job", fix: "Leave out array, or take two indices or more", of: "job.array")
      }
      let indices = indices(array, in: "PBS_ARRAY_INDEX")
      list.append(("-J \(indices.text)", indices.reason))
    }
    if !job.dependencies.isEmpty { list.append(("-W depend=\(dependencies)", "the job waits for all of that")) }
    if let address = job.mailAddress {
      // It tells of each end; of a program that failed in no other way.
      let letters: [JobDescription.MailEvent: String] = [.begin: "b", .end: "e", .fail: "ae"]
      list.append(("-M \(address)", "who gets mail"))
      list.append(
        (
          "-m \(Set(mailEvents.flatMap { letters[$0]! }).sorted().map(String.init).joined())",
          "and when: at begin, end, abort"
        ))
    }
    if job.error == nil { list.append(("-j oe", "standard error goes with the output")) }
    return list
  }

  private func pbsResources() throws(BatchError) -> [(text: String, reason: String)] {
    switch job.cluster.resourceStyle {
    case .select:
      let workers = chunk(
        nodes: shape.nodes, ranks: shape.ranksPerNode, cores: shape.coresPerNode, gpus: job.gpusPerNode)
      let chunks =
        shape.hasSchedulerNode ? chunk(nodes: 1, ranks: 1, cores: shape.coresPerRank, gpus: 0) + "+" + workers : workers
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
      if shape.hasSchedulerNode || job.constraint != nil || job.isExclusive {
        throw BatchError(
          .unsupported, "with resources: totals a job can't say what is to be on which node",
          fix: "Leave out scheduler-node, constraint and exclusive", of: "job.scheduler-node", "job.constraint",
          "job.exclusive")
      }
      // The sums would be found on fewer nodes.
      if shape.nodes > 1, let cores = job.cluster.nodeCores, shape.coresPerNode != cores {
        throw BatchError(
          .impossibleShape,
          "with resources: totals a job of several nodes takes whole ones: \(counted(cores, "core")) each, not"
            + " \(shape.coresPerNode)", fix: "Take ranks-per-node × cores-per-rank = \(cores)",
          of: "job.ranks-per-node", "job.cores-per-rank", "job.nodes")
      }
      var list = [("-l ncpus=\(shape.nodes * cpus(shape.coresPerNode))", "the cores of all nodes together")]
      if let memory = job.memory {
        list.append(("-l mem=\((memory >> 20) * shape.nodes)mb", "the memory of all nodes together"))
      }
      if job.gpusPerNode > 0 { list.append(("-l ngpus=\(shape.nodes * job.gpusPerNode)", "the GPUs of all nodes")) }
      return list
    }
  }

  private func chunk(nodes: Int, ranks: Int, cores: Int, gpus: Int) -> String {
    var parts = ["\(nodes)", "ncpus=\(cpus(cores))", "mpiprocs=\(ranks)"]
    if gpus > 0 { parts.append("ngpus=\(gpus)") }
    if let memory = job.memory { parts.append("mem=\(memory >> 20)mb") }
    if let constraint = job.constraint { parts.append(constraint) }
    return parts.joined(separator: ":")
  }

  private func pbsFile(_ name: String) -> String {
    ShellText.file(
      name.replacing("{name}", with: self.name), ["{id}": "\"$job\"", "{index}": "\"$PBS_ARRAY_INDEX\""])
  }
}
