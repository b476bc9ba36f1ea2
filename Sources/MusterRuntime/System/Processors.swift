internal import Glibc

/// How many processors there are for this process.
enum Processors {
  /// Those that the process may run on: its affinity mask, which a launcher may have narrowed, and what its control
  /// group grants.
  static var allowed: Int { max(1, min(ProcessorMask.own.count, grantedByControlGroup)) }

  /// How many processors' worth of time the control group gives, rounded up; all of the machine where it sets no limit.
  static var grantedByControlGroup: Int {
    let limit = ControlGroup.system.least(of: "cpu", file: "cpu.max", formerFile: "cpu.cfs_quota_us") { text, folder in
      // `200000 100000` in version 2; the period is a file of its own in version 1.
      let fields =
        text.split { $0.isWhitespace } + (SmallFile.read("\(folder)/cpu.cfs_period_us").map { [$0[...]] } ?? [])
      let numbers = fields.compactMap { Int($0.filter { !$0.isWhitespace }) }
      guard numbers.count == 2, numbers[0] > 0, numbers[1] > 0 else { return nil }
      return (numbers[0] + numbers[1] - 1) / numbers[1]
    }
    return limit ?? online
  }

  /// Those of the machine.
  static var online: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// What the batch system gave each rank, where it says so.
  static func grantedByBatchSystem(_ environment: [String: String]) -> Int? {
    for name in ["SLURM_CPUS_PER_TASK", "NCPUS", "OMP_NUM_THREADS"] {
      // PBS sets NCPUS (and OMP_NUM_THREADS from `ompthreads`) for the chunk; outside of a job neither means a grant.
      if name != "SLURM_CPUS_PER_TASK" && environment["PBS_JOBID"] == nil { continue }
      if let text = environment[name], let count = Int(text), count > 0 { return count }
    }
    return nil
  }
}
