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
    func isTime(_ seconds: Double) -> Bool { seconds > 0 && seconds < 1e15 }
    if let deadline {
      guard isTime(deadline) else {
        throw MusterError(
          .invalidArgument, "SessionConfiguration.deadline is \(deadline)",
          fix: "Use the job's end in seconds since 1970, or leave it out")
      }
      return
    }
    if let text = environment["MUSTER_DEADLINE"], !text.isEmpty {
      guard text.lowercased() != "none" else { return }
      guard let seconds = Double(text), isTime(seconds) else {
        throw MusterError(
          .invalidArgument, "MUSTER_DEADLINE is '\(text)'", fix: "Use the job's end in seconds since 1970, or none")
      }
      deadline = seconds
    } else if let text = environment["SLURM_JOB_END_TIME"], let seconds = Double(text), isTime(seconds) {
      // Else the job has no end that SLURM knows.
      deadline = seconds
    }
  }

  /// A job whose end was before the process began would drain at once, and so again and again.
  ///
  /// - Throws: `MusterError` with code `invalidArgument`.
  func checkDeadline() throws(MusterError) {
    guard let deadline, let start = ProcessStatus.ownStart else { return }
    let late = start - deadline
    // Clocks of nodes differ by less.
    guard late > 1 else { return }
    throw MusterError(
      .invalidArgument,
      "the job's end (MUSTER_DEADLINE, SLURM_JOB_END_TIME or SessionConfiguration.deadline), \(Int(deadline)) in seconds"
        + " since 1970, was \(Int(late.rounded(.up))) s before this program began",
      fix: "Set MUSTER_DEADLINE to when this job ends, or to none where it has no end")
  }

  /// The signals to drain upon in one process, or, where MPI's thread minds SIGTERM, on ranks.
  func drainSignals(onRanks: Bool) -> [Int32] {
    let own = (drainSignal ?? "USR1").lowercased() == "none" ? nil : DrainSignal.number(drainSignal ?? "USR1")
    return [own, onRanks ? nil : DrainSignal.number("TERM")].compactMap { $0 }
  }
}
