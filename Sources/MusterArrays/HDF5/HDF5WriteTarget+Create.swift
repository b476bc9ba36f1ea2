import CHDF5
import Glibc
import MusterRuntime

extension HDF5WriteTarget {
  /// Datasets of at least this size start on a page.
  private static let alignedByteCount: UInt64 = 64 << 10
  private static let pageByteCount: UInt64 = 4096

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
    FileSizeLimit.ignoreSignal()
    // What isn't for everybody to see isn't while it is written either; and this program has to write it, even where the
    // file that it replaces is one to be read only.
    let descriptor = try makeEmptyFile(partialPath, mode: replacedMode == nil ? 0o666 : 0o600, path: path)
    var isComplete = false
    defer { if !isComplete { unlink(partialPath) } }

    var target = HDF5WriteTarget(
      path: path, destination: destination, partialPath: partialPath, replacedMode: replacedMode,
      datasets: description.datasets.map {
        Dataset(name: $0.name, shape: $0.shape, elementType: $0.elementType)
      })
    try HDF5Library.withLock { _ in try target.build(description, descriptor) }
    do {
      target.fileSize = Int(try descriptor.status().st_size)
      if lasting {
        guard fsync(descriptor.number) == 0 || errno == EINVAL else { throw SystemFailure(errno: errno) }
        syncFolder(of: partialPath)
      }
    } catch let failure as SystemFailure {
      throw failure.error("write", path)
    }
    isComplete = true
    return target
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

  private mutating func build(_ description: HDF5FileDescription, _ descriptor: FileDescriptor) throws {
    let creation = try HDF5Identifier(
      chdf5_create_properties(.ofFileCreation), "the properties of file creation", in: path)
    let access = try HDF5Identifier(chdf5_create_properties(.ofFileAccess), "the properties of file access", in: path)
    for status in [
      chdf5_set_track_times(creation.id, false), chdf5_set_oldest_format(access.id),
      chdf5_set_alignment(access.id, Self.alignedByteCount, Self.pageByteCount),
      chdf5_set_file_locking(access.id, false),
    ] {
      try HDF5Failure.check(status, "can't choose the format", in: path)
    }
    let file = try HDF5Identifier(chdf5_create_file(partialPath, creation.id, access.id), "the new file", in: path)
    for attribute in description.attributes { try Self.write(attribute, to: file.id, of: "the file", path) }
    try makeDatasets(description.datasets, in: file.id)
    try preallocate(file.id, descriptor)
    try HDF5Failure.check(chdf5_flush_file(file.id), "can't write the structure", in: path)
  }

  /// Takes all the space now, so that a full disk shows before anything is computed.
  private func preallocate(_ file: chdf5_id, _ descriptor: FileDescriptor) throws {
    var size: UInt64 = 0
    try HDF5Failure.check(chdf5_file_size(file, &size), "can't get the size", in: path)
    switch chdf5_reserve_space(descriptor.number, size) {
    case 0: return
    // Not every file system can take space ahead: then a full disk shows when it is written to.
    case EOPNOTSUPP, ENOSYS, EINVAL: return
    case let number: throw SystemFailure(errno: number).error("write", path)
    }
  }

  private static func write(_ attribute: HDF5NamedAttribute, to object: chdf5_id, of what: String, _ path: String)
    throws
  {
    // The formats that every version of the library reads keep an attribute in an object header, within 64 KiB.
    let limit = 64_000
    guard attribute.value.byteCount <= limit else {
      throw MusterError(
        .unsupported,
        "the attribute \"\(attribute.name)\" of \(what) in \"\(path)\" takes \(attribute.value.byteCount) bytes; "
          + "\(limit) is the most", fix: "Write it as a dataset")
    }
    try attribute.value.write(to: object, name: attribute.name, path: path)
  }

  private mutating func makeDatasets(_ descriptions: [HDF5DatasetDescription], in file: chdf5_id) throws {
    let creation = try HDF5Identifier(
      chdf5_create_properties(.ofDatasetCreation), "the properties of datasets", in: path)
    let linkCreation = try HDF5Identifier(chdf5_create_properties(.ofLinkCreation), "the properties of links", in: path)
    for status in [
      chdf5_set_contiguous_unfilled(creation.id), chdf5_set_track_times(creation.id, false),
      chdf5_set_create_intermediate_groups(linkCreation.id),
    ] {
      try HDF5Failure.check(status, "can't choose the layout", in: path)
    }
    for (index, description) in descriptions.enumerated() {
      let type = try HDF5ElementType.type(description.elementType, path: path)
      let space = try HDF5Shape.space(description.shape, path: path)
      let dataset = try HDF5Identifier(
        chdf5_create_dataset(file, description.linkName, type.id, space.id, linkCreation.id, creation.id),
        "a place for the dataset \"\(description.name)\"", in: path)
      if description.isDimensionScale {
        try HDF5Failure.check(
          chdf5_make_scale(dataset.id, description.linkName.split(separator: "/").last.map(String.init) ?? ""),
          "can't make \"\(description.name)\" a dimension scale", in: path)
      }
      for attribute in description.attributes {
        try Self.write(attribute, to: dataset.id, of: "\"\(description.name)\"", path)
      }
      var offset: UInt64 = 0
      if description.shape.allSatisfy({ $0 > 0 }) {
        guard chdf5_dataset_offset(dataset.id, &offset) else {
          throw HDF5Failure.error("\"\(description.name)\" got no place", in: path)
        }
        datasets[index].byteOffset = Int(offset)
      }
    }
    for description in descriptions where !description.isDimensionScale {
      for case (let axis, let dimension?) in zip(description.shape.indices, description.dimensions) {
        let dataset = try HDF5Identifier(
          chdf5_open_object(file, description.linkName), "the dataset \"\(description.name)\"", in: path)
        let scale = try HDF5Identifier(
          chdf5_open_object(file, HDF5DatasetDescription.link(dimension)), "the dimension \"\(dimension)\"", in: path)
        try HDF5Failure.check(
          chdf5_attach_scale(dataset.id, scale.id, UInt32(axis)),
          "can't attach \"\(dimension)\" to axis \(axis) of \"\(description.name)\"", in: path)
      }
    }
  }
}
