import Foundation

/// The processes of a job that a test starts, known by a variable that each inherits.
struct JobProcesses {
  private let mark = "MUSTER_TEST_JOB=\(UUID().uuidString)"

  /// What the job has to be started with.
  var environment: [String: String] {
    let parts = mark.split(separator: "=").map(String.init)
    return [parts[0]: parts[1]]
  }

  /// Every process but those that have ended and aren't collected yet: these have no memory any more.
  static var running: [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.filter { pid in
      FileManager.default.contents(atPath: "/proc/\(pid)/statm").map { !$0.starts(with: Data("0 ".utf8)) } ?? false
    }
  }

  /// Those of the job that are left.
  private var left: [Int32] {
    Self.running.filter { pid in
      let variables = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
      return variables.range(of: Data(mark.utf8)) != nil
    }
  }

  /// Waits until none is left, and gives the time. Ends those that are there after so many seconds.
  func waitUntilGone(seconds: Double) -> Date {
    let start = Date()
    while !left.isEmpty && Date().timeIntervalSince(start) < seconds { usleep(5000) }
    for pid in left { kill(pid, SIGKILL) }
    return Date()
  }
}
