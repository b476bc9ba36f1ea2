import Glibc

/// In place of the C library's `fdatasync`: a disk that can't write what is in files whose path has the text of
/// `MUSTER_TEST_BAD_DISK` in it. Nothing but a disk that breaks makes the real one fail.
@_cdecl("fdatasync")
public func fdatasyncOnBadDisk(_ file: Int32) -> Int32 {
  guard let bad = getenv("MUSTER_TEST_BAD_DISK") else { return fsync(file) }
  var path = [CChar](repeating: 0, count: 4096)
  readlink("/proc/self/fd/\(file)", &path, path.count - 1)
  guard strstr(path, bad) != nil else { return fsync(file) }
  errno = EIO
  return -1
}
