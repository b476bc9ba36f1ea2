import Foundation
import MusterBatch
import Testing

struct ConfigurationTests {
  private static let cluster = "cluster:\n  system: slurm\n  node-cores: 64\n  node-memory: 256 GB\njob:\n"

  private func read(_ text: String) throws(BatchError) -> JobDescription {
    var configuration = JobConfiguration()
    try configuration.read(text, from: "cluster.yaml")
    return try configuration.checked()
  }

  private func refusal(of text: String) -> BatchError? {
    do throws(BatchError) {
      _ = try read(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func readsEveryKindOfValue() throws {
    let job = try read(
      """
      cluster:
        system: pbs
        status: rendered
        manual: https://example.org/manual
        node-cores: 128
        cpus-per-core: 2
        node-memory: 512 GB
        node-gpus: 4
        longest-walltime: 2d
        most-nodes: 100
        launcher: mpich
        mpi: pmi2
        bind-ranks: no
        launcher-options: --one --two
        resources: totals
        account-option: -P
        required: [account, queue]
      job:
        name: heat-1
        account: m1234
        queue: regular
        reservation: maintenance
        constraint: cpu
        shape: 4 nodes × 8
        gpus-per-node: 2
        memory: 230 GB
        exclusive: true
        walltime: 2h30m
        array: 0-90:10
        array-limit: 3
        after:
          afterok: [4321, 4322.server]
          afterany: 17
        mail-to: me@example.org
        mail-on: [begin, fail]
        output: logs/{name}-{id}-{index}.out
        error: logs/{name}-{index}.err
        folder: runs/new
        modules: [hdf5/1.14, openblas]
        environment:
          MUSTER_LOG_DIRECTORY: logs
          EMPTY: ""
        prologue: |
          echo one
          echo two
        epilogue: echo done
        container: apptainer exec image.sif
        journal: journals/{name}-{index}
        drain-signal: USR1
        drain-lead: 90s
        restarts: yes
        most-restarts: 12
        extra-directives: ["-l filesystems=home"]
        skip-directives: [-m]
      """)
    let cluster = job.cluster
    #expect(cluster.system == .pbs && cluster.status == .rendered && cluster.manual == "https://example.org/manual")
    #expect(cluster.nodeCores == 128 && cluster.cpusPerCore == 2 && cluster.nodeMemory == 512_000_000_000)
    #expect(cluster.nodeGPUs == 4 && cluster.longestWalltime == 172_800 && cluster.mostNodes == 100)
    #expect(cluster.launcher == .mpich && cluster.mpi == "pmi2" && !cluster.bindsRanks)
    #expect(cluster.launcherOptions == ["--one", "--two"] && cluster.resourceStyle == .totals)
    #expect(cluster.accountOption == "-P" && cluster.required == ["account", "queue"])
    #expect(job.name == "heat-1" && job.account == "m1234" && job.queue == "regular" && job.constraint == "cpu")
    #expect(
      job.reservation == "maintenance" && job.gpusPerNode == 2 && job.memory == 230_000_000_000 && job.isExclusive)
    #expect(job.walltime == 9000 && job.array == .init(0...90, step: 10) && job.arrayLimit == 3)
    #expect(job.dependencies == [.init(.afterOK, ["4321", "4322.server"]), .init(.afterAny, ["17"])])
    #expect(job.mailAddress == "me@example.org" && job.mailEvents == [.begin, .fail])
    #expect(
      job.output == "logs/{name}-{id}-{index}.out" && job.error == "logs/{name}-{index}.err" && job.folder == "runs/new"
    )
    #expect(job.modules == ["hdf5/1.14", "openblas"])
    #expect(job.environment == ["MUSTER_LOG_DIRECTORY": "logs", "EMPTY": ""])
    #expect(job.prologue == ["echo one", "echo two"] && job.epilogue == ["echo done"])
    #expect(job.container == ["apptainer", "exec", "image.sif"])
    #expect(job.journal == "journals/{name}-{index}" && job.drainSignal == .usr1 && job.drainLead == 90)
    #expect(job.restarts == true && job.mostRestarts == 12)
    #expect(job.extraDirectives == ["-l filesystems=home"] && job.skippedDirectives == ["-m"])
    let shape = try job.shape()
    #expect(shape.nodes == 4 && shape.ranksPerNode == 8 && shape.coresPerRank == 16 && shape.ranks == 32)
  }

  /// What is wrong is said with the file, the line and what there is instead.
  @Test(arguments: [
    (
      "job:\n  nodes: 2\n  wall-time: 2h\n", BatchError.Code.unknownKey, 3, "there is no key 'wall-time' in job",
      "walltime,"
    ),
    ("jobs:\n  nodes: 2\n", .unknownKey, 1, "there is no section 'jobs'", "cluster, job, base"),
    ("job:\n  walltime: 90\n", .invalidValue, 2, "job.walltime is '90'", "2h30m"),
    ("job:\n  memory: 230\n", .invalidValue, 2, "job.memory is '230'", "230 GB"),
    ("job:\n  memory: 230 GX\n", .invalidValue, 2, "job.memory is '230 GX'", "230 GB"),
    ("job:\n  nodes: 0\n", .invalidValue, 2, "job.nodes is '0'", "from 1 on"),
    ("job:\n  array: 1-3\n  output: \"a-{id}\"\n", .invalidValue, 3, "write to the same output", "{index} into"),
    ("job:\n  output: \"a-{index}\"\n", .invalidValue, 2, "there is no array", "Leave it out"),
    ("job:\n  output: ~/a.out\n", .invalidValue, 2, "'~/a.out'", "without ~"),
    ("job:\n  account: my account\n", .invalidValue, 2, "'my account'", "without spaces"),
    ("job:\n  account: null\n", .invalidValue, 2, "'null'", "not taken away"),
    ("job:\n  memory: 230 kB\n", .invalidValue, 2, "less than 1 MiB", "MiB"),
    ("job:\n  nodes: 9223372036854775807\n", .invalidValue, 2, "job.nodes", "up to 100000"),
    ("cluster:\n  cpus-per-core: 99\n", .invalidValue, 2, "from 1 to 64", "1"),
    ("job:\n  after:\n    afterok: heat\n", .invalidValue, 3, "job.after.afterok", "by their numbers"),
    ("job:\n\tnodes: 2\n", .syntax, 2, "a tab?", "spaces"),
    ("job:\n  nodes: many\n", .invalidValue, 2, "job.nodes is 'many'", "whole number"),
    ("job:\n  nodes: [1, 2]\n", .invalidValue, 2, "job.nodes is a list", "whole number"),
    ("job:\n  exclusive: maybe\n", .invalidValue, 2, "job.exclusive is 'maybe'", "true or false"),
    ("job:\n  shape: 4 cores × 8\n", .invalidValue, 2, "job.shape is '4 cores × 8'", "4 nodes × 8"),
    ("job:\n  shape: 4 × 8 × 2 × 1\n", .invalidValue, 2, "job.shape", "4 x 8 x 16"),
    ("job:\n  shape: 4 × 8\n  nodes: 3\n", .invalidValue, 3, "shape says what nodes says", "Leave out one"),
    ("job:\n  array: 9-1\n", .invalidValue, 2, "job.array is '9-1'", "lower index"),
    ("job:\n  array: 1,2\n", .invalidValue, 2, "job.array", "1-100"),
    ("job:\n  array-limit: 3\n", .invalidValue, 2, "there is no array", "array: 1-100"),
    ("job:\n  after: 4321\n", .invalidValue, 2, "job.after", "afterok: 4321"),
    ("job:\n  after:\n    later: 4321\n", .invalidValue, 3, "job.after is 'later'", "afterany, afterok, afternotok"),
    ("job:\n  after:\n    afterok: a b;c\n", .invalidValue, 3, "job.after.afterok", "by their numbers"),
    ("job:\n  mail-on: [begin, sometimes]\n  mail-to: me\n", .invalidValue, 2, "'sometimes'", "begin, end, fail"),
    ("job:\n  mail-on: begin\n", .missingValue, 2, "nobody is named", "Add mail-to"),
    ("job:\n  name: two words\n", .invalidValue, 2, "job.name is 'two words'", "a letter first"),
    ("job:\n  output: \"{user}.out\"\n", .invalidValue, 2, "{user}.out", "{name}, {id}, {index}"),
    ("job:\n  journal: j-{id}\n", .invalidValue, 2, "job.journal is 'j-{id}'", "{name}, {index} stand for"),
    ("job:\n  journal: j\n  drain-signal: TERM\n", .invalidValue, 3, "job.drain-signal is 'TERM'", "USR1, USR2"),
    ("job:\n  journal: j\n  drain-lead: 120\n", .invalidValue, 3, "job.drain-lead is '120'", "2h30m"),
    ("job:\n  journal: j\n  restarts: often\n", .invalidValue, 3, "job.restarts is 'often'", "true or false"),
    ("job:\n  journal: j\n  most-restarts: 0\n", .invalidValue, 3, "job.most-restarts is '0'", "from 1 on"),
    ("job:\n  account: |\n    a\n    b\n", .invalidValue, 2, "of several lines", "one line"),
    ("job:\n  environment: [A]\n", .invalidValue, 2, "job.environment is a list", "names with values"),
    ("job:\n  environment:\n    A B: 1\n", .invalidValue, 3, "job.environment", "letters, digits and _"),
    ("job:\n  extra-directives: licenses=scratch\n", .invalidValue, 2, "licenses", "without #SBATCH"),
    ("cluster:\n  system: lsf\n", .invalidValue, 2, "cluster.system is 'lsf'", "slurm, pbs, local"),
    ("cluster:\n  required: [acount]\n", .invalidValue, 2, "'acount'", "account, queue"),
    ("cluster:\n  account-option: account\n", .invalidValue, 2, "'account'", "-A or -P"),
    ("job:\n  nodes: 1\n nodes: 2\n", .syntax, 3, "isn't YAML", "expected key"),
    ("job:\n  nodes: 1\n  nodes: 2\n", .syntax, 2, "nodes is there twice", "in a section"),
    ("- job\n", .syntax, 1, "has sections", "cluster, job"),
    ("job: 4\n", .syntax, 1, "job is a section", "key: value"),
  ])
  func saysWhereAndWhat(text: String, code: BatchError.Code, line: Int, message: String, choices: String) throws {
    let error = try #require(refusal(of: text), "\(text)")
    #expect(error.code == code, "\(error)")
    #expect(error.place == .init(source: "cluster.yaml", line: line), "\(error)")
    #expect(error.description.hasPrefix("cluster.yaml:\(line): "), "\(error)")
    #expect(error.description.contains(message) && error.description.contains(choices), "\(error)")
  }

  /// What no node has is found where the last word on it was said.
  @Test(arguments: [
    ("  ranks-per-node: 9\n  cores-per-rank: 8\n", 7, "9 ranks of 8 cores need 72 cores, and a node has 64"),
    ("  cores-per-rank: 65\n", 6, "1 ranks of 65 cores need 65 cores"),
    ("  nodes: 2\n  memory: 257 GB\n", 7, "and a node has 238.4 GiB"),
    ("  shape: 1 x 65 x 1\n", 6, "65 ranks of 1 core need 65"),
  ])
  func findsImpossibleShapes(lines: String, line: Int, message: String) throws {
    let error = try #require(refusal(of: Self.cluster + lines))
    #expect(error.code == .impossibleShape && error.place?.line == line, "\(error)")
    #expect(error.message.contains(message), "\(error)")
  }

  @Test func limitsOfTheCluster() throws {
    let limits = "cluster:\n  most-nodes: 4\n  longest-walltime: 1h\n  node-gpus: 2\n  required: [account]\njob:\n"
    for (lines, place, word) in [
      ("  account: a\n  nodes: 5\n", 8, "may have 4"), ("  account: a\n  shape: 5 × 2\n", 8, "may have 4"),
      ("  account: a\n  nodes: 4\n  scheduler-node: true\n", 8, "has 5 nodes"),
      ("  shape: 200000 × 1\n  account: a\n", 7, "out of bounds"),
      ("  account: a\n  walltime: 61m\n", 8, "may take 1h"), ("  account: a\n  gpus-per-node: 3\n", 8, "a node has 2"),
      ("  nodes: 1\n", 5, "wants account"),
    ] {
      let error = try #require(refusal(of: limits + lines))
      #expect(error.description.contains(word) && error.place?.line == place, "\(error)")
    }
    #expect(refusal(of: limits + "  account: a\n  nodes: 4\n  walltime: 1h\n  gpus-per-node: 2\n") == nil)
  }

  @Test func aFileIsBasedOnAnother() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("muster-base-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func write(_ name: String, _ text: String) throws -> String {
      let path = folder.appendingPathComponent(name).path
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    _ = try write("cluster.yaml", "cluster:\n  node-cores: 8\njob:\n  queue: short\n  walltime: 1h\n")
    let mine = try write("mine.yaml", "base: cluster.yaml\njob:\n  walltime: 2h\n  cores-per-rank: 9\n")
    var configuration = JobConfiguration()
    try configuration.read(mine)
    #expect(configuration.description.queue == "short" && configuration.description.walltime == 7200)
    let error = #expect(throws: BatchError.self) { try configuration.checked() }
    #expect(error?.place == .init(source: mine, line: 4))
    // An option has the last word, and the blame.
    try configuration.set("cores-per-rank", to: "4", option: "--cores-per-rank")
    #expect(try configuration.checked().shape().coresPerRank == 4)
    try configuration.set("job.ranks-per-node", to: "3", option: "--set job.ranks-per-node=3")
    let blamed = #expect(throws: BatchError.self) { try configuration.checked() }
    #expect(blamed?.description.hasPrefix("--set job.ranks-per-node=3: 3 ranks of 4 cores") == true)
    // A shape is the whole of it: what it leaves out is the nodes' again.
    try configuration.set("shape", to: "2 × 4", option: "--shape")
    #expect(try configuration.checked().shape().coresPerRank == 2)
    // What was said last, whichever it is: a limit, too.
    try configuration.set("cluster.node-cores", to: "3", option: "--set cluster.node-cores=3")
    let limited = #expect(throws: BatchError.self) { try configuration.checked() }
    #expect(limited?.place == .init(source: "--set cluster.node-cores=3"))
    try configuration.set("shape", to: "1 × 2 × 5", option: "--shape")
    let shaped = #expect(throws: BatchError.self) { try configuration.checked() }
    #expect(shaped?.place == .init(source: "--shape"))

    let circle = try write("circle.yaml", "base: circle.yaml\n")
    #expect(throws: BatchError.self) { try configuration.read(circle) }
    let missing = #expect(throws: BatchError.self) { try configuration.read(folder.path + "/none.yaml") }
    #expect(missing?.code == .unreadableFile)
  }

  /// A description that a program makes is checked as one of a file is.
  @Test func descriptionsOfPrograms() {
    for (change, word) in [
      ({ $0.coresPerRank = 0 }, "cores-per-rank"), ({ $0.nodes = .max }, "nodes"), ({ $0.name = "a b" }, "job.name"),
      ({ $0.array = .init(0...Int.max) }, "10^9"), ({ $0.queue = "a\nb" }, "job.queue"),
      ({ $0.gpusPerNode = -1 }, "gpus"),
      ({ $0.gpusPerNode = .max }, "gpus"), ({ $0.journal = "{id}" }, "{id}"),
      ({ ($0.journal, $0.mostRestarts) = ("j", 0) }, "most-restarts"),
      ({ ($0.journal, $0.drainLead, $0.walltime) = ("j", 0, 60) }, "drain-lead"),
    ] as [((inout JobDescription) -> Void, String)] {
      var job = JobDescription()
      job.cluster.nodeCores = 64
      change(&job)
      let error = #expect(throws: BatchError.self) { try job.check() }
      #expect(error?.description.contains(word) == true, "\(error as Any)")
    }
  }

  @Test func optionsTakeWhatFilesTake() throws {
    var configuration = JobConfiguration()
    try configuration.set("job.modules", to: "[hdf5, openblas]", option: "--set")
    try configuration.set("environment", to: "{A: 1, B: two words}", option: "--set")
    try configuration.set("cluster.system", to: "pbs", option: "--set")
    #expect(configuration.description.modules == ["hdf5", "openblas"])
    #expect(configuration.description.environment == ["A": "1", "B": "two words"])
    #expect(configuration.description.cluster.system == .pbs)
    try configuration.set("output", to: "{name}-{id}.out", option: "--set")
    try configuration.set("mail-to", to: "a: b # c", option: "--set")
    #expect(configuration.description.output == "{name}-{id}.out")
    #expect(configuration.description.mailAddress == "a: b # c")
    for (key, text, word) in [
      ("walltime", "soon", "--walltime: job.walltime is 'soon'"), ("nodes", "", "job.nodes is empty"),
      ("job.wall", "2h", "there is no key 'wall'"), ("site.name", "x", "there is no section 'site'"),
      ("modules", "[a", "isn't YAML"),
    ] {
      let error = #expect(throws: BatchError.self) { try configuration.set(key, to: text, option: "--walltime") }
      #expect(error?.description.contains(word) == true, "\(error as Any)")
    }
  }
}
