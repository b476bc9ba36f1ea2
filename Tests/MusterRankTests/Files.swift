import Foundation

func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

func removeFolder(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

/// A path for a folder that isn't there yet.
func temporaryFolder(_ name: String) -> String {
  FileManager.default.temporaryDirectory.appendingPathComponent("muster-\(name)-\(UUID().uuidString)").path
}

/// A run under mpirun with what every rank printed.
struct RankOutputs {
  /// The lines of each rank's standard output.
  var ranks: [[String]]
  var launch: Launch

  /// Expects that the program succeeds.
  static func run(
    _ program: String, _ arguments: [String], ranks: Int, environment: [String: String] = [:], limit: Double = 120
  ) throws -> RankOutputs {
    let folder = temporaryFolder("logs")
    defer { removeFolder(folder) }
    let run = try Launch.run(
      program, arguments, ranks: ranks, environment: environment.merging(["MUSTER_LOG_DIRECTORY": folder]) { $1 },
      limit: limit)
    guard run.status == 0 else { throw LaunchError("\(program) \(arguments) ended with \(run.status): \(run.errors)") }
    let others = try (1..<ranks).map {
      try contents("\(folder)/rank-\($0).out").split(separator: "\n").map(String.init)
    }
    return RankOutputs(ranks: [run.lines] + others, launch: run)
  }
}
