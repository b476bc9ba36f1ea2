import Glibc
import MusterRuntime

/// An open file descriptor, closed with its last reference: a thread that reads through it while a table drops it
/// reads on unharmed.
final class FileDescriptor: Sendable {
  let number: Int32

  init(owning number: Int32) { self.number = number }

  /// Opens a file.
  ///
  /// - Throws: the `errno`, as `SystemFailure`.
  convenience init(path: String, flags: Int32, mode: mode_t = 0o666) throws(SystemFailure) {
    while true {
      let number = Glibc.open(path, flags | O_CLOEXEC, mode)
      if number >= 0 {
        self.init(owning: number)
        return
      }
      if errno != EINTR { throw SystemFailure(errno: errno) }
    }
  }

  deinit { close(number) }

  func status() throws(SystemFailure) -> stat {
    var status = stat()
    guard fstat(number, &status) == 0 else { throw SystemFailure(errno: errno) }
    return status
  }

  /// Reads up to `count` bytes, fewer only where the file ends; returns how many.
  func read(into target: UnsafeMutableRawPointer, count: Int, offset: Int) throws(SystemFailure) -> Int {
    var done = 0
    while done < count {
      let result = pread(number, target + done, count - done, off_t(offset + done))
      if result > 0 {
        done += result
      } else if result == 0 {
        break
      } else if errno != EINTR {
        throw SystemFailure(errno: errno)
      }
    }
    return done
  }

  /// Writes all `count` bytes.
  func write(from source: UnsafeRawPointer, count: Int, offset: Int) throws(SystemFailure) {
    var done = 0
    while done < count {
      let result = pwrite(number, source + done, count - done, off_t(offset + done))
      if result > 0 {
        done += result
      } else if result == 0 {
        throw SystemFailure(errno: EIO)
      } else if errno != EINTR {
        throw SystemFailure(errno: errno)
      }
    }
  }
}

/// What a system call said.
struct SystemFailure: Error {
  var errno: Int32

  var text: String { String(cString: strerror(errno)) }

  /// Whether a file that was there has gone: under its name, or, over NFS, altogether.
  var isOfLostFile: Bool { errno == ENOENT || errno == ESTALE }

  /// The failure as an error that names the file.
  ///
  /// - Parameter action: what was being done to the file, to go after "can't": `read`, `write`.
  func error(_ action: String, _ path: String) -> MusterError {
    switch errno {
    case ENOENT, ENOTDIR:
      return MusterError(
        .fileNotFound, "can't \(action) \"\(path)\": there is no such file",
        fix: "Check the path; a relative one starts at the folder that the program was launched in")
    case EACCES, EPERM:
      return MusterError(
        .permissionDenied, "can't \(action) \"\(path)\": \(text)",
        fix: "Change its permissions, or those of the folders above it")
    case EROFS:
      return MusterError(
        .permissionDenied, "can't \(action) \"\(path)\": it is on a read-only file system",
        fix: "Write to another folder")
    case ENOSPC:
      return MusterError(
        .diskFull, "can't \(action) \"\(path)\": the disk is full", fix: "Free some space, or write to another disk")
    case EDQUOT:
      return MusterError(
        .diskFull, "can't \(action) \"\(path)\": the quota is used up",
        fix: "Free some space, or write to a file system with a larger quota")
    case EFBIG:
      return MusterError(
        .inputOutput, "can't \(action) \"\(path)\": the file would be larger than allowed here",
        fix: "Raise the limit on the size of files (ulimit -f), or write to a file system that takes larger ones")
    case EISDIR:
      return MusterError(.inputOutput, "can't \(action) \"\(path)\": it is a folder", fix: "Name a file")
    default:
      return MusterError(.inputOutput, "can't \(action) \"\(path)\": \(text)")
    }
  }
}
