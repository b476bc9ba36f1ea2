import CHDF5
import Glibc
import MusterRuntime

extension HDF5WriteTarget {
  /// Makes the partial file, with all its space, attributes and dimension scales, but no elements.
  ///
  /// Two files of the same description are the same, byte for byte. What killed jobs left of the file is removed.
  ///
  /// - Throws: `diskFull` where the disk can't take all of it; `permissionDenied`, `fileNotFound` (for the folder),
  ///   `inputOutput`; `invalidArgument`, `shapeMismatch` where the description contradicts itself; `unsupported` for an
  ///   attribute that is too large.
  ///
  /// - Parameters:
  ///   - name: the partial file's name; nil for a new one.
  ///   - lasting: whether the file, without elements, is on disk when this returns.
  package static func create(
    path: String, _ description: HDF5FileDescription, as name: String? = nil, lasting: Bool = false
  ) throws -> HDF5WriteTarget {
    let byteCount = try description.validate(path: path)
    let (destination, replacedMode) = try resolve(path)
    let partialPath = name ?? PartialFiles.newName(for: destination)
    PartialFiles.removeAll(of: destination)
    try checkSpace(byteCount, folder: folder(of: destination), path: path)
    try FileSizeLimit.check(byteCount, path: path)
    FileWriting.ignoreSizeSignal()
    // What isn't for everybody to see isn't while it is written either; and this program has to write it, even where the
    // file that it replaces is one to be read only.
    let descriptor = try makeEmptyFile(partialPath, mode: replacedMode == nil ? 0o666 : 0o600, path: path)
    var isComplete = false
    defer { if !isComplete { unlink(partialPath) } }

    var target = HDF5WriteTarget(
      path: path, destination: destination, partialPath: partialPath, replacedMode: replacedMode,
      datasets: description.datasets.map {
        Dataset(name: $0.name, shape: $0.shape, elementType: $0.elementType, storage: $0.storage)
      })
    let structure = try HDF5Library.withLock { _ in try HDF5FileBuilder(path: path, description: description).build() }
    for index in target.datasets.indices { target.datasets[index].byteOffset = structure.offsets[index] }
    target.fileSize = structure.byteCount
    try write(structure, to: descriptor, path: path, lasting: lasting)
    if lasting { syncFolder(of: partialPath) }
    isComplete = true
    return target
  }

  /// Writes all of a file but its elements, and takes all its space now, so that a full disk shows early.
  private static func write(
    _ structure: HDF5FileBuilder.Structure, to descriptor: FileDescriptor, path: String, lasting: Bool
  ) throws {
    try FileSizeLimit.check(structure.byteCount, path: path)
    do {
      switch chdf5_reserve_space(descriptor.number, UInt64(structure.byteCount)) {
      case 0: break
      // Not every file system can take space ahead: then a full disk shows when it is written to.
      case EOPNOTSUPP, ENOSYS, EINVAL:
        guard ftruncate(descriptor.number, off_t(structure.byteCount)) == 0 else { throw SystemFailure(errno: errno) }
      case let number: throw SystemFailure(errno: number)
      }
      try structure.image.visit { offset, bytes in
        try descriptor.write(from: bytes.baseAddress!, count: bytes.count, offset: offset)
      }
      guard !lasting || fsync(descriptor.number) == 0 || errno == EINVAL else { throw SystemFailure(errno: errno) }
    } catch let failure as SystemFailure {
      throw failure.error("write", path)
    }
  }

  /// Finds a place for each compressed chunk, and writes all of the partial file but the elements, as it has to be with
  /// these. For one process; the same again if it is done again.
  ///
  /// - Parameter sizes: the sizes of the chunks of each dataset; none for one that isn't compressed.
  /// - Returns: where the chunks belong.
  /// - Throws: `diskFull`, `inputOutput`, `outOfMemory`.
  package func layOut(_ description: HDF5FileDescription, chunkSizes sizes: [[Int]], lasting: Bool) throws
    -> HDF5ChunkPlaces
  {
    let structure = try HDF5Library.withLock { _ in
      try HDF5FileBuilder(path: path, description: description, chunkSizes: sizes).build()
    }
    guard structure.offsets == datasets.map(\.byteOffset) else {
      throw MusterError(.internal, "the structure of \"\(path)\" isn't what it was")
    }
    do {
      let descriptor = try FileDescriptor(path: partialPath, flags: O_WRONLY)
      try Self.write(structure, to: descriptor, path: path, lasting: lasting)
    } catch let failure as SystemFailure {
      throw failure.isOfLostFile ? lostFile() : failure.error("write", path)
    }
    return HDF5ChunkPlaces(structure.chunkOffsets, fileSize: structure.byteCount)
  }

  /// The name that will be replaced, the file at the end of symbolic links; and who may read and write what has it.
  private static func resolve(_ path: String) throws -> (destination: String, mode: mode_t?) {
    guard let last = path.last, last != "/" else {
      throw MusterError(.invalidArgument, "\"\(path)\" isn't the name of a file to write", fix: "Name a file")
    }
    var status = stat()
    guard lstat(path, &status) == 0 else { return (path, nil) }
    var target = path
    if status.st_mode & S_IFMT == S_IFLNK {
      guard let resolved = realpath(path, nil) else {
        throw MusterError(
          .fileNotFound, "can't write \"\(path)\": it is a symbolic link to nothing",
          fix: "Remove the link, or make the file that it points to")
      }
      target = String(cString: resolved)
      free(resolved)
      guard stat(target, &status) == 0 else { throw SystemFailure(errno: errno).error("write", path) }
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw status.st_mode & S_IFMT == S_IFDIR
        ? SystemFailure(errno: EISDIR).error("write", path)
        : MusterError(.inputOutput, "can't write \"\(path)\": it isn't an ordinary file", fix: "Name another file")
    }
    return (target, status.st_mode & 0o777)
  }

  private static func checkSpace(_ byteCount: Int, folder: String, path: String) throws {
    var status = statvfs()
    // A folder that isn't there, or can't be looked into, gets its error from the attempt to make the file.
    guard statvfs(folder, &status) == 0 else { return }
    let (free, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    // Some network and memory file systems don't say how large they are.
    guard status.f_blocks > 0, !overflow, free < UInt64(byteCount) else { return }
    throw MusterError(
      .diskFull, "can't write \"\(path)\": it needs \(byteCount) bytes, and the disk has \(free) left",
      fix: "Free some space, or write to another disk")
  }

  private static func makeEmptyFile(_ partialPath: String, mode: mode_t, path: String) throws -> FileDescriptor {
    do {
      return try FileDescriptor(path: partialPath, flags: O_RDWR | O_CREAT | O_EXCL, mode: mode)
    } catch let failure {
      guard failure.errno == ENOENT || failure.errno == ENOTDIR else { throw failure.error("write", path) }
      let folder = folder(of: path)
      var status = stat()
      guard stat(folder, &status) == 0 else {
        throw MusterError(
          .fileNotFound, "can't write \"\(path)\": there is no folder \"\(folder)\"",
          fix: "Make it first: mkdir -p \(folder)")
      }
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw MusterError(
          .fileNotFound, "can't write \"\(path)\": \"\(folder)\" isn't a folder", fix: "Name a file in a folder")
      }
      // So says Linux for file systems of its own, such as /proc.
      throw MusterError(
        .permissionDenied, "can't write \"\(path)\": the file system of \"\(folder)\" takes no new files",
        fix: "Write to another folder")
    }
  }
}
