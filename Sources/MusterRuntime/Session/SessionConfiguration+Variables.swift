extension SessionConfiguration {
  /// The variables of the environment that a session reads.
  static let variables = [
    "MUSTER_BACKEND", "MUSTER_THREADS", "MUSTER_MEMORY_LIMIT", "MUSTER_SCRATCH", "MUSTER_PROGRESS",
    "MUSTER_PROGRESS_DEADLINE",
    "MUSTER_HEARTBEAT_INTERVAL", "MUSTER_HEARTBEAT_PATIENCE", "MUSTER_LOG_DIRECTORY", "MUSTER_PIECE_SIZE",
    "MUSTER_JOURNAL", "MUSTER_JOURNAL_START", "MUSTER_DRAIN_SIGNAL", "MUSTER_DEADLINE", "MUSTER_TRACE",
    "MUSTER_TRACE_EVENTS", "MUSTER_REPORT",
  ]

  /// Those that builds, tests and examples read.
  private static let otherVariables: Set = [
    "MUSTER_CONFIG", "MUSTER_RENDER", "MUSTER_MPI", "MUSTER_HDF5", "MUSTER_PYTHON", "MUSTER_REFERENCE",
    "MUSTER_LAUNCHER", "MUSTER_PROGRAMS", "MUSTER_DATA", "MUSTER_KILLS", "MUSTER_KILL_SEED", "MUSTER_KILL_ROUNDS",
    "MUSTER_FUZZ_SEED", "MUSTER_FUZZ_SEEDS",
  ]

  /// What to tell of variables that look like settings and aren't: a mistyped one would do nothing in silence. nil where
  /// there is none.
  package static func warning(of environment: [String: String]) -> String? {
    let unknown = environment.keys.filter {
      $0.hasPrefix("MUSTER_") && !$0.hasPrefix("MUSTER_TEST_") && !variables.contains($0)
        && !otherVariables.contains($0)
    }
    guard !unknown.isEmpty else { return nil }
    let names = unknown.sorted().joined(separator: ", ")
    return "muster: warning: \(names): \(unknown.count == 1 ? "not a setting" : "not settings") of Muster, which are "
      + variables.sorted().joined(separator: ", ") + "\n"
  }
}
