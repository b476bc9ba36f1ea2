internal import Glibc

/// What the kernel says of a process.
struct ProcessStatus {
  /// Gone, or dead and not yet collected by its parent.
  var isDead: Bool
  /// When it started, in clock ticks since boot.
  var startTime: UInt64
  var parent: Int32

  /// Whether the process that started then is known to be dead: where the kernel can't be asked now, such as for want of
  /// file descriptors, it isn't.
  static func isKnownDead(pid: Int32, startTime: UInt64) -> Bool {
    switch SmallFile.contents(of: file(of: pid)) {
    case .success(let text): parse(text).map { $0.isDead || $0.startTime != startTime } ?? false
    case .failure(let error): error.isOfMissingFile
    }
  }

  /// nil where there is no such process, or the kernel can't be asked.
  static func read(pid: Int32) -> ProcessStatus? { SmallFile.read(file(of: pid)).flatMap(parse) }

  private static func file(of pid: Int32) -> String { "/proc/\(pid)/stat" }

  private static func parse(_ text: String) -> ProcessStatus? {
    // The second field, the name, is in parentheses and may hold spaces: what follows the last one counts.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
    return ProcessStatus(isDead: fields[0] == "Z" || fields[0] == "X", startTime: start, parent: Int32(fields[1]) ?? 0)
  }

  /// When this process started, in seconds since 1970; nil where the kernel doesn't say.
  static var ownStart: Double? {
    guard let ticks = read(pid: getpid())?.startTime else { return nil }
    func now(_ clock: clockid_t) -> Double {
      var time = timespec()
      clock_gettime(clock, &time)
      return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    return now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME) + Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// The number of this process's pid namespace; 0 where the kernel doesn't say.
  static var pidNamespace: UInt64 {
    var status = stat()
    return stat("/proc/self/ns/pid", &status) == 0 ? UInt64(status.st_ino) : 0
  }
}
