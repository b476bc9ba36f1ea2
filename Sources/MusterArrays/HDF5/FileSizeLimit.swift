import Glibc
import MusterRuntime

/// The limit on the size of files that this process may write (`ulimit -f`).
enum FileSizeLimit {
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
