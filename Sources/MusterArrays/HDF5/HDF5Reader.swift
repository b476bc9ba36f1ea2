import CHDF5
import Glibc
import MusterRuntime

/// Reads HDF5 files, from any thread of any process.
package enum HDF5Reader {
  /// Reads a region of a dataset.
  ///
  /// Contiguous elements are read outside the library's lock, by any number of threads at once; others one read at a
  /// time.
  ///
  /// - Throws: `indexOutOfRange`; `inputOutput` where the file was changed since it was inspected, or can't be read;
  ///   `damagedFile`, and what opening a file throws.
  package static func read(_ info: HDF5DatasetInfo, region: [Range<Int>]) throws -> AnyNDArray {
    try info.check(region)
    let result = try AnyNDArray(allocating: info.elementType, shape: region.map(\.count))
    if result.count == 0 { return result }
    try FileTime.reading(result.storage.byteCount) {
      if let offset = info.contiguousOffset {
        try readContiguous(info, at: offset, region: region, into: result)
      } else {
        try HDF5Library.withLock { try readThroughLibrary(info, region: region, into: result, &$0.openFiles) }
      }
    }
    if info.elementType == .bool {
      // A file may hold any byte; a Bool that is neither 0 nor 1 is undefined behaviour.
      let bytes = result.storage.bytes.assumingMemoryBound(to: UInt8.self)
      for index in 0..<result.count { bytes[index] = bytes[index] == 0 ? 0 : 1 }
    }
    return result
  }

  private static func readThroughLibrary(
    _ info: HDF5DatasetInfo, region: [Range<Int>], into result: AnyNDArray, _ files: inout HDF5OpenFiles
  ) throws {
    let dataset = try files.dataset(info)
    let type = try HDF5ElementType.type(info.elementType, path: info.path)
    let memorySpace = try HDF5Shape.space(result.shape, path: info.path)
    let fileSpace = try HDF5Identifier(
      chdf5_dataset_space(dataset), "the shape of the dataset \"\(info.name)\"", in: info.path)
    guard try HDF5Shape.of(fileSpace.id) == info.shape else {
      throw MusterError(
        .inputOutput, "\"\(info.name)\" in \"\(info.path)\" doesn't have the shape \(info.shape) any more",
        fix: "Open it again, and let nothing write to it while it is read")
    }
    if !region.isEmpty {
      try HDF5Failure.check(
        chdf5_select_region(
          fileSpace.id, region.map { UInt64($0.lowerBound) }, region.map { UInt64($0.count) }),
        "can't select the region \(region) of \"\(info.name)\"", in: info.path)
    }
    let status = chdf5_read_dataset(dataset, type.id, memorySpace.id, fileSpace.id, result.storage.bytes)
    guard status >= 0 else {
      let (text, system) = HDF5Library.lastFailure()
      throw system?.error("read", info.path)
        ?? MusterError(
          .damagedFile, "can't read the region \(region) of \"\(info.name)\" in \"\(info.path)\"\(text)",
          fix: "Check whether `h5dump -d /\(info.name)` reads it; if not, the file is damaged: copy it again")
    }
  }

  private static func readContiguous(
    _ info: HDF5DatasetInfo, at offset: Int, region: [Range<Int>], into result: AnyNDArray
  ) throws {
    let file = try HDF5Descriptors.reading(info)
    let runs = RegionRuns(
      shape: info.shape, origin: region.map(\.lowerBound), extent: result.shape,
      elementByteCount: info.elementType.byteCount)
    func fill(_ target: UnsafeMutableRawPointer, _ count: Int, _ position: Int) throws {
      do {
        guard try file.read(into: target, count: count, offset: offset + position) == count else {
          throw MusterError(
            .damagedFile, "\"\(info.path)\" ends within \"\(info.name)\"", fix: "Copy the file again")
        }
      } catch let failure as SystemFailure {
        throw failure.error("read", info.path)
      }
    }
    guard runs.isDense else {
      try runs.visitRuns { try fill(result.storage.bytes + $1, runs.byteCount, $0) }
      return
    }
    // Short runs close together: one call for many of them, what lies between is thrown away.
    let rowsAtOnce = max(1, RegionRuns.windowByteCount / runs.stride)
    let window = try BlockStorage(allocating: min(rowsAtOnce, runs.rows) * runs.stride)
    try runs.visitGroups { position, target in
      for first in Swift.stride(from: 0, to: runs.rows, by: rowsAtOnce) {
        let rows = min(rowsAtOnce, runs.rows - first)
        try fill(window.bytes, (rows - 1) * runs.stride + runs.byteCount, position + first * runs.stride)
        for row in 0..<rows {
          (result.storage.bytes + target + (first + row) * runs.byteCount)
            .copyMemory(from: window.bytes + row * runs.stride, byteCount: runs.byteCount)
        }
      }
    }
  }
}
