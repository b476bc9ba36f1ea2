import Muster
import MusterScheduling

/// The programs that tests launch on several ranks: the first argument names one.
@main
struct RankPrograms {
  static func main() async throws {
    let arguments = CommandLine.arguments
    let name = arguments.count > 1 ? arguments[1] : ""
    guard let program = programs[name] else {
      print("usage: rank-programs NAME; one of \(programs.keys.sorted().joined(separator: ", "))")
      throw MusterError(.invalidArgument, "there is no program '\(name)'")
    }
    try await program(Array(arguments.dropFirst(2)))
  }

  typealias Program = @Sendable ([String]) async throws -> Void

  static let programs: [String: Program] = [
    "report": { _ in try await Basics.report() },
    "sum": { try await Basics.sum(count: Int($0[0])!) },
    "quick": { try await Basics.quick(rounds: Int($0[0])!) },
    "bulk": { try await Bulk.cross(bytes: Int($0[0])!) },
    "result": { try await Bulk.result(bytes: Int($0[0])!) },
    "pieces": { _ in try await Bulk.pieces() },
    "progress": { try await ProgressShow.run($0.first ?? "") },
    "operations": { _ in try await Operations.run() },
    "bad-input": { try await BadInput.run($0[0], folder: $0[1]) },
    "errors": { _ in try await Failures.caught() },
    "uncaught": { _ in try await Failures.uncaught() },
    "kill": { try await Failures.kill(rank: Int($0[0])!) },
    "crash": { try await Failures.crash(rank: Int($0[0])!) },
    "late": { try await Failures.late(rank: Int($0[0])!) },
    "diverge": { try await Divergence.run($0[0]) },
  ]
}
