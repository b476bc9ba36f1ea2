public import MusterRuntime

extension Session {
  /// Opens a dataset of an HDF5 (or NetCDF-4) file as a lazy array of `Element`s. Collective: rank 0 looks at the file.
  ///
  /// Elements are read when they are needed; the file has to be visible under the same path on every rank and must not
  /// change meanwhile. Floating-point numbers of more than 8 bytes are rounded to `Double`.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - dataset: the dataset's path in the file: `air_temperature`, `group/velocity`.
  ///   - type: what the file's elements are; `open(_:dataset:)` leaves it open.
  ///   - chunks: how to cut the array; as a rule some of the file's own chunks together.
  /// - Throws: `MusterError` with code `fileNotFound`, `notHDF5`, `damagedFile`, `permissionDenied`, `datasetNotFound`
  ///   (listing the datasets that there are), `elementTypeMismatch` (naming both types), `invalidChunks`.
  public func open<Element: ArrayElement>(
    _ path: String, dataset: String, as type: Element.Type, chunks: Chunks = .auto, file: StaticString = #fileID,
    line: UInt = #line
  ) throws -> ChunkedArray<Element> {
    let callSite = CallSite(file: file, line: line)
    return ChunkedArray(
      try open(path, dataset: dataset, elementType: Element.elementType, chunks: chunks, callSite: callSite))
  }

  /// Opens a dataset whose element type isn't known yet: `as(Double.self)` or `asType(Double.self)` comes next.
  /// Collective, and otherwise like `open(_:dataset:as:chunks:)`.
  ///
  /// - Throws: as that, but never `elementTypeMismatch`.
  public func open(
    _ path: String, dataset: String, chunks: Chunks = .auto, file: StaticString = #fileID, line: UInt = #line
  ) throws -> AnyChunkedArray {
    let callSite = CallSite(file: file, line: line)
    return AnyChunkedArray(try open(path, dataset: dataset, elementType: nil, chunks: chunks, callSite: callSite))
  }

  /// What a file says of one of its datasets: shape, element type, attributes, names of the dimensions. Collective.
  ///
  /// - Throws: as `open(_:dataset:as:chunks:)`.
  public func inspect(
    _ path: String, dataset: String, file: StaticString = #fileID, line: UInt = #line
  ) throws -> HDF5DatasetInfo {
    try onRoot("inspect \(dataset) of \(path)", callSite: CallSite(file: file, line: line)) {
      try HDF5Reader.inspect(path: path, dataset: dataset)
    }
  }

  private func open(
    _ path: String, dataset: String, elementType: ElementType?, chunks: Chunks, callSite: CallSite
  ) throws -> ArrayExpression {
    let info = try onRoot("open \(dataset) of \(path)", callSite: callSite) {
      try HDF5Reader.inspect(path: path, dataset: dataset)
    }
    do {
      if let elementType, elementType != info.elementType { throw info.elementTypeMismatch(requested: elementType) }
      let grid = try chunks.grid(
        for: info.shape, elementType: info.elementType, unit: info.chunkShape, operation: "open \(dataset) of \(path)")
      return .source(
        self, elementType: info.elementType, grid: grid, operation: HDF5Source(info: info),
        detail: "\(path) \(dataset) \(chunks)", callSite: callSite)
    } catch var error as MusterError {
      error.callSite = error.callSite ?? callSite
      throw error
    }
  }
}
