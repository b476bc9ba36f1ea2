internal import Glibc

/// How much memory there is for the processes of this job on this machine.
enum MachineMemory {
  /// The least of the machine's memory and the control group's limit, in bytes.
  static var available: Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let limits = limitFiles.compactMap { SmallFile.read($0).flatMap { Int($0.prefix { $0.isNumber }) } }
    return limits.filter { $0 > 0 }.reduce(machine, min)
  }

  /// What the blocks of a worker may take, in bytes, where nothing else is said: its share of four fifths of the memory
  /// here. The rest is for the program, the libraries, and what tasks need besides their blocks.
  static func workerLimit(workersHere: Int) -> Int { available * 8 / 10 / max(1, workersHere) }

  /// The files with the limits of this process's control group and of those above it: batch systems make one for each
  /// job, and the file at the root says nothing of it.
  private static var limitFiles: [String] {
    let lines = (SmallFile.read("/proc/self/cgroup") ?? "").split(separator: "\n")
    return lines.flatMap { line -> [String] in
      // `0::/path` in version 2, `4:memory:/path` in version 1.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let (root, file): (String, String)
      if fields[0] == "0" {
        (root, file) = ("/sys/fs/cgroup", "memory.max")
      } else if fields[1].split(separator: ",").contains("memory") {
        (root, file) = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
      } else {
        return []
      }
      let parts = fields[2].split(separator: "/")
      return (0...parts.count).map { depth in
        ([root] + parts.prefix(depth).map(String.init) + [file]).joined(separator: "/")
      }
    }
  }
}
