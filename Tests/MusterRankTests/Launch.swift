import Foundation

/// Starts programs of this package, alone or under mpirun, and collects what they say.
struct Launch {
  var status: Int32
  var output: String
  var errors: String
  var seconds: Double

  /// Runs a program of the package on `ranks` ranks; alone where nil.
  static func run(
    _ program: String, _ arguments: [String], ranks: Int? = nil, environment: [String: String] = [:],
    limit: Double = 120
  ) throws -> Launch {
    let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let executable = folder.appendingPathComponent(program).path
    guard FileManager.default.isExecutableFile(atPath: executable) else {
      throw LaunchError("\(executable) isn't built")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    var command = [executable] + arguments
    if let ranks {
      command = ["mpirun", "--oversubscribe", "-n", "\(ranks)"] + command
    }
    process.arguments = command
    var variables = ProcessInfo.processInfo.environment.filter {
      // What this process has from a launcher of its own isn't for the ones it starts.
      !$0.key.hasPrefix("OMPI_COMM") && !$0.key.hasPrefix("PMIX") && !$0.key.hasPrefix("MUSTER_THREADS")
        && $0.key != "SWIFT_DETERMINISTIC_HASHING"
    }
    variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    variables["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = variables.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice

    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let files = ["out", "err"].map { scratch.appendingPathComponent($0) }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])

    let start = Date()
    try process.run()
    while process.isRunning && Date().timeIntervalSince(start) < limit { usleep(5000) }
    let seconds = Date().timeIntervalSince(start)
    if process.isRunning {
      // mpirun passes SIGTERM on to its ranks.
      kill(process.processIdentifier, SIGTERM)
      usleep(2_000_000)
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
      throw LaunchError(
        "\(command) hung for \(limit) s; output: \(text(files[0])); errors: \(text(files[1]))")
    }
    process.waitUntilExit()
    // A process that a signal ended counts as a shell counts it.
    let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    return Launch(status: status, output: text(files[0]), errors: text(files[1]), seconds: seconds)
  }

  private static func text(_ file: URL) -> String {
    (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  var lines: [String] { output.split(separator: "\n").map(String.init) }
}

struct LaunchError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
