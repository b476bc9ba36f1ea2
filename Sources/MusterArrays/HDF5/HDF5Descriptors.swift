import Glibc
import MusterRuntime
import Synchronization

/// The file descriptors through which this process reads and writes contiguous elements, outside the library.
enum HDF5Descriptors {
  private struct Reading {
    var path: String
    var identity: FileIdentity
    var descriptor: FileDescriptor
  }

  private struct Writing {
    var path: String
    var descriptor: FileDescriptor
  }

  private static let readingLimit = 32
  /// Most recently used last.
  private static let reading = Mutex<[Reading]>([])
  private static let writing = Mutex<[Writing]>([])

  /// The file of a dataset, in the state in which it was inspected.
  static func reading(_ info: HDF5DatasetInfo) throws -> FileDescriptor {
    let known: FileDescriptor? = reading.withLock { table in
      let match = table.firstIndex {
        $0.path == info.path && $0.identity.size == info.fileSize
          && $0.identity.modificationTime == info.modificationTime
      }
      guard let match else { return nil }
      let entry = table.remove(at: match)
      table.append(entry)
      return entry.descriptor
    }
    if let known {
      // The descriptor holds on to the file that was inspected even where another took its name; what has to be seen
      // is a change in place.
      do { try info.checkUnchanged(FileIdentity(known.status())) } catch let failure as SystemFailure {
        throw failure.error("read", info.path)
      }
      return known
    }
    let (descriptor, identity) = try HDF5FileProbe.open(info.path)
    try info.checkUnchanged(identity)
    reading.withLock { table in
      table.append(Reading(path: info.path, identity: identity, descriptor: descriptor))
      if table.count > readingLimit { table.removeFirst() }
    }
    return descriptor
  }

  /// Lets go of descriptors of that path: for the one who has just looked at the file and found another.
  static func forgetReading(_ path: String, except identity: FileIdentity) {
    reading.withLock { table in table.removeAll { $0.path == path && $0.identity != identity } }
  }

  /// The partial file of a target, open for writing.
  static func writing(_ target: HDF5WriteTarget) throws(SystemFailure) -> FileDescriptor {
    try writing.withLock { table throws(SystemFailure) in
      if let known = table.first(where: { $0.path == target.partialPath }) { return known.descriptor }
      FileSizeLimit.ignoreSignal()
      let descriptor = try FileDescriptor(path: target.partialPath, flags: O_WRONLY)
      table.append(Writing(path: target.partialPath, descriptor: descriptor))
      return descriptor
    }
  }

  /// The partial file of a target, if this process has it open.
  static func openWriting(_ target: HDF5WriteTarget) -> FileDescriptor? {
    writing.withLock { table in table.first { $0.path == target.partialPath }?.descriptor }
  }

  /// The partial file of a target, if this process has it open, which it then hasn't any more.
  static func takeWriting(_ target: HDF5WriteTarget) -> FileDescriptor? {
    writing.withLock { table in
      let match = table.firstIndex { $0.path == target.partialPath }
      return match.map { table.remove(at: $0).descriptor }
    }
  }
}
