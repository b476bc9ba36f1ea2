import Glibc
import MusterRuntime

/// An HDF5 file that is being written, by any number of processes and threads at once.
///
/// One process makes it (`create`), all write their parts (`write`) and make them lasting (`finish`), and the first gives
/// the file its name (`commit`) or removes it (`abandon`). Until then it has a name of its own (`PartialFiles`): under
/// the final name there is always the whole file, the old one or the new.
package struct HDF5WriteTarget: Codable, Sendable {
  package struct Dataset: Codable, Sendable {
    package var name: String
    package var shape: [Int]
    package var elementType: ElementType
    /// Where the elements start in the file; nil where there are none, or not in one piece.
    package var byteOffset: Int?
    /// The chunks that it is compressed in.
    package var storage: HDF5ChunkedStorage?
  }

  /// The final name, as the user gave it.
  package var path: String
  /// The final name with symbolic links resolved: the file is replaced, not the link to it.
  package var destination: String
  package var partialPath: String
  /// Who may read and write the file that is replaced; nil where there is none.
  var replacedMode: mode_t?
  package var datasets: [Dataset]
  /// How long the partial file is.
  var fileSize = 0

  /// Writes a block of a dataset, without any lock. Blocks of one dataset that are written at once must not overlap.
  ///
  /// - Parameters:
  ///   - index: the number of the dataset in the description.
  ///   - origin: the index of the block's first element in the dataset.
  /// - Throws: `diskFull`, `permissionDenied`, `inputOutput`, also where another program has begun to write the same
  ///   file; `elementTypeMismatch`, `shapeMismatch` where the block doesn't fit.
  package func write(_ block: AnyNDArray, dataset index: Int, origin: [Int]) throws {
    let dataset = datasets[index]
    try check(block, dataset, origin)
    guard block.count > 0, let offset = dataset.byteOffset else { return }
    do {
      let file = try PartialFileDescriptors.descriptor(of: self)
      let runs = RegionRuns(
        shape: dataset.shape, origin: origin, extent: block.shape, elementByteCount: dataset.elementType.byteCount)
      try FileTime.writing(block.count * block.elementType.byteCount) {
        try runs.visitRuns { position, source in
          try file.write(from: block.storage.bytes + source, count: runs.byteCount, offset: offset + position)
        }
      }
    } catch let failure as SystemFailure {
      throw failure.isOfLostFile ? lostFile() : failure.error("write", path)
    }
  }

  func check(_ block: AnyNDArray, _ dataset: Dataset, _ origin: [Int]) throws(MusterError) {
    guard block.elementType == dataset.elementType else {
      throw MusterError(
        .elementTypeMismatch,
        "a block of \(block.elementType) can't go into \"\(dataset.name)\" of \"\(path)\", which holds \(dataset.elementType)"
      )
    }
    guard block.shape.count == dataset.shape.count, origin.count == dataset.shape.count,
      dataset.shape.indices.allSatisfy({ origin[$0] >= 0 && origin[$0] + block.shape[$0] <= dataset.shape[$0] })
    else {
      throw MusterError(
        .shapeMismatch,
        "a block of shape \(block.shape) at \(origin) isn't within \"\(dataset.name)\" of \"\(path)\", whose shape is "
          + "\(dataset.shape)")
    }
  }

  /// Rank 0 has made the file; this may be another node.
  func lostFile() -> MusterError {
    MusterError(
      .inputOutput,
      "can't write \"\(path)\": another program writes the same file, or this node sees another folder of that name; what"
        + " was begun isn't there",
      fix: "Let one program at a time write a file, in a folder that all nodes share")
  }

  /// Makes what this process wrote last, and closes the files here.
  ///
  /// - Throws: `diskFull`, `inputOutput`: some file systems only now say that a write failed.
  package func finish() throws {
    defer { close() }
    try sync()
  }

  /// Makes what has been written up to now last.
  ///
  /// - Throws: `diskFull`, `inputOutput`.
  package func sync() throws {
    do throws(SystemFailure) {
      if let file = PartialFileDescriptors.open(self), fdatasync(file.number) != 0, errno != EINVAL {
        throw SystemFailure(errno: errno)
      }
      try HDF5Spools.sync(self)
    } catch { throw error.error("write", path) }
  }

  /// Closes the files here.
  package func close() {
    _ = PartialFileDescriptors.take(self)
    HDF5Spools.close(self)
  }

  /// Whether what a killed run has written is still there.
  ///
  /// - Parameters:
  ///   - byteCount: how long the file is to be at least, where that is known better by now than when it was made.
  ///   - chunks: what was compressed of it.
  package func isThere(ofLength byteCount: Int? = nil, with chunks: [SpooledChunks] = []) -> Bool {
    func isThere(_ path: String, _ length: Int, _ mode: Int32) -> Bool {
      var status = stat()
      return stat(path, &status) == 0 && status.st_size >= length && access(path, mode) == 0
    }
    var ends: [UInt64: Int] = [:]
    for chunks in chunks {
      for place in chunks.places {
        ends[chunks.spool, default: 0] = max(ends[chunks.spool] ?? 0, place.offset + place.byteCount)
      }
    }
    return isThere(partialPath, byteCount ?? fileSize, W_OK)
      && ends.allSatisfy { isThere(PartialFiles.spoolName(of: partialPath, $0), $1, R_OK) }
  }

  /// The number of the partial file's inode, which it keeps when it gets its name; nil where it isn't there.
  package var fileNumber: UInt64? {
    var status = stat()
    return stat(partialPath, &status) == 0 ? UInt64(status.st_ino) : nil
  }

  /// Whether there is a file of the final name.
  package var hasName: Bool { access(destination, F_OK) == 0 }

  /// Whether the partial file of that number has its final name already.
  package func isCommitted(as number: UInt64) -> Bool {
    var status = stat()
    return stat(destination, &status) == 0 && UInt64(status.st_ino) == number
  }

  /// Gives the file its final name, in place of one that has it; for one process, after all have finished.
  ///
  /// - Throws: `diskFull`, `permissionDenied`, `inputOutput`, also where another program has begun to write the same
  ///   file. Then what had the name before still has it. Once
  ///   the file has its name nothing is thrown any more.
  package func commit() throws { try FileTime.finishing { try takeName() } }

  private func takeName() throws {
    close()
    do {
      let file = try FileDescriptor(path: partialPath, flags: O_WRONLY)
      if let replacedMode {
        guard fchmod(file.number, replacedMode) == 0 else { throw SystemFailure(errno: errno) }
      }
      guard fsync(file.number) == 0 || errno == EINVAL else { throw SystemFailure(errno: errno) }
      guard rename(partialPath, destination) == 0 else { throw SystemFailure(errno: errno) }
    } catch let failure as SystemFailure {
      throw failure.isOfLostFile ? lostFile() : failure.error("write", path)
    }
    // The new name lasts once the folder is on disk. Where that fails (the folder may be closed to reading, and some file
    // systems can't do it) the write has not: the whole file has its name, and the most that a crash of the machine can
    // do is to bring back what had it before, whole.
    Self.syncFolder(of: destination)
    removeSpools()
  }

  /// Removes what was compressed, for one process; the file has its name.
  package func removeSpools() {
    if datasets.contains(where: { $0.storage != nil }) { PartialFiles.removeSpools(of: partialPath) }
  }

  /// Has the names in a file's folder on disk, as far as that can be.
  static func syncFolder(of path: String) { FileWriting.syncFolder(folder(of: path)) }

  /// Removes the partial file, and what was compressed of it; for one process. What has the final name stays as it is.
  package func abandon() {
    close()
    unlink(partialPath)
    removeSpools()
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
