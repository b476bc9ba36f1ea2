internal import Glibc

/// The folder of this process's scratch files, `muster-<user>-<host>-<process>-<start>`, for its user alone.
///
/// It holds a file that this process keeps locked: a lock goes with its process, so a folder whose lock nobody holds is
/// what a crash has left. The next process of the same user on the same host removes it.
package final class ScratchFolder: Sendable {
  package let path: String
  /// Open, and locked, as long as this lives.
  private let lock: Int32
  /// The process that made it: a fork of that doesn't remove it.
  private let process = getpid()

  /// Makes a folder within `parent`, and removes what crashed processes have left there.
  ///
  /// - Throws: `MusterError`, where it can't be made.
  package init(in parent: String) throws(MusterError) {
    Self.removeRemains(in: parent)
    let start = ProcessStatus.read(pid: getpid())?.startTime ?? 0
    // A process may have several, one after the other.
    let name = "\(Self.prefix)\(getpid())-\(start)-\(MonotonicClock.nanoseconds)"
    path = "\(parent)/\(name)"
    // Nobody looks at it under this name, so nobody finds it without the lock.
    let draft = "\(parent)/\(Self.draftPrefix)\(name)"
    guard mkdir(draft, 0o700) == 0 else { throw MusterError(scratch: "make a folder", parent, number: errno) }
    lock = open("\(draft)/\(Self.lockName)", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    let isLocked = lock >= 0 && (flock(lock, LOCK_EX | LOCK_NB) == 0 || !Self.canLock(errno))
    guard isLocked, rename(draft, path) == 0 else {
      let number = errno
      if lock >= 0 { close(lock) }
      unlink("\(draft)/\(Self.lockName)")
      rmdir(draft)
      throw MusterError(scratch: "make a folder", parent, number: number)
    }
  }

  deinit {
    if process == getpid() { Self.removeFolder(path) }
    close(lock)
  }

  private static let lockName = "lock"
  private static let draftPrefix = "."

  /// How the names of all folders of this user on this host begin.
  package static var prefix: String {
    var buffer = [CChar](repeating: 0, count: 256)
    gethostname(&buffer, buffer.count - 1)
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let host = String(decoding: bytes, as: UTF8.self).map { $0.isLetter || $0.isNumber ? $0 : "_" }
    return "muster-\(geteuid())-\(String(host))-"
  }

  /// Some file systems know no locks: there nothing is ever taken for left behind.
  private static func canLock(_ number: Int32) -> Bool {
    number != ENOSYS && number != EOPNOTSUPP && number != ENOLCK
  }

  /// Removes the folders of this user and host in `parent` whose processes have crashed.
  ///
  /// What can't be removed is left: it is in nobody's way.
  package static func removeRemains(in parent: String) {
    guard let directory = opendir(parent) else { return }
    defer { closedir(directory) }
    let (prefix, draft) = (Self.prefix, Self.draftPrefix + Self.prefix)
    while let entry = readdir(directory) {
      let name = name(of: entry)
      if name.hasPrefix(prefix) {
        removeIfLeft("\(parent)/\(name)", minimumAge: 0)
      } else if name.hasPrefix(draft) {
        // Between the folder and its lock there are microseconds.
        removeIfLeft("\(parent)/\(name)", minimumAge: 3600)
      }
    }
  }

  private static func removeIfLeft(_ path: String, minimumAge: Int) {
    // A folder of ours, and no link that somebody else has put in its place.
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard folder >= 0 else { return }
    defer { close(folder) }
    var status = stat()
    guard fstat(folder, &status) == 0, status.st_uid == geteuid() else { return }
    guard minimumAge == 0 || time(nil) - status.st_mtim.tv_sec > minimumAge else { return }
    let lock = openat(folder, lockName, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
    if lock < 0 {
      // Without its lock it is a draft, or half removed.
      if errno == ENOENT { empty(folder, path) }
      return
    }
    defer { close(lock) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else { return }
    empty(folder, path)
  }

  private static func removeFolder(_ path: String) {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard folder >= 0 else { return }
    empty(folder, path)
    close(folder)
  }

  /// Removes the files in a folder, the lock last, and the folder.
  private static func empty(_ folder: Int32, _ path: String) {
    let copy = fcntl(folder, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0, let directory = fdopendir(copy) else { return }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = name(of: entry)
      if name != "." && name != ".." && name != lockName { unlinkat(folder, name, 0) }
    }
    unlinkat(folder, lockName, 0)
    rmdir(path)
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &entry.pointee.d_name) {
      // Safe: the kernel ends the name with a zero within the field.
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
  }
}
