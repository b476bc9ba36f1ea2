internal import Glibc

/// What the kernel says of a process.
struct ProcessStatus {
  /// Gone, or dead and not yet collected by its parent.
  var isDead: Bool
  /// When it started, in clock ticks since boot.
  var startTime: UInt64
  var parent: Int32

  /// nil where there is no such process.
  static func read(pid: Int32) -> ProcessStatus? {
    guard let text = SmallFile.read("/proc/\(pid)/stat") else { return nil }
    // The second field, the name, is in parentheses and may hold spaces: what follows the last one counts.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
    return ProcessStatus(isDead: fields[0] == "Z" || fields[0] == "X", startTime: start, parent: Int32(fields[1]) ?? 0)
  }

  /// The number of this process's pid namespace; 0 where the kernel doesn't say.
  static var pidNamespace: UInt64 {
    var status = stat()
    return stat("/proc/self/ns/pid", &status) == 0 ? UInt64(status.st_ino) : 0
  }
}
