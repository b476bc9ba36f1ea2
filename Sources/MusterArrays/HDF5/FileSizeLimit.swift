import Glibc
import MusterRuntime

/// The limit on the size of files that this process may write (`ulimit -f`).
enum FileSizeLimit {
  /// From now on writing beyond the limit fails with EFBIG, which gets an error that says so. By default the system ends
  /// the process, by SIGXFSZ. A handler that the program has set stays; programs that this one starts inherit that the
  /// signal is ignored.
  static func ignoreSignal() {
    var action = sigaction()
    // The default is no handler: a null pointer.
    guard sigaction(SIGXFSZ, nil, &action) == 0, action.__sigaction_handler.sa_handler == nil else { return }
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Refuses a file of that many bytes before the HDF5 library has it open: what the library couldn't give its full length
  /// when closing it makes it crash when the program exits (seen with 1.10.8).
  static func check(_ byteCount: Int, path: String) throws {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0, limit.rlim_cur < rlim_t(byteCount) else {
      return
    }
    throw SystemFailure(errno: EFBIG).error("write", path)
  }
}
