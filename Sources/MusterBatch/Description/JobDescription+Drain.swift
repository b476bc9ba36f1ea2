internal import MusterUnits

/// Jobs that may need longer than their walltime.
extension JobDescription {
  /// The signals that tell a program to drain.
  public enum DrainSignal: String, Hashable, Sendable, CaseIterable {
    /// SIGUSR1.
    case usr1 = "USR1"
    /// SIGUSR2, for programs that have another use for the first.
    case usr2 = "USR2"

    /// Its number, by Linux.
    var number: Int { self == .usr1 ? 10 : 12 }
  }

  /// The status that a program leaves with when it has drained and isn't finished.
  public static let drainedStatus = 85

  /// What becomes of a job whose program keeps a journal, with what the description leaves open.
  struct Drain: Hashable, Sendable {
    var signal: DrainSignal
    var lead: Int
    var restarts: Bool
    var mostRestarts: Int
  }

  /// nil without a journal.
  var drain: Drain? {
    guard journal != nil else { return nil }
    return Drain(
      signal: drainSignal ?? .usr1, lead: drainLead ?? 120, restarts: restarts ?? (cluster.system != .local),
      mostRestarts: mostRestarts ?? 100)
  }

  func checkDrain() throws(BatchError) {
    guard let drain else {
      let dependent: [(String, Bool)] = [
        ("drain-signal", drainSignal != nil), ("drain-lead", drainLead != nil), ("restarts", restarts != nil),
        ("most-restarts", mostRestarts != nil),
      ]
      if let (key, _) = dependent.first(where: { $0.1 }) {
        throw BatchError(
          .missingValue, "\(key) is for a program that keeps a journal, and there is none",
          fix: "Add journal: results/journal, or leave out \(key)", of: "job.\(key)")
      }
      return
    }
    try checkLead(drain)
    if let name = ["MUSTER_DEADLINE", "MUSTER_DRAIN_SIGNAL", "MUSTER_JOURNAL"].first(where: { environment[$0] != nil })
    {
      throw BatchError(
        .invalidValue, "environment has \(name), which the script of a job with a journal sets itself",
        fix: "Leave it out there", of: "job.environment")
    }
    if journal!.contains("{id}") {
      throw BatchError(
        .invalidValue, "job.journal has {id}, which is another one when the job is submitted again",
        fix: "Leave it out; {name} and {index} stay the same", of: "job.journal")
    }
    if mostRestarts ?? 1 < 1 {
      throw BatchError(.invalidValue, "most-restarts is 1 or more", of: "job.most-restarts")
    }
    if cluster.system == .local, restarts == true || mostRestarts != nil {
      let key = restarts == true ? "restarts" : "most-restarts"
      throw BatchError(
        .unsupported, "local has no \(key): nobody is there who would run the job again",
        fix: "Leave it out, and start the script again", of: "job.\(key)")
    }
    if restarts == false, mostRestarts != nil {
      throw BatchError(
        .invalidValue, "most-restarts bounds how often the job runs again, and restarts is false",
        fix: "Leave out one of them", of: "job.most-restarts")
    }
    try checkSignal()
  }

  private func checkLead(_ drain: Drain) throws(BatchError) {
    guard drain.lead >= 1 else {
      throw BatchError(.invalidValue, "drain-lead is a second or more", of: "job.drain-lead")
    }
    guard let walltime else {
      if cluster.system == .slurm || cluster.system == .pbs {
        throw BatchError(
          .missingValue, "the program is to drain before the walltime is over, and there is none",
          fix: "Add walltime: 2h", of: "job.journal")
      }
      if drainLead != nil {
        throw BatchError(
          .missingValue, "drain-lead is a time before the walltime is over, and there is none",
          fix: "Add walltime: 2h, or leave out drain-lead", of: "job.drain-lead")
      }
      return
    }
    guard drain.lead < walltime else {
      throw BatchError(
        .invalidValue,
        "drain-lead is \(Walltime.text(drain.lead)), and has to be shorter than the walltime, \(Walltime.text(walltime))",
        fix: drainLead == nil ? "Give a drain-lead, or a longer walltime" : "Take a shorter one, or a longer walltime",
        of: "job.drain-lead", "job.walltime")
    }
    if cluster.system == .slurm, drain.lead > 65_535 {
      throw BatchError(
        .unsupported, "slurm has no signal more than 65535 s before the end, and drain-lead is \(drain.lead) s",
        fix: "Take up to 18h", of: "job.drain-lead")
    }
  }

  private func checkSignal() throws(BatchError) {
    let launcher = cluster.resolvedLauncher
    guard let drainSignal, !launcher.passesOn(drainSignal) else { return }
    throw BatchError(
      .unsupported, "launcher \(launcher.rawValue) doesn't pass SIG\(drainSignal.rawValue) on to the ranks",
      fix: launcher == .pals
        ? "Leave out drain-signal: the program goes by the time, which the script tells it" : "Take USR1",
      of: "job.drain-signal")
  }
}

extension Launcher {
  /// Whether a signal to the launcher reaches the ranks.
  ///
  /// srun and Open MPI's mpirun pass both on. MPICH's mpiexec passes USR1 on, and is itself ended by USR2. HPE's manual
  /// isn't public, so nothing is taken for granted.
  func passesOn(_ signal: JobDescription.DrainSignal) -> Bool {
    switch self {
    case .srun, .openmpi4, .openmpi5: true
    case .mpich: signal == .usr1
    case .pals: false
    }
  }

  /// Whether its status, where a rank was ended by a signal, may be the signal's number alone; else it's 128 more, as a
  /// shell's.
  var givesSignalsAsTheyAre: Bool { self == .mpich }
}
