import Glibc
import Muster

/// What the ranks say, when, and who hears it.
enum Voice {
  /// Has standard output go to a file, as with a batch system: then the C library keeps it back by the block.
  private static func sendOutput(to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    dup2(file, STDOUT_FILENO)
    close(file)
  }

  /// Rank 0 prints, and then the job comes to an end that isn't `exit`.
  static func printed(_ end: String, path: String) async throws {
    // Rank 0 alone: the others' output goes nowhere from the session's start on, and stays there.
    if getenv("OMPI_COMM_WORLD_RANK").map({ String(cString: $0) }) ?? "0" == "0" { sendOutput(to: path) }
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
      case "terminate":
        if own == 0 {
          Task.detached {
            usleep(300_000)
            Failures.Fate.terminate.strike()
          }
        }
        if own == 1 { sleep(60) }
        try session.onRoot("wait") {}
      default: break
      }
    }
    // Rank 0 has ended, and waits for the others, when the job is ended from outside.
    if own == 0 {
      print(", and its end")
      Task.detached {
        usleep(500_000)
        kill(getpid(), SIGKILL)
      }
    } else {
      sleep(60)
    }
  }
}
