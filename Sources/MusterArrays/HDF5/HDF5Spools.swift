import Glibc
import MusterRuntime
import Synchronization

/// The files in which this process keeps compressed chunks, one for each file that is being written.
enum HDF5Spools {
  private struct Spool {
    /// The partial file that the chunks are for.
    var partialPath: String
    var number: UInt64
    var descriptor: FileDescriptor
    var length = 0
  }

  private static let spools = Mutex<[Spool]>([])

  /// The number of this process's file.
  static func number(for target: HDF5WriteTarget) throws(SystemFailure) -> UInt64 {
    try spools.withLock { spools throws(SystemFailure) in
      if let known = spools.first(where: { $0.partialPath == target.partialPath }) { return known.number }
      FileSizeLimit.ignoreSignal()
      // Under that name there is none: another process, or another run, has another number.
      let number = UInt64.random(in: .min ... .max)
      let descriptor = try FileDescriptor(
        path: PartialFiles.spoolName(of: target.partialPath, number), flags: O_WRONLY | O_CREAT | O_EXCL,
        mode: target.replacedMode == nil ? 0o666 : 0o600)
      spools.append(Spool(partialPath: target.partialPath, number: number, descriptor: descriptor))
      return number
    }
  }

  /// Adds a chunk; returns where it begins.
  static func append(_ chunk: UnsafeRawBufferPointer, for target: HDF5WriteTarget) throws(SystemFailure) -> Int {
    let place = spools.withLock { spools -> (FileDescriptor, Int)? in
      guard let index = spools.firstIndex(where: { $0.partialPath == target.partialPath }) else { return nil }
      defer { spools[index].length += chunk.count }
      return (spools[index].descriptor, spools[index].length)
    }
    // Closed by now: the write was given up.
    guard let (file, offset) = place else { throw SystemFailure(errno: EBADF) }
    try file.write(from: chunk.baseAddress!, count: chunk.count, offset: offset)
    return offset
  }

  /// Has on disk what was added.
  static func sync(_ target: HDF5WriteTarget) throws(SystemFailure) {
    let file = spools.withLock { spools in spools.first { $0.partialPath == target.partialPath }?.descriptor }
    guard let file, fdatasync(file.number) != 0, errno != EINVAL else { return }
    throw SystemFailure(errno: errno)
  }

  /// Nothing more is added.
  static func close(_ target: HDF5WriteTarget) {
    // The last reference may go with it, and closing may take its time.
    let closed = spools.withLock { spools in
      let index = spools.firstIndex { $0.partialPath == target.partialPath }
      return index.map { spools.remove(at: $0) }
    }
    withExtendedLifetime(closed) {}
  }
}
