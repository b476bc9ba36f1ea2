internal import MusterRuntime

extension ChunkedArray {
  /// A closure over each block, whose result has the block's shape.
  ///
  /// The closure runs on any rank and thread, perhaps more than once; it has to give the same result each time. What
  /// it throws, `compute()` throws on every rank.
  public func mapBlocks<Result: ArrayElement>(
    as type: Result.Type = Result.self, file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (_ block: NDArray<Element>) throws -> NDArray<Result>
  ) -> ChunkedArray<Result> {
    mapped(chunks: nil, callSite: CallSite(file: file, line: line)) { block, _ in try body(block) }
  }

  /// A closure over each block, told which block it is; otherwise as without that.
  public func mapBlocks<Result: ArrayElement>(
    as type: Result.Type = Result.self, file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (_ block: NDArray<Element>, _ info: BlockInfo) throws -> NDArray<Result>
  ) -> ChunkedArray<Result> {
    mapped(chunks: nil, callSite: CallSite(file: file, line: line), body)
  }

  /// A closure over each block, whose results have other shapes: chunk i of the result, in row-major order, is what the
  /// closure makes of chunk i. A block of another shape than declared is a `shapeMismatch` of `compute()`.
  ///
  /// - Parameter chunks: the sizes of the result's chunks along each of its axes; there have to be as many chunks as
  ///   the array has.
  public func mapBlocks<Result: ArrayElement>(
    chunks: [[Int]], as type: Result.Type = Result.self, file: StaticString = #fileID, line: UInt = #line,
    _ body: @escaping @Sendable (_ block: NDArray<Element>, _ info: BlockInfo) throws -> NDArray<Result>
  ) -> ChunkedArray<Result> {
    mapped(chunks: chunks, callSite: CallSite(file: file, line: line), body)
  }

  private func mapped<Result: ArrayElement>(
    chunks: [[Int]]?, callSite: CallSite,
    _ body: @escaping @Sendable (NDArray<Element>, BlockInfo) throws -> NDArray<Result>
  ) -> ChunkedArray<Result> {
    ChunkedArray<Result>(
      .derive(
        "mapBlocks", Result.elementType, from: [expression], detail: chunks.map { "\($0)" } ?? "", callSite: callSite
      ) {
        var grid = expression.grid
        if let chunks {
          // A sum beyond what can be counted, or of negative sizes, is no shape.
          let shape = chunks.map { $0.reduce(0) { $0.addingReportingOverflow($1).overflow ? Int.max : $0 + $1 } }
          grid = try Chunks.exact(chunks).grid(
            for: shape, elementType: Result.elementType, operation: "mapBlocks")
          guard grid.count == expression.grid.count else {
            throw MusterError(
              .invalidChunks,
              "mapBlocks: \(grid.count) chunks are declared, the array has \(expression.grid.count) "
                + "(\(expression.grid.counts) along its axes)",
              fix: "Declare one chunk for each of the array's")
          }
        }
        return ArrayExpression.Derivation(
          elementType: Result.elementType, grid: grid,
          operation: MapBlocksOperation(operand: expression) { block, info in
            try body(NDArray(block), info).erased
          })
      })
  }
}
