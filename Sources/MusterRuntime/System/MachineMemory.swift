internal import Glibc

/// How much memory there is for the processes of this job on this machine.
enum MachineMemory {
  /// The least of the machine's memory and the control group's limit, in bytes.
  static var available: Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let limit = ControlGroup.least(of: "memory", file: "memory.max", formerFile: "memory.limit_in_bytes") { text, _ in
      Int(text.prefix { $0.isNumber })
    }
    return min(machine, limit ?? machine)
  }

  /// What the blocks of a worker may take, in bytes, where nothing else is said: its share of four fifths of the memory
  /// here. The rest is for the program, the libraries, and what tasks need besides their blocks.
  static func workerLimit(workersHere: Int) -> Int { available * 8 / 10 / max(1, workersHere) }
}
