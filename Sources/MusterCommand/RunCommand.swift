public import ArgumentParser
import Foundation
public import MusterBatch

/// `muster run`: runs a program on ranks of this machine.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Runs a program on this machine, under mpirun.",
    discussion: "muster run -n 4 ./analysis t2m.h5: rank 0 schedules, and three work.")

  @Option(name: [.customShort("n"), .long], help: "The number of ranks.") var ranks = 3
  @Option(help: "The threads of each rank.") var threads = 1
  @Option(help: "What starts the ranks: openmpi4, openmpi5 or mpich.") var launcher = Launcher.openmpi4
  @Flag(help: "When the program has ended prints its status as JSON; what it prints itself goes to the standard error.")
  var json = false
  @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.") var command: [String]

  private struct Ended: Encodable {
    var status: Int32
    var seconds: Double
  }

  func run() throws {
    if ["-h", "--help"].contains(command.first) { throw CleanExit.helpRequest(self) }
    if let first = command.first, first.hasPrefix("-"), first != "--" {
      throw ValidationError("muster run has no option \(first); the program comes after its own, or after --")
    }
    guard ranks >= 1, threads >= 1 else { throw ValidationError("--ranks and --threads are 1 or more") }
    let words = command.first == "--" ? Array(command.dropFirst()) : command
    let script = try LocalRun(ranks: ranks, threads: threads, launcher: launcher)
      .script(running: words, in: ProcessInfo.processInfo.environment)
    guard json else {
      try replaceProcess(["bash", "-c", script])
      return
    }
    let start = Date()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "-c", script]
    process.standardOutput = FileHandle.standardError
    PassedSignals.begin()
    try process.run()
    PassedSignals.pass(to: process.processIdentifier)
    process.waitUntilExit()
    PassedSignals.end()
    let isSignal = process.terminationReason == .uncaughtSignal
    let status = process.terminationStatus + (isSignal ? 128 : 0)
    try FormatOptions.json.print(Ended(status: status, seconds: Date().timeIntervalSince(start))) { "" }
    throw ExitCode(status)
  }

  /// The program takes this process's place: signals reach the launcher, and its status is the command's.
  private func replaceProcess(_ arguments: [String]) throws {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    execvp(arguments[0], &pointers)
    throw CommandFailure("\(arguments[0]) can't be run: \(String(cString: strerror(errno)))")
  }
}

extension Launcher: ExpressibleByArgument {
  /// Those that start ranks on one machine.
  public static var allValueStrings: [String] { [Self.openmpi4, .openmpi5, .mpich].map(\.rawValue) }
}
