internal import Foundation

/// Runs the commands of a batch system, which may be slow, be busy for a while, or hang.
struct BatchCommand: Sendable {
  struct Result: Sendable {
    var status: Int32
    var output: String
    var errors: String

    /// What it said, for messages: the errors, or else the output.
    var words: String {
      let text = errors.allSatisfy(\.isWhitespace) ? output : errors
      return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
  }

  /// For how long a command may take, in seconds.
  var patience: Double = 60
  /// How long to wait before a question is asked again, in seconds: as often as there are numbers.
  var pauses: [Double] = [1, 2, 4]

  /// Asks something that changes nothing, and asks again while the batch system doesn't answer or is busy.
  ///
  /// - Throws: `BatchError` with code `commandNotFound` or `timedOut`.
  func ask(_ command: String, _ arguments: [String]) throws(BatchError) -> Result {
    var pauses = pauses[...]
    while true {
      let last: Result
      do {
        last = try run(command, arguments)
        guard last.status != 0, Self.isBusy(last.words) else { return last }
        guard !pauses.isEmpty else { return last }
      } catch {
        guard error.code == .timedOut, !pauses.isEmpty else { throw error }
      }
      Thread.sleep(forTimeInterval: pauses.removeFirst())
    }
  }

  /// What SLURM and PBS say where asking again helps.
  static func isBusy(_ words: String) -> Bool {
    let signs = [
      "timed out", "unable to contact slurm controller", "temporarily unable", "try again", "connection refused",
      "cannot connect to server", "server too busy", "communication connection failure", "zero bytes were transmitted",
    ]
    let text = words.lowercased()
    return signs.contains { text.contains($0) }
  }

  /// Runs a command once.
  ///
  /// - Parameter script: A job script, whose file comes after the arguments: not every `qsub` reads one from its input.
  /// - Throws: `BatchError` with code `commandNotFound` or `timedOut`; then it was ended.
  func run(_ command: String, _ arguments: [String], script: String? = nil) throws(BatchError) -> Result {
    guard let path = Self.path(of: command) else {
      throw BatchError(
        .commandNotFound, "there is no \(command) here", fix: "Run this where jobs are submitted, such as a login node")
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("muster-batch-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      func handle(_ name: String, _ text: String) throws -> FileHandle {
        let file = folder.appendingPathComponent(name)
        try text.write(to: file, atomically: false, encoding: .utf8)
        return try FileHandle(forUpdating: file)
      }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: path)
      process.arguments = arguments
      if let script {
        _ = try handle("job", script)
        process.arguments!.append(folder.appendingPathComponent("job").path)
      }
      // Files rather than pipes: what hangs on to a pipe, a daemon of the command's say, isn't waited for.
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try handle("output", "")
      process.standardError = try handle("errors", "")
      let ended = DispatchSemaphore(value: 0)
      process.terminationHandler = { _ in ended.signal() }
      try Self.withoutBlockedSignals { try process.run() }
      if ended.wait(timeout: .now() + patience) == .timedOut {
        process.terminate()
        if ended.wait(timeout: .now() + 2) == .timedOut { kill(process.processIdentifier, SIGKILL) }
        throw BatchError(
          .timedOut, "\(command) didn't answer within \(Int(patience.rounded(.up))) s",
          fix: "The batch system may be busy or down; try again later")
      }
      func contents(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
      }
      return Result(
        status: process.terminationStatus, output: try contents("output"), errors: try contents("errors"))
    } catch let error as BatchError {
      throw error
    } catch {
      throw BatchError(
        .unwritableFile, "\(command) can't be run: \(error.localizedDescription)",
        fix:
          "What it says goes through files in \(FileManager.default.temporaryDirectory.path), which TMPDIR names: is there room?"
      )
    }
  }

  /// A thread of Swift's pool keeps signals out, and a process has the mask of the thread that starts it: it couldn't be
  /// ended.
  private static func withoutBlockedSignals(_ body: () throws -> Void) rethrows {
    var (none, before) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    try body()
  }

  private static func path(of command: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(command)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
