internal import Glibc

/// How much memory there is for the processes of this job on this machine.
package enum MachineMemory {
  /// The least of the machine's memory, the control group's limit and what the batch system granted, in bytes.
  package static var available: Int { available(ProcessEnvironment.current) }

  /// - Parameter controlGroups: Where the control groups are looked up.
  package static func available(_ environment: [String: String], controlGroups: ControlGroup = .system) -> Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    func limit(_ file: String, _ formerFile: String) -> Int? {
      controlGroups.least(of: "memory", file: file, formerFile: formerFile) { text, _ in
        Int(text.prefix { $0.isNumber })
      }
    }
    let limits = [
      limit("memory.max", "memory.limit_in_bytes"),
      // Above this one the kernel stops the processes to take memory back, which is slower than spilling.
      limit("memory.high", "memory.limit_in_bytes"),
      BatchMemory.granted(environment),
    ]
    return limits.reduce(machine) { min($0, $1 ?? $0) }
  }

  /// What the blocks of a worker may take, in bytes, where nothing else is said: its share of four fifths of the memory
  /// here. The rest is for the program, the libraries, and what tasks need besides their blocks.
  static func workerLimit(workersHere: Int) -> Int { available * 8 / 10 / max(1, workersHere) }
}
