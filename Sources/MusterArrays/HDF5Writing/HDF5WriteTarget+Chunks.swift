import Glibc
import MusterRuntime

/// Datasets that are compressed. How large a chunk becomes is known only when it is there, and where it belongs only when
/// all are: so each process keeps what it compresses in a file of its own (`compress`), one process finds a place for
/// each chunk (`layOut`), and all bring chunks there (`copy`).
extension HDF5WriteTarget {
  /// Compresses a block of a dataset.
  ///
  /// - Parameters:
  ///   - index: the number of the dataset in the description.
  ///   - origin: the index of the block's first element in the dataset; one of the file's chunks begins there.
  /// - Throws: `diskFull`, `permissionDenied`, `inputOutput`, `outOfMemory`; `elementTypeMismatch`, `shapeMismatch` where
  ///   the block doesn't fit.
  package func compress(_ block: AnyNDArray, dataset index: Int, origin: [Int]) throws -> SpooledChunks {
    let dataset = datasets[index]
    try check(block, dataset, origin)
    guard let storage = dataset.storage else {
      throw MusterError(.internal, "\"\(dataset.name)\" of \"\(path)\" isn't compressed")
    }
    guard block.count > 0 else { return SpooledChunks(spool: 0, places: []) }
    guard storage.holdsWholeChunks(from: origin, of: block.shape, in: dataset.shape) else {
      throw MusterError(
        .shapeMismatch,
        "a block of shape \(block.shape) at \(origin) isn't a whole number of chunks of \"\(dataset.name)\" of"
          + " \"\(path)\", whose shape is \(storage.chunkShape)")
    }
    let chunks = storage.chunks(from: origin, of: block.shape, in: dataset.shape)
    let compressor = try HDF5ChunkCompressor(storage, of: dataset.elementType)
    do {
      var spooled = SpooledChunks(spool: try HDF5Spools.number(for: self), places: [])
      spooled.places.reserveCapacity(chunks.count)
      for chunk in chunks {
        let start = storage.origin(of: chunk, in: dataset.shape)
        let bytes = compressor.chunk(of: block, at: zip(start, origin).map { $0 - $1 })
        // The bytes are those of the values, whatever becomes of them on their way.
        let isFirst = spooled.places.isEmpty
        let offset = try FileTime.writing(isFirst ? block.count * block.elementType.byteCount : 0) {
          try HDF5Spools.append(bytes, for: self)
        }
        spooled.places.append(SpooledChunks.Place(offset: offset, byteCount: bytes.count))
      }
      return spooled
    } catch let failure as SystemFailure {
      throw failure.isOfLostFile ? lostFile() : failure.error("write", path)
    }
  }

  /// A chunk on its way into the file.
  package struct Copy: Sendable {
    /// The number of the file that it is in.
    var spool: UInt64
    var place: SpooledChunks.Place
    /// Where it belongs.
    var offset: Int

    package var byteCount: Int { place.byteCount }

    package init(_ place: SpooledChunks.Place, of chunks: SpooledChunks, to offset: Int) {
      spool = chunks.spool
      self.place = place
      self.offset = offset
    }
  }

  private static let mostCopiedBytes = 4 << 20

  /// Copies chunks to where they belong.
  ///
  /// - Throws: `diskFull`, `inputOutput`, also where another program has begun to write the same file.
  package func copy(_ chunks: some Sequence<Copy>) throws {
    do {
      let file = try PartialFileDescriptors.descriptor(of: self)
      var buffer: BlockStorage?
      var last: (number: UInt64, file: FileDescriptor)?
      // One file after the other: of many processes there are many.
      for chunk in chunks.sorted(by: { ($0.spool, $0.place.offset) < ($1.spool, $1.place.offset) }) {
        let spool = try last?.number == chunk.spool ? last!.file : HDF5Spools.reading(chunk.spool, for: self)
        last = (chunk.spool, spool)
        for first in stride(from: 0, to: chunk.place.byteCount, by: Self.mostCopiedBytes) {
          let count = min(chunk.place.byteCount - first, Self.mostCopiedBytes)
          if (buffer?.byteCount ?? 0) < count { buffer = try BlockStorage(allocating: count, for: "copying chunks") }
          guard let bytes = buffer?.bytes else { continue }
          let read = try FileTime.reading(0) {
            try spool.read(into: bytes, count: count, offset: chunk.place.offset + first)
          }
          guard read == count else {
            throw lostChunks()
          }
          try FileTime.writing(0) {
            try file.write(from: bytes, count: count, offset: chunk.offset + first)
          }
        }
      }
    } catch let failure as SystemFailure {
      throw failure.isOfLostFile ? lostChunks() : failure.error("write", path)
    }
  }

  /// What was compressed, or the file that it's for, isn't there.
  func lostChunks() -> MusterError {
    MusterError(
      .inputOutput,
      "can't write \"\(path)\": what was compressed of it isn't there any more; another program writes the same file, or"
        + " this node sees another folder of that name, or somebody has removed it",
      fix: "Let one program at a time write a file, in a folder that all nodes share; with a journal, begin anew with"
        + " MUSTER_JOURNAL_START=anew")
  }
}
