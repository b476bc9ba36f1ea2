import Glibc
import MusterRuntime
import Synchronization

/// The file descriptors through which this process reads contiguous elements, outside the library.
enum HDF5Descriptors {
  private struct Reading {
    var path: String
    var identity: FileIdentity
    var descriptor: FileDescriptor
  }

  private static let readingLimit = 32
  /// Most recently used last.
  private static let reading = Mutex<[Reading]>([])

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
}
