import Glibc
import MusterRuntime
import Synchronization

/// The file descriptors through which this process writes elements and chunks, outside the library.
enum PartialFileDescriptors {
  private struct Entry {
    var path: String
    var descriptor: FileDescriptor
  }

  private static let table = Mutex<[Entry]>([])

  /// The partial file of a target, open for writing.
  static func descriptor(of target: HDF5WriteTarget) throws(SystemFailure) -> FileDescriptor {
    try table.withLock { table throws(SystemFailure) in
      if let known = table.first(where: { $0.path == target.partialPath }) { return known.descriptor }
      FileWriting.ignoreSizeSignal()
      let descriptor = try FileDescriptor(path: target.partialPath, flags: O_WRONLY)
      table.append(Entry(path: target.partialPath, descriptor: descriptor))
      return descriptor
    }
  }

  /// The partial file of a target, if this process has it open.
  static func open(_ target: HDF5WriteTarget) -> FileDescriptor? {
    table.withLock { table in table.first { $0.path == target.partialPath }?.descriptor }
  }

  /// The partial file of a target, if this process has it open, which it then hasn't any more.
  static func take(_ target: HDF5WriteTarget) -> FileDescriptor? {
    table.withLock { table in
      let match = table.firstIndex { $0.path == target.partialPath }
      return match.map { table.remove(at: $0).descriptor }
    }
  }
}
