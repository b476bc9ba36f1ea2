/// What the scripts of all batch systems have in common.
struct ScriptWriter {
  let job: JobDescription
  let shape: JobShape
  /// The program and its arguments.
  let command: [String]

  var name: String { job.name ?? ShellText.name(ofProgram: command[0]) }
  /// The CPUs, as the batch system counts them, of so many cores.
  func cpus(_ cores: Int) -> Int { cores * job.cluster.cpusPerCore }
  var launcher: Launcher { job.cluster.resolvedLauncher }

  /// - Parameter key: of a configuration, which says so.
  func unsupported(_ what: String, fix: String, of key: String) -> BatchError {
    BatchError(.unsupported, "\(job.cluster.system!.rawValue) has no \(what)", fix: fix, of: key)
  }

  /// What only `qsub` is told.
  func expectPBSKeysUnset() throws(BatchError) {
    if job.cluster.resourceStyle != .select {
      throw unsupported("resources: totals", fix: "Leave it out", of: "cluster.resources")
    }
    if job.cluster.accountOption != nil {
      throw unsupported("account-option", fix: "Leave it out", of: "cluster.account-option")
    }
  }

  /// Adds directives, without those that are to be left out, and with the further ones.
  func directives(_ prefix: String, _ own: [(text: String, reason: String)], to script: inout JobScript)
    throws(BatchError)
  {
    for skipped in job.skippedDirectives where !own.contains(where: { $0.text.hasPrefix(skipped) }) {
      throw BatchError(
        .invalidValue, "skip-directives names '\(skipped)', and no directive begins so",
        fix: "There are " + own.map(\.text).joined(separator: ", "), of: "job.skip-directives")
    }
    addDirectives(prefix, own, to: &script)
  }

  /// As `directives`, for a further part of a job, which has fewer that could be left out.
  func addDirectives(_ prefix: String, _ own: [(text: String, reason: String)], to script: inout JobScript) {
    for (text, reason) in own where !job.skippedDirectives.contains(where: { text.hasPrefix($0) }) {
      script.add("\(prefix) \(text)", reason)
    }
    for text in job.extraDirectives { script.add("\(prefix) \(text)", "of extra-directives") }
  }

  /// An array's indices as SLURM and PBS write them, with the variable that each job has its own in.
  func indices(_ array: JobDescription.IndexRange, in variable: String) -> (text: String, reason: String) {
    let step = array.step == 1 ? "" : ":\(array.step)"
    let limit = job.arrayLimit.map { "%\($0)" } ?? ""
    return (
      "\(array.bounds.lowerBound)-\(array.bounds.upperBound)\(step)\(limit)",
      "a job for each index, which is \(variable) there" + (job.arrayLimit.map { "; \($0) of them at a time" } ?? "")
    )
  }

  /// What the job waits for, as SLURM and PBS write it.
  var dependencies: String {
    job.dependencies.map { ([$0.condition.rawValue] + $0.jobs).joined(separator: ":") }.joined(separator: ",")
  }

  /// When mail is sent.
  var mailEvents: [JobDescription.MailEvent] { job.mailEvents.isEmpty ? [.end, .fail] : job.mailEvents }

  /// What comes before the launch: modules, variables, and the prologue.
  ///
  /// - Parameters:
  ///   - start: What is done first, in the folder of the submission.
  ///   - file: A file's name as this batch system's shell has it, where the script itself sends its output there.
  func preparation(of script: inout JobScript, start: [JobScript.Line] = [], file: ((String) -> String)? = nil) {
    script.gap()
    addDeadline(to: &script)
    for line in start { script.add(line.text, line.reason) }
    if let file, job.output != nil || job.error != nil {
      // What the runs before this one have written stays.
      let mode = job.drain == nil ? ">" : ">>"
      let output = job.output.map { " \(mode)" + file($0) } ?? ""
      let error = job.error.map { " 2\(mode)" + file($0) } ?? " 2>&1"
      script.add("exec\(output)\(error) || exit 1", "what is written from here on goes there")
    }
    for module in job.modules {
      script.add("module load \(ShellText.word(module)) || exit 1", "what the program was built with")
    }
    script.add("set -euo pipefail", "a line that fails ends the job, rather than what comes after it")
    script.add("export SWIFT_DETERMINISTIC_HASHING=1", "ranks that hash alike needn't start themselves again to do so")
    script.add(
      "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1",
      "the cores are for Muster's threads: each calls BLAS with one thread of its own")
    script.add("export MUSTER_THREADS=\(shape.coresPerRank)", "a thread for each core of a rank")
    if let limit = memoryLimit {
      script.add(
        "export MUSTER_MEMORY_LIMIT=\(limit)",
        "what a rank may take, in bytes: \(job.cluster.system == .pbs ? "PBS" : "no batch system") doesn't say it")
    }
    addJournal(to: &script)
    for (name, value) in job.environment.sorted(by: { $0.key < $1.key }) {
      script.add("export \(name)=\(ShellText.word(value))", "of environment")
    }
    if !job.epilogue.isEmpty {
      script.gap()
      script.add(
        "finish() {",
        "what is done at the end, whatever came of what is before; the job's status is that of the rest")
      script.add("  status=$?")
      if job.drain?.restarts == true {
        script.add(
          "  if [ -n \"${muster_again:-}\" ]; then exit \"$status\"; fi", "the job runs again: this isn't its end")
      }
      script.add("  set +e")
      for line in job.epilogue { script.add(line) }
      script.add("  exit \"$status\"")
      script.add("}")
      script.add("trap finish EXIT")
    }
    if let folder = job.folder { script.add("cd \(ShellText.word(folder))", "of folder") }
    addListener(to: &script)
    addOrderOfNodes(to: &script)
    if !job.prologue.isEmpty {
      script.gap()
      for line in job.prologue { script.add(line) }
    }
    script.gap()
  }

  /// What a rank may take, where the batch system's environment doesn't say it and the user hasn't.
  private var memoryLimit: Int? {
    guard let memory = job.memory, job.cluster.system != .slurm, job.environment["MUSTER_MEMORY_LIMIT"] == nil else {
      return nil
    }
    // Of a batch system's grant a fifth is for what isn't a worker's; on this machine there is nobody to end the job.
    let ranksHere = max(1, job.cluster.system == .pbs ? shape.ranksPerNode : shape.ranks)
    return (job.cluster.system == .pbs ? memory / 5 * 4 : memory) / ranksHere
  }

  /// The launch, and what comes after it.
  func launch(_ lines: [String], _ reason: String, of script: inout JobScript) {
    guard job.drain == nil else { return launchAndDrain(lines, reason, of: &script) }
    // With an epilogue the shell stays, to run it.
    let first = (job.epilogue.isEmpty ? "exec " : "") + lines[0]
    script.add(first, reason)
    for line in lines.dropFirst() { script.add(line) }
  }

  /// The program with what it's run by.
  var program: String { ShellText.words(job.container + command) }

  /// The variables that ranks on other nodes are to have: what `-x` of Open MPI names.
  var variables: [String] {
    ["SWIFT_DETERMINISTIC_HASHING", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MUSTER_THREADS"]
      + (job.drain == nil ? [] : ["MUSTER_JOURNAL"])
      + (job.drain.map { $0.signal == .usr1 ? [] : ["MUSTER_DRAIN_SIGNAL"] } ?? [])
      + (setsDeadline ? ["MUSTER_DEADLINE"] : [])
      + (memoryLimit == nil ? [] : ["MUSTER_MEMORY_LIMIT"])
      + job.environment.keys.sorted()
  }

  /// A command in lines of a bearable length.
  static func continued(_ parts: [String]) -> [String] {
    var lines: [String] = []
    var line = ""
    for part in parts where !part.isEmpty {
      if !line.isEmpty && line.count + part.count > 100 {
        lines.append(line + " \\")
        line = "  " + part
      } else {
        line += line.isEmpty ? part : " " + part
      }
    }
    lines.append(line)
    return lines
  }
}
