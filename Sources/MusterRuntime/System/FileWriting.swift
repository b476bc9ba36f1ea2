internal import Glibc

/// Writing files whole.
package enum FileWriting {
  /// Writes all of the bytes. Returns the number of the error that it met; 0 where there was none.
  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno != EINTR { return errno }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
    }
    return 0
  }

  /// The same from a place of the file on.
  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, at place: UInt64) -> Int32 {
    var rest = bytes
    var place = off_t(place)
    while !rest.isEmpty {
      let count = pwrite(descriptor, rest.baseAddress, rest.count, place)
      if count < 0 && errno != EINTR { return errno }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(max(0, count)))
      place += off_t(max(0, count))
    }
    return 0
  }

  /// Has the names in a folder on disk, as far as that can be: a folder may be closed to reading, and some file systems
  /// can't do it.
  package static func syncFolder(_ path: String) {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  /// From now on writing beyond the limit on the size of files (`ulimit -f`) fails with EFBIG, which gets an error that says
  /// so. By default the system ends the process, by SIGXFSZ. A handler that the program has set stays; programs that this
  /// one starts inherit that the signal is ignored.
  package static func ignoreSizeSignal() {
    var action = sigaction()
    // The default is no handler: a null pointer.
    guard sigaction(SIGXFSZ, nil, &action) == 0, action.__sigaction_handler.sa_handler == nil else { return }
    signal(SIGXFSZ, SIG_IGN)
  }

  /// What to do about a disk that takes no more; nil for other errors.
  static func wayOut(of number: Int32) -> String? {
    switch number {
    case ENOSPC, EDQUOT: "Free some space and start the program again"
    case EFBIG: "Raise the limit on the size of files (ulimit -f) and start the program again"
    default: nil
    }
  }

  static func text(of number: Int32) -> String { String(cString: strerror(number)) }

  /// What an error's number means to whoever wants the file.
  static func code(of number: Int32) -> MusterError.Code {
    switch number {
    case EACCES, EPERM, EROFS: .permissionDenied
    case ENOSPC, EDQUOT: .diskFull
    case ENOENT, ENOTDIR: .fileNotFound
    default: .inputOutput
    }
  }
}
