internal import CLinux
internal import Glibc

/// How many processors there are for this process.
enum Processors {
  /// Those that the process may run on: its affinity mask, which a launcher may have narrowed.
  static var allowed: Int {
    let count = Int(clinux_allowed_processors())
    return count > 0 ? count : online
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
