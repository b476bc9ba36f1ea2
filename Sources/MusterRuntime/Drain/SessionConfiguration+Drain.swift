extension SessionConfiguration {
  /// Takes from the environment what isn't set of when to leave.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`.
  mutating func resolveDrain(with environment: [String: String]) throws(MusterError) {
    if drainSignal == nil, let name = environment["MUSTER_DRAIN_SIGNAL"], !name.isEmpty { drainSignal = name }
    if let drainSignal, drainSignal.lowercased() != "none", DrainSignal.number(drainSignal) == nil {
      throw MusterError(
        .invalidArgument,
        "'\(drainSignal)' (MUSTER_DRAIN_SIGNAL or SessionConfiguration.drainSignal) isn't a signal to drain upon",
        fix: "Use one of \(DrainSignal.names.keys.sorted().joined(separator: ", ")), or none")
    }
    guard deadline == nil else { return }
    if let text = environment["MUSTER_DEADLINE"], !text.isEmpty {
      guard let seconds = Double(text), seconds > 0, seconds.isFinite else {
        throw MusterError(
          .invalidArgument, "MUSTER_DEADLINE is '\(text)'", fix: "Use the job's end in seconds since 1970")
      }
      deadline = seconds
    } else if let text = environment["SLURM_JOB_END_TIME"] {
      deadline = Double(text)
    }
  }

  /// The signals to drain upon in one process, or, where MPI's thread minds SIGTERM, on ranks.
  func drainSignals(onRanks: Bool) -> [Int32] {
    let own = (drainSignal ?? "USR1").lowercased() == "none" ? nil : DrainSignal.number(drainSignal ?? "USR1")
    return [own, onRanks ? nil : DrainSignal.number("TERM")].compactMap { $0 }
  }
}
