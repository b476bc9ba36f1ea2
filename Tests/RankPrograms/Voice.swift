import Glibc
import Muster

/// What the ranks say, when, and who hears it.
enum Voice {
  /// This process's rank as the launcher has it: before a session.
  private static var launchedRank: Int {
    for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"] {
      if let text = getenv(name), let rank = Int(String(cString: text)) { return rank }
    }
    return 0
  }

  /// Has standard output go to a file, as with a batch system: then the C library keeps it back by the block.
  private static func sendOutput(to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    dup2(file, STDOUT_FILENO)
    close(file)
  }

  /// Rank 0 prints, and then the job comes to an end that isn't `exit`.
  static func printed(_ end: String, path: String) async throws {
    // The others' output goes nowhere from the session's start on, and stays there.
    if launchedRank == 0 { sendOutput(to: path) }
    var own = 0
    try await Session.run { session in
      own = session.rank
      if session.isRoot { print("the first result\nand the beginning of a line", terminator: "") }
      switch end {
      case "diverge": try session.onRoot(own == 0 ? "one thing" : "another") {}
      case "die":
        if own == 1 {
          usleep(300_000)
          Failures.Fate.kill.strike()
        }
        try session.onRoot("wait") {}
      case "terminate", "kill":
        if own == 0 {
          Task.detached {
            usleep(300_000)
            Failures.Fate(rawValue: end)?.strike()
          }
        }
        if own == 1 { sleep(60) }
        try session.onRoot("wait") {}
      default: break
      }
    }
    // Rank 0 has ended, and waits for the others, when the job is ended from outside.
    if own == 0 {
      print(", and its end", terminator: "")
      Task.detached {
        usleep(500_000)
        kill(getpid(), SIGKILL)
      }
    } else {
      sleep(60)
    }
  }

  /// One rank alone has a short patience from its environment, as when a launcher doesn't pass variables on; then nothing
  /// is said for three times as long.
  static func impatient(rank: Int) async throws {
    if launchedRank == rank {
      setenv("MUSTER_HEARTBEAT_INTERVAL", "0.2", 1)
      setenv("MUSTER_HEARTBEAT_PATIENCE", "1", 1)
    }
    try await Session.run { session in
      sleep(3)
      print(try session.onRoot("agree") { "all are here" })
    }
  }

  struct Bogus: Error { var rank: Int? }

  /// The given ranks throw out of `main`, after the session or, where `more` says so, while the others start another.
  static func thrown(by ranks: [Int], alike: Bool, othersGoOn: Bool) async throws {
    var own = 0
    try await Session.run { own = $0.rank }
    if ranks.contains(own) { throw Bogus(rank: alike ? nil : own) }
    if othersGoOn { try await Session.run { _ in } }
  }

  /// Between two sessions one rank is stopped, or works for longer than the others wait.
  static func between(rank: Int, fate: String) async throws {
    var own = 0
    try await Session.run { own = $0.rank }
    if own == rank {
      if fate == "stop" { Failures.Fate.stop.strike() }
      sleep(60)
    }
    try await Session.run { _ in print("second") }
  }
}
