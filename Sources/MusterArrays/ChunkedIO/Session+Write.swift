public import MusterRuntime
internal import MusterScheduling

extension Session {
  /// Computes arrays and writes them as the datasets of one HDF5 file. Collective; every rank writes what it computed.
  ///
  ///     try await session.write(
  ///       to: "eof.h5", attributes: ["title": "EOFs of air temperature"],
  ///       [
  ///         .dataset("pcs", pcs, dimensions: ["time", "mode"], attributes: ["units": "K"]),
  ///         .dataset("time", time),
  ///       ])
  ///
  /// The file appears under its name when all of it is written; until then, or if anything fails, what was there
  /// before stays. Datasets that others name as a dimension become dimension scales, which xarray, NetCDF and h5py
  /// understand as coordinates.
  ///
  /// With a journal (`Session.run(journal:)`) a run that goes on after this one skips the chunks that are written.
  ///
  /// While it is written the file is `eof.h5.0123456789abcdef.partial`, with other digits each time, in the same folder.
  /// What fails or throws removes it. A job that is killed leaves it behind; the next write of that name removes it before
  /// it begins, and so may you. So one program at a time should write a file: of two, the one that began first as a rule
  /// throws `inputOutput`, and never is a mixture of both published.
  ///
  /// A file that is replaced keeps its permissions, not its owner, group or access lists.
  ///
  /// - Throws: `MusterError` with code `permissionDenied`, `diskFull`, `fileNotFound` (no such folder) or
  ///   `inputOutput`, also where another program writes the same file, or a limit on the size of files (`ulimit -f`) is
  ///   met: the signal SIGXFSZ is ignored from the first write on, unless the program handles it; `invalidArgument` or
  ///   `shapeMismatch` where names are used twice or dimensions don't fit; and what computing the arrays throws.
  public func write(
    to path: String, attributes: [String: HDF5Attribute] = [:], _ datasets: [DatasetOutput],
    file: StaticString = #fileID, line: UInt = #line
  ) async throws {
    let callSite = CallSite(file: file, line: line)
    let sources = try datasets.map { try source(of: $0, callSite: callSite) }
    for (dataset, source) in zip(datasets, sources) {
      record(
        "write dataset \(dataset.name)", shape: source.shape, elementType: source.elementType.description,
        detail: "of call \(source.number + 1), dimensions \(dataset.dimensions.map { $0 ?? "none" })",
        callSite: callSite)
    }
    // Lowered before the file is made, so that misuse leaves nothing behind.
    let lowering = try Lowering(sources, keepRoots: false)
    let scales = Set(datasets.flatMap { $0.dimensions.compactMap { $0 } })
    let description = HDF5FileDescription(
      attributes: HDF5NamedAttribute.sorted(attributes),
      datasets: datasets.map { dataset in
        HDF5DatasetDescription(
          name: dataset.name, shape: dataset.shape, elementType: dataset.elementType,
          attributes: HDF5NamedAttribute.sorted(dataset.attributes),
          dimensions: scales.contains(dataset.name) ? [] : dataset.dimensions,
          isDimensionScale: scales.contains(dataset.name))
      })
    let wasBegun = isBeingReplayed
    let isDurable = keepsJournal
    let target = try onRoot("create \(path)", callSite: callSite) {
      try HDF5WriteTarget.create(path: path, description, lasting: isDurable)
    }
    let ledger = pieceLedger(total: sources.reduce(0) { $0 + $1.grid.count })
    defer { ledger?.close() }
    if let ledger, wasBegun, !isBeingReplayed { try resume(target, description, ledger) }
    let pieces = ledger.map { WrittenPieces($0, of: target) }
    do {
      var first = 0
      for (index, source) in sources.enumerated() {
        try lowering.addWriting(
          source, to: target, dataset: index, pieces: pieces?.from(first), callSite: callSite)
        first += source.grid.count
      }
      // Each rank makes lasting what it wrote; the root names the file once all of them have come past this.
      try await compute(lowering.plan, operation: "write \(path)", callSite: callSite) {
        // Where it fails the next run needn't write what is written by now.
        pieces?.flush()
        try target.finish()
      }
      try onRoot("commit \(path)", callSite: callSite) { try commit(target, ledger) }
    } catch {
      try? target.finish()
      abandon(target, ledger)
      throw error
    }
  }

  /// Goes on with a file that an earlier run has begun; where it isn't there any more, it is begun anew. Collective.
  private func resume(_ target: HDF5WriteTarget, _ description: HDF5FileDescription, _ ledger: PieceLedger) throws {
    let isThere = try agree("look for what was written of \(target.path)") {
      if target.isThere { return true }
      // Before the file is there again: nobody is to take it for the one that the pieces were in.
      try ledger.discard()
      _ = try HDF5WriteTarget.create(path: target.path, description, as: target.partialPath, lasting: true)
      return false
    }
    if !isThere && !isRoot { try ledger.discard() }
  }

  /// On rank 0: names the file, where an earlier run hasn't.
  private func commit(_ target: HDF5WriteTarget, _ ledger: PieceLedger?) throws {
    guard let ledger else { return try target.commit() }
    if let number = target.fileNumber {
      // From here on a run that goes on after this one knows the file by it.
      try ledger.tellName(number)
    } else if let named = ledger.name, target.isCommitted(as: named) {
      return
    }
    try target.commit()
  }

  /// What was begun of a file isn't wanted any more. With a journal the next run may go on with it: it's there until the
  /// program has come to its end.
  private func abandon(_ target: HDF5WriteTarget, _ ledger: PieceLedger?) {
    guard isRoot else { return }
    if let ledger { ledger.atEnd { target.abandon() } } else { target.abandon() }
  }

  private func source(of dataset: DatasetOutput, callSite: CallSite) throws -> ArrayExpression {
    switch dataset.contents {
    case .chunked(let expression):
      guard expression.session === self else {
        throw MusterError(
          .session, "the dataset \(dataset.name) belongs to another session", fix: "Write it with the session it is of",
          callSite: callSite)
      }
      return expression
    case .memory(let array):
      let grid = ChunkGrid(whole: array.shape)
      return .source(
        self, elementType: array.elementType, grid: grid, operation: try MemoryOperation(array, grid: grid),
        callSite: callSite)
    }
  }
}

extension Lowering {
  /// Adds a layer that writes each block of a node, and wants its tasks done.
  fileprivate func addWriting(
    _ node: ArrayExpression, to target: HDF5WriteTarget, dataset: Int, pieces: WrittenPieces?, callSite: CallSite
  ) throws {
    let source = try blocks(of: node)
    let grid = node.grid
    let layer = add(
      Layer(
        name: BlockFunction.name(of: ["write"], behind: [source]), count: grid.count,
        yielding: EmptyBlock.self, callSite: callSite,
        inputs: { index, into in
          if pieces?.isDone(index) != true { source.inputs(index, &into) }
        },
        run: { inputs in
          if pieces?.isDone(inputs.index) == true { return EmptyBlock() }
          var cursor = BlockCursor(inputs.blocks)
          let block = try source.run(inputs.index, &cursor)
          try target.write(block, dataset: dataset, origin: grid.region(of: inputs.index).origin)
          pieces?.finished(inputs.index)
          return EmptyBlock()
        }))
    addResults((0..<grid.count).map { TaskID(layer: layer, index: $0) })
  }
}

extension HDF5NamedAttribute {
  /// In the order of their names: a dictionary has none that is the same on every rank.
  fileprivate static func sorted(_ attributes: [String: HDF5Attribute]) -> [HDF5NamedAttribute] {
    attributes.sorted { $0.key < $1.key }.map { HDF5NamedAttribute($0.key, $0.value) }
  }
}

extension ChunkedArray {
  /// Computes the array and writes it as the only dataset of an HDF5 file. Collective; see
  /// `Session.write(to:attributes:_:)`, which writes several.
  ///
  /// - Throws: as that.
  public func write(
    to path: String, dataset: String, attributes: [String: HDF5Attribute] = [:], file: StaticString = #fileID,
    line: UInt = #line
  ) async throws {
    try await session.write(
      to: path, [.dataset(dataset, self, attributes: attributes)], file: file, line: line)
  }
}
