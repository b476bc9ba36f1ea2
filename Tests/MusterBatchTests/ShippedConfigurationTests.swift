import Foundation
import MusterBatch
import Testing

/// The configurations that come with Muster, and the script of each in jobscripts. `MUSTER_RENDER=1` writes the scripts anew.
struct ShippedConfigurationTests {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let names = ["laptop", "slurm", "pbs", "perlmutter", "frontier", "lumi", "archer2", "polaris", "gadi"]

  private func read(_ name: String) throws -> (configuration: JobConfiguration, text: String) {
    let path = Self.root.appendingPathComponent("cluster-configs/\(name).yaml").path
    var configuration = JobConfiguration()
    try configuration.read(path)
    return (configuration, try String(contentsOfFile: path, encoding: .utf8))
  }

  @Test func allAreKnown() throws {
    let folder = Self.root.appendingPathComponent("cluster-configs").path
    let found = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
    #expect(Set(found) == Set(Self.names.map { $0 + ".yaml" }))
  }

  @Test func theManualHasEveryKey() throws {
    let manual = try String(contentsOf: Self.root.appendingPathComponent("docs/batch.md"), encoding: .utf8)
    let sections = manual.split(separator: "\n### ")
    for key in JobConfiguration.keys {
      let parts = key.split(separator: ".")
      let section = try #require(sections.first { $0.hasPrefix(parts[0]) })
      #expect(section.contains("\n| `\(parts[1])` |"), "\(key)")
    }
  }

  @Test(arguments: names) func rendersAsInJobscripts(name: String) throws {
    var (configuration, _) = try read(name)
    let cluster = configuration.description.cluster
    #expect(cluster.status != nil, "each says whether it was run")
    if cluster.required.contains("account") {
      #expect(cluster.manual != nil)
      // Without it the cluster would refuse the job.
      #expect(throws: BatchError.self) { try configuration.checked() }
      try configuration.set("account", to: "your-account", option: "--account")
    }
    let system = try #require(cluster.system)
    let command = [
      ".build/release/eof", "data/A1B_north_america.nc", "data/E1_north_america.nc", "--output", "results/eof",
    ]
    let text = try configuration.checked().script(running: command).text()
    let file = Self.root.appendingPathComponent("jobscripts/\(name).\(JobScript.fileExtension(of: system))")
    if ProcessInfo.processInfo.environment["MUSTER_RENDER"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text, "make jobscripts renders them anew")
  }

  /// With explanations they are scripts, too.
  @Test(arguments: names) func shellcheckFindsNothing(name: String) throws {
    var (configuration, _) = try read(name)
    try configuration.set("prologue", to: "[mkdir -p results]", option: "--set")
    try configuration.set("epilogue", to: "[date]", option: "--set")
    if configuration.description.cluster.system != .local {
      try configuration.set("account", to: "a", option: "--account")
    }
    let command = ["./a program", "--with", "it's"]
    var scripts = [try configuration.checked().script(running: command)]
    if name == "slurm" {
      // None of those that are shipped has a node for the scheduler.
      try configuration.set("scheduler-node", to: "true", option: "--set")
      try configuration.set("cluster.mpi", to: "pmix", option: "--set")
      scripts.append(try configuration.checked().script(running: command))
    }
    for text in scripts.flatMap({ [$0.text(), $0.text(explaining: true)] }) {
      let (status, output) = try Tool.run("bash", ["-n"], input: text)
      #expect(status == 0, "\(output)")
      // Missing where the tests run by themselves; CI installs it.
      guard Tool.exists("shellcheck") else { continue }
      let (found, report) = try Tool.run("shellcheck", ["-"], input: text)
      #expect(found == 0, "\(report)")
    }
  }
}
