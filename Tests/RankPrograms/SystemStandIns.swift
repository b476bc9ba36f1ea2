import Glibc

/// In place of the C library's `rename`: where the new name ends with the text of `MUSTER_TEST_KILL_AT` the process is
/// killed when the file has it.
@_cdecl("rename")
public func renameAndEnd(_ old: UnsafePointer<CChar>, _ new: UnsafePointer<CChar>) -> Int32 {
  let status = renameat(AT_FDCWD, old, AT_FDCWD, new)
  if status == 0, let end = getenv("MUSTER_TEST_KILL_AT"), String(cString: new).hasSuffix(String(cString: end)) {
    kill(getpid(), SIGKILL)
  }
  return status
}

/// In place of the C library's `unlink`: where the name ends with the text of `MUSTER_TEST_KILL_REMOVED` the process is
/// killed when nothing has it any more.
@_cdecl("unlink")
public func unlinkAndEnd(_ path: UnsafePointer<CChar>) -> Int32 {
  let status = unlinkat(AT_FDCWD, path, 0)
  if status == 0, let end = getenv("MUSTER_TEST_KILL_REMOVED"), String(cString: path).hasSuffix(String(cString: end)) {
    kill(getpid(), SIGKILL)
  }
  return status
}

/// In place of the C library's `fdatasync`: a disk that can't write what is in files whose path has the text of
/// `MUSTER_TEST_BAD_DISK` in it, or takes so many seconds as `MUSTER_TEST_SLOW_SECONDS` says where they have that of
/// `MUSTER_TEST_SLOW_DISK`. Nothing but a disk that breaks makes the real one fail.
@_cdecl("fdatasync")
public func fdatasyncOnBadDisk(_ file: Int32) -> Int32 {
  let (bad, slow) = (getenv("MUSTER_TEST_BAD_DISK"), getenv("MUSTER_TEST_SLOW_DISK"))
  guard bad != nil || slow != nil else { return fsync(file) }
  var path = [CChar](repeating: 0, count: 4096)
  readlink("/proc/self/fd/\(file)", &path, path.count - 1)
  if let slow, strstr(path, slow) != nil { usleep(UInt32(1e6 * atof(getenv("MUSTER_TEST_SLOW_SECONDS")))) }
  if let bad, strstr(path, bad) != nil {
    errno = EIO
    return -1
  }
  return fsync(file)
}

/// In place of the C library's `_exit`: the rank of `MUSTER_TEST_LATE_RANK` is later to leave than the others.
@_cdecl("_exit")
public func exitLate(_ status: Int32) {
  if let late = getenv("MUSTER_TEST_LATE_RANK"),
    let rank = getenv("OMPI_COMM_WORLD_RANK") ?? getenv("PMI_RANK"), strcmp(late, rank) == 0
  {
    usleep(300_000)
  }
  quick_exit(status)
}
