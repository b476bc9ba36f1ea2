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
    /// The name is on disk.
    var isNamed = false
  }

  private static let spools = Mutex<[Spool]>([])
  private static let readingLimit = 32
  /// Those that are read from, of this process and others; most recently used last.
  private static let reading = Mutex<[(path: String, descriptor: FileDescriptor)]>([])

  /// The file of a process, open for reading.
  static func reading(_ number: UInt64, for target: HDF5WriteTarget) throws(SystemFailure) -> FileDescriptor {
    let path = PartialFiles.spoolName(of: target.partialPath, number)
    return try reading.withLock { table throws(SystemFailure) in
      var known = table.firstIndex { $0.path == path }.map { table.remove(at: $0).descriptor }
      if known == nil { known = try FileDescriptor(path: path, flags: O_RDONLY) }
      guard let descriptor = known else { throw SystemFailure(errno: ENOENT) }
      table.append((path, descriptor))
      if table.count > readingLimit { table.removeFirst() }
      return descriptor
    }
  }

  /// The number of this process's file.
  static func number(for target: HDF5WriteTarget) throws(SystemFailure) -> UInt64 {
    try spools.withLock { spools throws(SystemFailure) in
      if let known = spools.first(where: { $0.partialPath == target.partialPath }) { return known.number }
      FileWriting.ignoreSizeSignal()
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
    let found = spools.withLock { spools -> Spool? in
      guard let index = spools.firstIndex(where: { $0.partialPath == target.partialPath }) else { return nil }
      defer { spools[index].isNamed = true }
      return spools[index]
    }
    guard let found else { return }
    if !found.isNamed { HDF5WriteTarget.syncFolder(of: target.partialPath) }
    if fdatasync(found.descriptor.number) != 0, errno != EINVAL { throw SystemFailure(errno: errno) }
  }

  /// Nothing more is added.
  static func close(_ target: HDF5WriteTarget) {
    // The last reference may go with it, and closing may take its time.
    let closed = spools.withLock { spools in
      let index = spools.firstIndex { $0.partialPath == target.partialPath }
      return index.map { spools.remove(at: $0) }
    }
    withExtendedLifetime(closed) {}
    let start = PartialFiles.spoolName(of: target.partialPath, nil)
    let read = reading.withLock { table in
      defer { table.removeAll { $0.path.hasPrefix(start) } }
      return table.filter { $0.path.hasPrefix(start) }
    }
    withExtendedLifetime(read) {}
  }
}
