internal import Glibc

/// How much memory there is for the processes of this job on this machine.
enum MachineMemory {
  /// The least of the machine's memory and the control group's limit, in bytes.
  static var available: Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap {
      SmallFile.read($0).flatMap { Int($0.prefix { $0.isNumber }) }
    }
    return limits.filter { $0 > 0 }.reduce(machine, min)
  }
}

/// Files of the kernel's: small, and whole in one read.
enum SmallFile {
  static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(file, &buffer, buffer.count)
    guard count >= 0 else { return nil }
    return String(decoding: buffer[..<count], as: UTF8.self)
  }
}
