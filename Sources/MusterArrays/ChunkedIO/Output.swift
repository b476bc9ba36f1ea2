import MusterRuntime

/// A dataset on its way into a file: the expression behind it, the blocks in which it is written, and how it lies there.
struct Output {
  var name: String
  var source: ArrayExpression
  /// How the array is cut to be written. Where it is compressed, each block begins where a chunk of the file does.
  var grid: ChunkGrid
  var storage: HDF5ChunkedStorage?
  /// What tells the dataset from others, for the session's record of calls.
  var detail: String

  /// - Throws: `session` for an array of another session; `invalidArgument` where it can't be compressed as it should be;
  ///   `outOfMemory`; the error of a poisoned expression.
  init(_ dataset: DatasetOutput, session: Session, callSite: CallSite) throws {
    name = dataset.name
    let (shape, elementType) = (dataset.shape, dataset.elementType)
    func storage(dividing sizes: [[Int]]?) throws(MusterError) -> HDF5ChunkedStorage? {
      // HDF5 has no chunks of nothing.
      guard let compression = dataset.compression, shape.allSatisfy({ $0 > 0 }) else { return nil }
      do throws(MusterError) {
        return try HDF5ChunkedStorage(
          compression, shape: shape, elementType: elementType, dividing: sizes, name: dataset.name)
      } catch {
        var error = error
        error.callSite = callSite
        throw error
      }
    }
    switch dataset.contents {
    case .chunked(let expression):
      guard expression.session === session else {
        throw MusterError(
          .session, "the dataset \(dataset.name) belongs to another session", fix: "Write it with the session it is of",
          callSite: callSite)
      }
      if let failure = expression.failure { throw failure }
      source = expression
      self.storage = try storage(dividing: expression.grid.sizes)
      grid = expression.grid
      if let storage = self.storage, !storage.divides(grid) { grid = try storage.grid(of: shape, elementType) }
    case .memory(let array):
      self.storage = try storage(dividing: nil)
      grid = try self.storage?.grid(of: shape, elementType) ?? ChunkGrid(whole: shape)
      source = .source(
        session, elementType: elementType, grid: grid, operation: try MemoryOperation(array, grid: grid),
        callSite: callSite)
    }
    detail = "of call \(source.number + 1), dimensions \(dataset.dimensions.map { $0 ?? "none" })"
    if let storage = self.storage {
      detail +=
        ", deflate \(storage.level)\(storage.shuffle ? " shuffled" : "") in chunks of \(storage.chunkShape)"
    }
  }
}
