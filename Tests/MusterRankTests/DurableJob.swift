import Foundation
import Testing

/// A program that is started again and again in one folder, with one journal.
struct DurableJob {
  let folder: String
  let arguments: [String]

  init(_ arguments: [String]) throws {
    folder = temporaryFolder("durable")
    self.arguments = arguments
    try FileManager.default.createDirectory(atPath: folder + "/out", withIntermediateDirectories: true)
  }

  /// `durable`, whose files go into the job's own folder.
  static func ofEverything(milliseconds: Int) throws -> DurableJob {
    try DurableJob(["durable", "out", "\(milliseconds)"])
  }

  var journal: String { folder + "/job.journal" }
  /// What the program has printed over all its runs.
  var printed: String { (try? contents(journal + ".out")) ?? "" }
  /// What its tasks have noted, sorted.
  var notes: [String] {
    ((try? contents(folder + "/notes")) ?? "").split(separator: "\n").map(String.init).sorted()
  }

  func run(
    ranks: Int?, stop: String = "", way: String = "", environment: [String: String] = [:],
    meanwhile: (Process) -> Void = { _ in }
  ) throws -> Launch {
    var own = [
      "MUSTER_JOURNAL": journal, "MUSTER_TEST_NOTES": folder + "/notes", "MUSTER_TEST_STOP": stop,
      "MUSTER_TEST_WAY": way, "MUSTER_PROGRESS": "none",
    ]
    // Where one rank is killed Open MPI's launcher lets the others wait for a second: KillTests have that.
    if !stop.isEmpty { own["OMPI_MCA_odls_base_sigkill_timeout"] = "0" }
    return try Launch.run(
      "rank-programs", arguments, ranks: ranks, folder: folder, environment: own.merging(environment) { $1 },
      meanwhile: meanwhile)
  }

  /// Runs it alone within a line of shell, in which `"$@"` is the program with its arguments. What it prints isn't kept.
  func run(within line: String, environment: [String: String] = [:]) throws -> (status: Int32, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", line, "bash", try Launch.path(of: "rank-programs")] + arguments
    let own = ["MUSTER_JOURNAL": journal, "MUSTER_THREADS": "2"]
    process.environment = Launch.inherited.merging(own) { $1 }.merging(environment) { $1 }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try Launch.runWithSignals(process)
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, said)
  }

  /// What `muster status` says.
  func status() throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Launch.muster)
    process.arguments = ["status", journal]
    let output = Pipe()
    process.standardOutput = output
    try Launch.runWithSignals(process)
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return said
  }

  /// Whether the run that was last has left before its work was done.
  var isDrained: Bool { FileManager.default.fileExists(atPath: journal + ".drained") }

  /// Expects that a run has left before its work was done, with the status for that where the launcher passes it on.
  func expectDrained(_ run: Launch, _ remark: String = "", sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(isDrained, "\(remark)\(run.status): \(run.errors)", sourceLocation: sourceLocation)
    #expect(
      run.status == 85 || !run.isToldAsItIs, "\(remark)\(run.status): \(run.errors)",
      sourceLocation: sourceLocation)
  }

  func remove() { removeFolder(folder) }
}

extension DurableJob {
  /// What an undisturbed run prints and writes.
  struct Result: Equatable {
    var printed: String
    var files: [Data]
  }

  func result() throws -> Result {
    Result(
      printed: printed,
      files: try ["field", "squeezed", "kept"].map {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out/\($0).h5"))
      })
  }
}
