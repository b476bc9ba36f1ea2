internal import CLinux
internal import Glibc

/// In which folder scratch files go.
package enum ScratchPlace {
  /// What batch systems and sites call a job's own folder on a local disk: Slurm as many sites set it up, CSC, NCI, and
  /// MetaCentrum. Where PBS makes such a folder it is usually `TMPDIR`.
  private static let batchVariables = ["SLURM_TMPDIR", "LOCAL_SCRATCH", "PBS_JOBFS", "SCRATCHDIR"]

  /// The folder that `MUSTER_SCRATCH` names, else the job's own, else `TMPDIR`, else `/tmp`; of these rather one on a disk
  /// than one in memory, where nothing is gained.
  ///
  /// - Throws: `MusterError`, where the setting names a folder that can't be used, or none of the others can.
  package static func folder(_ environment: [String: String]) throws(MusterError) -> String {
    if let path = environment["MUSTER_SCRATCH"], !path.isEmpty {
      if let number = problem(path) {
        throw MusterError(
          number == ENOENT || number == ENOTDIR ? .fileNotFound : .permissionDenied,
          "MUSTER_SCRATCH is \"\(path)\", which can't be used: \(String(cString: strerror(number)))",
          fix: "Name a folder that is there on every node, and that you may write to")
      }
      return path
    }
    let isJob = ["SLURM_JOB_ID", "SLURM_JOBID", "PBS_JOBID"].contains { environment[$0] != nil }
    let variables = (isJob ? batchVariables : []) + ["TMPDIR"]
    let paths = variables.compactMap { environment[$0] }.filter { !$0.isEmpty } + ["/tmp"]
    let usable = paths.filter { problem($0) == nil }
    if let path = usable.first(where: { !isInMemory($0) }) ?? usable.first { return path }
    throw MusterError(
      .permissionDenied,
      "there is no folder for scratch files: none of \(paths.joined(separator: ", ")) can be written to",
      fix: "Set MUSTER_SCRATCH to a folder on a local disk")
  }

  /// Whether what is written to a folder stays in memory.
  package static func isInMemory(_ path: String) -> Bool {
    // Those of tmpfs and ramfs: statfs(2).
    [0x0102_1994, 0x8584_58f6].contains(clinux_file_system_type(path))
  }

  /// Why files can't be made in a folder, as the system numbers it; nil where they can.
  private static func problem(_ path: String) -> Int32? {
    var status = stat()
    guard stat(path, &status) == 0 else { return errno }
    guard status.st_mode & S_IFMT == S_IFDIR else { return ENOTDIR }
    return access(path, W_OK | X_OK) == 0 ? nil : errno
  }
}
