internal import Glibc

/// The terminal on which what this process writes to standard error is seen, if any: its own, or that of the launcher
/// (`mpirun`), which passes on what its ranks write.
struct ErrorTerminal {
  private let descriptor: Int32

  /// nil where standard error ends in a file or a pipe, or where the launcher is on another node.
  ///
  /// - Parameter isLaunched: whether a launcher of MPI programs started this process.
  static func find(isLaunched: Bool) -> ErrorTerminal? {
    if isatty(STDERR_FILENO) == 1 { return ErrorTerminal(descriptor: STDERR_FILENO) }
    guard isLaunched else { return nil }
    // The outermost of the launcher's processes has the standard error that the user sees.
    var outermost: Int32?
    var pid = getppid()
    while pid > 1, isLauncher(pid) {
      outermost = pid
      guard let parent = ProcessStatus.read(pid: pid)?.parent else { break }
      pid = parent
    }
    guard let outermost else { return nil }
    // Opening what isn't a terminal, such as a pipe, might wait or have an effect: look at the name first.
    let link = "/proc/\(outermost)/fd/2"
    guard let target = SymbolicLink.target(of: link), target.hasPrefix("/dev/pts/") || target.hasPrefix("/dev/tty")
    else {
      return nil
    }
    let descriptor = open(link, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    guard isatty(descriptor) == 1 else {
      close(descriptor)
      return nil
    }
    return ErrorTerminal(descriptor: descriptor)
  }

  /// `mpirun` and its relatives in Open MPI and MPICH.
  private static func isLauncher(_ pid: Int32) -> Bool {
    guard let name = SmallFile.read("/proc/\(pid)/comm") else { return false }
    return ["mpirun", "mpiexec", "orte", "prte", "hydra"].contains { name.hasPrefix($0) }
  }

  /// The terminal's width, as it is now.
  var columns: Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return Self.usualColumns }
    return Int(size.ws_col)
  }

  static let usualColumns = 80
}

private enum SymbolicLink {
  static func target(of path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = buffer.withUnsafeMutableBytes { readlink(path, $0.baseAddress!, $0.count) }
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }
}
