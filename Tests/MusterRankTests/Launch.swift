import Foundation

/// Starts programs of this package, alone or under mpirun, and collects what they say.
///
/// `MUSTER_LAUNCHER` is another launcher and its arguments, `MUSTER_PROGRAMS` the folder of programs that are built for
/// it. The number of threads is the same on every machine: one for each rank, two for a program alone. A test that
/// wants another one, or none given (""), says so in `MUSTER_THREADS`.
struct Launch {
  var status: Int32
  var output: String
  var errors: String
  var seconds: Double
  /// Whether the status is that of the ranks, whichever has left first.
  var isToldAsItIs: Bool

  /// The variables of this process but for those that it has from a launcher of its own, which aren't for the processes
  /// that it starts.
  static var inherited: [String: String] {
    own.filter {
      !$0.key.hasPrefix("OMPI_COMM") && !$0.key.hasPrefix("PMI_") && !$0.key.hasPrefix("PMIX")
        && $0.key != "SWIFT_DETERMINISTIC_HASHING"
    }
  }

  /// Runs a program of the package on `ranks` ranks; alone where nil. Where the launcher itself has failed, once the job has
  /// said why it ends, the program runs again, three times at the most.
  static func run(
    _ program: String, _ arguments: [String], ranks: Int? = nil, folder: String? = nil,
    environment: [String: String] = [:], limit: Double = 120, meanwhile: (Process) -> Void = { _ in }
  ) throws -> Launch {
    for _ in 0..<2 {
      do {
        return try runOnce(
          program, arguments, ranks: ranks, folder: folder, environment: environment, limit: limit,
          meanwhile: meanwhile)
      } catch let error as LauncherFailure {
        print("The launcher has failed, and runs again: \(error)")
      }
    }
    return try runOnce(
      program, arguments, ranks: ranks, folder: folder, environment: environment, limit: limit, meanwhile: meanwhile)
  }

  private static func runOnce(
    _ program: String, _ arguments: [String], ranks: Int?, folder: String?, environment: [String: String],
    limit: Double, meanwhile: (Process) -> Void
  ) throws -> Launch {
    let command = try self.command(program, arguments, ranks: ranks)
    let process = self.process(command, ranks: ranks, environment: environment)
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }

    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let files = ["out", "err"].map { scratch.appendingPathComponent($0) }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    let (status, seconds) = try wait(for: process, limit: limit, meanwhile: meanwhile) {
      let said = "output: \(text(files[0])); errors: \(text(files[1]))"
      // What a test has stopped only the launcher can end.
      if ranks != nil, isOpenMPI, text(files[1]).contains("muster: fatal"), isAlone(process) {
        return LauncherFailure("\(command) left its launcher behind for \(limit) s; \(said)")
      }
      return LaunchError("\(command) hung for \(limit) s; \(said)")
    }
    // Open MPI 4.1.4 may crash while it cleans up after a job that was aborted.
    if ranks != nil, text(files[1]).contains("PMIx_server_finalize") {
      throw LauncherFailure("\(command): \(text(files[1]))")
    }
    let run = Launch(
      status: status, output: isOpenMPI ? text(files[0]) : withoutHydra(text(files[0])), errors: text(files[1]),
      seconds: seconds,
      isToldAsItIs: ranks == nil || isOpenMPI)
    try expectProgram(command, in: run.errors)
    return run
  }

  private static let own = ProcessInfo.processInfo.environment
  private static let launcher = (own["MUSTER_LAUNCHER"] ?? "mpirun --oversubscribe").split(separator: " ").map(
    String.init)

  /// Whether ranks are started by Open MPI. Its mpirun can be told to leave the others alone when one dies, and it ends
  /// them by SIGTERM, upon which they say what they had; MPICH's kills them.
  static let isOpenMPI = ["mpirun", "orterun", "prterun", "mpirun.openmpi", "mpiexec.openmpi"].contains(
    launcher.first.map { URL(fileURLWithPath: $0).lastPathComponent })

  /// MPICH's launcher says on standard output that it has ended ranks, or that they have ended otherwise than with 0.
  private static func withoutHydra(_ output: String) -> String {
    output.replacing(
      /\n={70,}\n=   BAD TERMINATION[^=]*(?:\n=[^=][^\n]*)*\n={70,}\n(?:YOUR APPLICATION[^\n]*\n[^\n]*\nPlease see[^\n]*\n)?/,
      with: "")
  }

  /// One process, and three ranks. One process is the same whatever MPI there is: with MPICH it isn't tried again.
  static let sizes: [Int?] = isOpenMPI ? [nil, 3] : [3]

  /// A test of a program that isn't there any more would see a failure, as it may want to.
  private static func expectProgram(_ command: [String], in errors: String) throws {
    if errors.contains("there is no program '") { throw LaunchError("\(command): \(errors)") }
  }

  /// The path of a program of the package.
  static func path(of program: String) throws -> String {
    let folder =
      own["MUSTER_PROGRAMS"].map { URL(fileURLWithPath: $0) }
      ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let executable = folder.appendingPathComponent(program).path
    guard FileManager.default.isExecutableFile(atPath: executable) else {
      throw LaunchError("\(executable) isn't built")
    }
    return executable
  }

  /// The command `muster`, of the tests' own build.
  static let muster = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appendingPathComponent("muster").path

  private static func command(_ program: String, _ arguments: [String], ranks: Int?) throws -> [String] {
    let executable = try path(of: program)
    guard let ranks else { return [executable] + arguments }
    return launcher + ["-n", "\(ranks)", executable] + arguments
  }

  private static func process(_ command: [String], ranks: Int?, environment: [String: String]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    var variables = inherited
    variables["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    variables["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    variables["SWIFT_BACKTRACE"] = "enable=no"
    variables["MUSTER_THREADS"] = ranks == nil ? "2" : "1"
    process.environment = variables.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Starts a process and waits until it ends; ends it where it takes too long.
  private static func wait(
    for process: Process, limit: Double, meanwhile: (Process) -> Void = { _ in }, hung: () -> any Error
  ) throws -> (status: Int32, seconds: Double) {
    let start = Date()
    try runWithSignals(process)
    meanwhile(process)
    while process.isRunning && Date().timeIntervalSince(start) < limit { usleep(5000) }
    let seconds = Date().timeIntervalSince(start)
    if process.isRunning {
      let error = hung()
      // mpirun passes SIGTERM on to its ranks.
      kill(process.processIdentifier, SIGTERM)
      usleep(2_000_000)
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
      throw error
    }
    process.waitUntilExit()
    // A process that a signal ended counts as a shell counts it.
    return (
      process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus, seconds
    )
  }

  /// Whether a launcher has none of its processes any more but such as have ended or were stopped.
  private static func isAlone(_ process: Process) -> Bool {
    JobProcesses.running.allSatisfy { pid in
      // The name before these fields may have any characters: state and parent follow its last parenthesis.
      let text = FileManager.default.contents(atPath: "/proc/\(pid)/stat").map { String(decoding: $0, as: UTF8.self) }
      let fields = text?.split(separator: ")").last?.split(separator: " ") ?? []
      return fields.count < 2 || Int32(fields[1]) != process.processIdentifier || ["T", "Z"].contains(fields[0])
    }
  }

  /// A process begins with the signal mask of the thread that starts it, and those of libdispatch, on which tests run,
  /// block SIGTERM.
  static func runWithSignals(_ process: Process) throws {
    var none = sigset_t()
    var before = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try process.run()
  }

  /// Runs a program with standard output and error on a terminal of that width, and gives what came there.
  static func run(
    _ program: String, _ arguments: [String], ranks: Int? = nil, onTerminalOf columns: Int,
    environment: [String: String] = [:], limit: Double = 60
  ) throws -> (status: Int32, written: [UInt8]) {
    let command = try self.command(program, arguments, ranks: ranks)
    let process = self.process(command, ranks: ranks, environment: environment)
    let terminal = try PseudoTerminal(columns: columns)
    process.standardOutput = terminal.inside
    process.standardError = terminal.inside
    let (status, _) = try wait(for: process, limit: limit) { LaunchError("\(command) hung for \(limit) s") }
    let written = terminal.end()
    try expectProgram(command, in: String(decoding: written, as: UTF8.self))
    return (status, written)
  }

  private static func text(_ file: URL) -> String {
    (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  var lines: [String] { output.split(separator: "\n").map(String.init) }
}

/// A launcher has crashed or hung by itself, after the job had come to its end.
private struct LauncherFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

struct LaunchError: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
