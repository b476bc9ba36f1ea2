internal import MusterUnits

/// The keys of a configuration: what each takes, and where it goes.
struct ConfigurationKey: Sendable {
  let name: String
  let set: @Sendable (inout JobDescription, ConfigurationValue) throws(BatchError) -> Void

  init(_ name: String, _ set: @escaping @Sendable (inout JobDescription, ConfigurationValue) throws(BatchError) -> Void)
  {
    self.name = name
    self.set = set
  }

  /// The sections of a file, each with its keys, in the order in which messages list them.
  static let sections: [(name: String, keys: [ConfigurationKey])] = [("cluster", cluster), ("job", job)]

  private static let cluster: [ConfigurationKey] = [
    .init("system") { job, value throws(BatchError) in job.cluster.system = try value.choice(BatchSystem.self) },
    .init("status") { job, value throws(BatchError) in job.cluster.status = try value.choice(Cluster.Status.self) },
    .init("manual") { job, value throws(BatchError) in job.cluster.manual = try value.text() },
    .init("node-cores") { job, value throws(BatchError) in job.cluster.nodeCores = try value.count(atLeast: 1) },
    .init("cpus-per-core") { job, value throws(BatchError) in job.cluster.cpusPerCore = try value.count(atLeast: 1) },
    .init("node-memory") { job, value throws(BatchError) in job.cluster.nodeMemory = try value.bytes() },
    .init("node-gpus") { job, value throws(BatchError) in job.cluster.nodeGPUs = try value.count(atLeast: 0) },
    .init("longest-walltime") { job, value throws(BatchError) in job.cluster.longestWalltime = try value.seconds() },
    .init("most-nodes") { job, value throws(BatchError) in job.cluster.mostNodes = try value.count(atLeast: 1) },
    .init("most-queued-jobs") { job, value throws(BatchError) in
      job.cluster.mostQueuedJobs = try value.count(atLeast: 1)
    },
    .init("launcher") { job, value throws(BatchError) in job.cluster.launcher = try value.choice(Launcher.self) },
    .init("mpi") { job, value throws(BatchError) in job.cluster.mpi = try value.text() },
    .init("bind-ranks") { job, value throws(BatchError) in job.cluster.bindsRanks = try value.flag() },
    .init("launcher-options") { job, value throws(BatchError) in job.cluster.launcherOptions = try value.words() },
    .init("resources") { job, value throws(BatchError) in
      job.cluster.resourceStyle = try value.choice(Cluster.ResourceStyle.self)
    },
    .init("account-option") { job, value throws(BatchError) in
      job.cluster.accountOption = try value.text()
      guard job.cluster.accountOption!.wholeMatch(of: /-[A-Za-z]/) != nil else {
        throw value.fault("an option of qsub: -A or -P")
      }
    },
    .init("required") { job, value throws(BatchError) in
      job.cluster.required = try value.list(among: JobDescription.requirable)
    },
  ]

  private static let job: [ConfigurationKey] = [
    .init("name") { job, value throws(BatchError) in job.name = try jobName(value) },
    .init("account") { job, value throws(BatchError) in job.account = try value.text() },
    .init("queue") { job, value throws(BatchError) in job.queue = try value.text() },
    .init("qos") { job, value throws(BatchError) in job.qos = try value.text() },
    .init("reservation") { job, value throws(BatchError) in job.reservation = try value.text() },
    .init("constraint") { job, value throws(BatchError) in job.constraint = try value.text() },
    .init("shape") { job, value throws(BatchError) in try shape(value, into: &job) },
    .init("nodes") { job, value throws(BatchError) in job.nodes = try value.count(atLeast: 1) },
    .init("ranks-per-node") { job, value throws(BatchError) in job.ranksPerNode = try value.count(atLeast: 1) },
    .init("cores-per-rank") { job, value throws(BatchError) in job.coresPerRank = try value.count(atLeast: 1) },
    .init("gpus-per-node") { job, value throws(BatchError) in job.gpusPerNode = try value.count(atLeast: 0) },
    .init("memory") { job, value throws(BatchError) in job.memory = try value.bytes() },
    .init("exclusive") { job, value throws(BatchError) in job.isExclusive = try value.flag() },
    .init("scheduler-node") { job, value throws(BatchError) in job.hasSchedulerNode = try value.flag() },
    .init("walltime") { job, value throws(BatchError) in job.walltime = try value.seconds() },
    .init("array") { job, value throws(BatchError) in job.array = try indices(value) },
    .init("array-limit") { job, value throws(BatchError) in job.arrayLimit = try value.count(atLeast: 1) },
    .init("after") { job, value throws(BatchError) in job.dependencies = try dependencies(value) },
    .init("mail-to") { job, value throws(BatchError) in job.mailAddress = try value.text() },
    .init("mail-on") { job, value throws(BatchError) in
      job.mailEvents = try value.choices(JobDescription.MailEvent.self)
    },
    .init("output") { job, value throws(BatchError) in job.output = try fileName(value) },
    .init("error") { job, value throws(BatchError) in job.error = try fileName(value) },
    .init("folder") { job, value throws(BatchError) in job.folder = try value.text() },
    .init("modules") { job, value throws(BatchError) in job.modules = try value.words() },
    .init("environment") { job, value throws(BatchError) in try variables(value, into: &job) },
    .init("prologue") { job, value throws(BatchError) in job.prologue = try value.lines() },
    .init("epilogue") { job, value throws(BatchError) in job.epilogue = try value.lines() },
    .init("container") { job, value throws(BatchError) in job.container = try value.words() },
    .init("journal") { job, value throws(BatchError) in
      job.journal = try fileName(value, placeholders: ["{name}", "{index}"])
    },
    .init("drain-signal") { job, value throws(BatchError) in
      job.drainSignal = try value.choice(JobDescription.DrainSignal.self)
    },
    .init("drain-lead") { job, value throws(BatchError) in job.drainLead = try value.seconds() },
    .init("restarts") { job, value throws(BatchError) in job.restarts = try value.flag() },
    .init("most-restarts") { job, value throws(BatchError) in job.mostRestarts = try value.count(atLeast: 1) },
    .init("extra-directives") { job, value throws(BatchError) in
      job.extraDirectives = try value.list().map { directive throws(BatchError) in
        guard directive.hasPrefix("-") else {
          throw value.fault("directives without #SBATCH or #PBS, such as --licenses=scratch or -l filesystems=home")
        }
        return directive
      }
    },
    .init("skip-directives") { job, value throws(BatchError) in job.skippedDirectives = try value.list() },
  ]

  private static func jobName(_ value: ConfigurationValue) throws(BatchError) -> String {
    let name = try value.text()
    guard JobDescription.isName(name) else { throw value.fault(JobDescription.nameForm) }
    return name
  }

  /// `4 nodes × 8 ranks × 16 cores`; the nouns may be left out, and so may what comes after the first.
  private static func shape(_ value: ConfigurationValue, into job: inout JobDescription) throws(BatchError) {
    let form = "nodes × ranks on each × cores of each, such as 4 nodes × 8, or 4 x 8 x 16"
    guard let text = try? value.text() else { throw value.fault(form) }
    let parts = text.lowercased().replacing("×", with: "x").replacing("*", with: "x")
      .split(separator: /x/, omittingEmptySubsequences: false)
    let nouns = [["", "node", "nodes"], ["", "rank", "ranks"], ["", "core", "cores"]]
    var numbers: [Int] = []
    for (part, allowed) in zip(parts, nouns) {
      let digits = part.trimmingPrefix(while: \.isWhitespace).prefix { $0.isNumber }
      let noun = part.trimmingPrefix(while: \.isWhitespace).dropFirst(digits.count).filter { !$0.isWhitespace }
      guard let number = Int(digits), number >= 1, allowed.contains(noun) else { throw value.fault(form) }
      numbers.append(number)
    }
    guard parts.count <= nouns.count else { throw value.fault(form) }
    job.nodes = numbers[0]
    // What it leaves out is left to the cluster's nodes, whatever was said before.
    job.ranksPerNode = numbers.count > 1 ? numbers[1] : nil
    job.coresPerRank = numbers.count > 2 ? numbers[2] : nil
  }

  /// `1-100`, `0-9:2`, or one index.
  private static func indices(_ value: ConfigurationValue) throws(BatchError) -> JobDescription.IndexRange {
    let text = try value.text()
    guard let match = text.wholeMatch(of: /(\d+)(?:-(\d+))?(?::(\d+))?/), let first = Int(match.1) else {
      throw value.fault("a range of indices such as 1-100, or 0-90:10; array-limit is how many run at a time")
    }
    let last = match.2.map { Int($0) } ?? first
    let step = match.3.map { Int($0) } ?? 1
    guard let last, let step, first <= last, step >= 1 else {
      throw value.fault("a range from the lower index to the higher, with a step of 1 or more")
    }
    return JobDescription.IndexRange(first...last, step: step)
  }

  /// `afterok: [123, 124]`.
  private static func dependencies(
    _ value: ConfigurationValue
  ) throws(BatchError) -> [JobDescription.Dependency] {
    guard case .mapping(let mapping) = value.node else {
      throw value.fault("a condition with jobs, such as `afterok: 4321` or `afterany: [4321, 4322]`")
    }
    var dependencies: [JobDescription.Dependency] = []
    for (name, jobs) in mapping {
      let condition = ConfigurationValue(key: value.key, node: name, source: value.source)
      let list = ConfigurationValue(key: "\(value.key).\(name.scalar?.string ?? "")", node: jobs, source: value.source)
      let numbers = try list.words()
      guard !numbers.isEmpty, numbers.allSatisfy({ $0.wholeMatch(of: /\d[\w.\[\]-]*/) != nil }) else {
        throw list.fault("jobs by their numbers, such as 4321 or 4321.server")
      }
      dependencies.append(.init(try condition.choice(JobDescription.Dependency.Condition.self), numbers))
    }
    return dependencies
  }

  private static func fileName(
    _ value: ConfigurationValue, placeholders known: [String] = ["{name}", "{id}", "{index}"]
  ) throws(BatchError) -> String {
    let name = try value.text()
    for match in name.matches(of: /\{[^}]*\}/) where !known.contains(String(match.0)) {
      throw value.fault("a file's name, in which \(known.joined(separator: ", ")) stand for the job's")
    }
    return name
  }

  private static func variables(_ value: ConfigurationValue, into job: inout JobDescription) throws(BatchError) {
    for (name, text) in try value.pairs() {
      guard name.wholeMatch(of: /[A-Za-z_]\w*/) != nil else {
        throw value.fault("names of letters, digits and _, each with its value")
      }
      job.environment[name] = text
    }
  }
}

extension JobDescription {
  static let nameForm = "a name of letters, digits and . _ + - of up to 230 characters, a letter first"

  /// What both batch systems take.
  static func isName(_ text: String) -> Bool { text.wholeMatch(of: /[A-Za-z][\w.+-]{0,229}/) != nil }
}
