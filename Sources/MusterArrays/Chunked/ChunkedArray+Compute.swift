internal import MusterRuntime

extension ChunkedArray {
  /// Computes the array and returns all of it, in memory, on every rank. Collective.
  ///
  /// - Throws: `MusterError`, the same on every rank: the error that building the array met; one of a task, which names
  ///   the operation, the chunk and the call that asked for it.
  public func compute(file: StaticString = #fileID, line: UInt = #line) async throws -> NDArray<Element> {
    try await session.compute(self, file: file, line: line)
  }
}

extension AnyChunkedArray {
  /// Computes the array and returns all of it, in memory, on every rank. Collective.
  ///
  /// - Throws: as `ChunkedArray.compute()`.
  public func compute(file: StaticString = #fileID, line: UInt = #line) async throws -> AnyNDArray {
    try await session.compute(self, file: file, line: line)
  }
}
