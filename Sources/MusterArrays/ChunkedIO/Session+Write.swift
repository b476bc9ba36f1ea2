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
  /// A compressed dataset (`compression: .deflate`) is compressed by all workers, into files beside the partial one; from
  /// there its chunks are copied to where they belong. So it takes twice its compressed size on disk for a while.
  ///
  /// With a journal (`Session.run(journal:)`) a run that goes on after this one skips the chunks that are written.
  ///
  /// While it is written the file is `eof.h5.0123456789abcdef.partial`, with other digits each time, in the same folder,
  /// with others called like it where datasets are compressed.
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
    let outputs = try datasets.map { try Output($0, session: self, callSite: callSite) }
    for output in outputs {
      record(
        "write dataset \(output.name)", shape: output.source.shape, elementType: output.source.elementType.description,
        detail: output.detail, callSite: callSite)
    }
    // Lowered before the file is made, so that misuse leaves nothing behind.
    let lowering = try Lowering(outputs.map(\.source), keepRoots: false)
    let blocks = try outputs.map { try lowering.blocks(of: $0.source, on: $0.grid) }
    let scales = Set(datasets.flatMap { $0.dimensions.compactMap { $0 } })
    let description = HDF5FileDescription(
      attributes: HDF5NamedAttribute.sorted(attributes),
      datasets: zip(datasets, outputs).map { dataset, output in
        HDF5DatasetDescription(
          name: dataset.name, shape: dataset.shape, elementType: dataset.elementType,
          attributes: HDF5NamedAttribute.sorted(dataset.attributes),
          dimensions: scales.contains(dataset.name) ? [] : dataset.dimensions,
          isDimensionScale: scales.contains(dataset.name), storage: output.storage)
      })
    let wasBegun = isBeingReplayed
    let isDurable = keepsJournal
    let target = try onRoot("create \(path)", callSite: callSite) {
      try HDF5WriteTarget.create(path: path, description, lasting: isDurable)
    }
    let ledger = pieceLedger(total: outputs.reduce(0) { $0 + $1.grid.count })
    defer { ledger?.close() }
    // An error of it is the write's own, which the journal has: a program that catches it makes the same calls again.
    var failure: (any Error)?
    if let ledger, wasBegun, !isBeingReplayed {
      do { try resume(target, description, outputs, ledger) } catch { failure = error }
    }
    let pieces = ledger.map { WrittenPieces($0, of: target) }
    let isCompressed = outputs.contains { $0.storage != nil }
    do {
      var first = 0
      for (index, (output, blocks)) in zip(outputs, blocks).enumerated() {
        lowering.addWriting(
          blocks, output, to: target, dataset: index, pieces: pieces?.from(first), failure: failure,
          callSite: callSite)
        first += output.grid.count
      }
      var plan = lowering.plan
      plan.isKeptElsewhere = true
      // Each rank makes lasting what it wrote; the root names the file once all of them have come past this.
      let written = try await compute(plan, operation: "write \(path)", callSite: callSite) {
        defer { target.close() }
        try FileTime.finishing {
          // Where it fails the next run needn't write what is written by now.
          try pieces?.flush()
          // Other nodes read what was compressed here, and one of them writes beside what isn't.
          try target.sync()
        }
      }
      if isCompressed {
        try await assemble(
          target, description, outputs, written.compactMap { $0 as? SpooledChunks }, callSite: callSite)
      }
      let isWritten = isBeingReplayed
      try onRoot("commit \(path)", callSite: callSite) { try commit(target, ledger) }
      if isWritten && isRoot && !target.hasName {
        tellUser("warning: \"\(path)\", which an earlier run has written, isn't there: it isn't written again")
      }
    } catch {
      try? target.finish()
      abandon(target, ledger)
      throw error
    }
  }

  /// Goes on with a file that an earlier run has begun; where it isn't there any more, it is begun anew. Collective.
  private func resume(
    _ target: HDF5WriteTarget, _ description: HDF5FileDescription, _ outputs: [Output], _ ledger: PieceLedger
  ) throws {
    let isThere = try agree("look for what was written of \(target.path)") {
      var first = 0
      var spooled: [SpooledChunks] = []
      for output in outputs {
        if output.storage != nil {
          spooled += (first..<first + output.grid.count).compactMap {
            ledger.place(of: $0).flatMap { SpooledChunks(bytes: $0) }
          }
        }
        first += output.grid.count
      }
      if target.isThere(with: spooled) { return true }
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
      return target.removeSpools()
    }
    try target.commit()
  }

  /// What was begun of a file isn't wanted any more. With a journal the next run may go on with it: it's there until the
  /// program has come to its end.
  private func abandon(_ target: HDF5WriteTarget, _ ledger: PieceLedger?) {
    guard isRoot else { return }
    if let ledger { ledger.atEnd { target.abandon() } } else { target.abandon() }
  }
}

extension Lowering {
  /// Adds a layer that writes each block of a dataset, and wants its tasks done.
  ///
  /// - Parameter failure: what all of them throw.
  fileprivate func addWriting(
    _ source: BlockFunction, _ output: Output, to target: HDF5WriteTarget, dataset: Int, pieces: WrittenPieces?,
    failure: (any Error)?, callSite: CallSite
  ) {
    let grid = output.grid
    let inputs: @Sendable (Int, inout [TaskID]) -> Void = { index, into in
      if failure == nil, pieces?.isDone(index) != true { source.inputs(index, &into) }
    }
    @Sendable func block(_ inputs: TaskInputs) throws -> (block: AnyNDArray, origin: [Int]) {
      var cursor = BlockCursor(inputs.blocks)
      return (try source.run(inputs.index, &cursor), grid.region(of: inputs.index).origin)
    }
    let layer =
      output.storage == nil
      ? Layer(
        name: BlockFunction.name(of: ["write"], behind: [source]), count: grid.count, yielding: EmptyBlock.self,
        callSite: callSite, inputs: inputs,
        run: { task in
          if let failure { throw failure }
          if pieces?.isDone(task.index) == true { return EmptyBlock() }
          let (block, origin) = try block(task)
          try target.write(block, dataset: dataset, origin: origin)
          pieces?.finished(task.index)
          return EmptyBlock()
        })
      : Layer(
        name: BlockFunction.name(of: ["compress"], behind: [source]), count: grid.count, yielding: SpooledChunks.self,
        callSite: callSite, inputs: inputs,
        run: { task in
          if let failure { throw failure }
          if let known = try pieces?.chunks(of: task.index) { return known }
          let (block, origin) = try block(task)
          let chunks = try target.compress(block, dataset: dataset, origin: origin)
          pieces?.finished(task.index, chunks)
          return chunks
        })
    let number = add(layer)
    addResults((0..<grid.count).map { TaskID(layer: number, index: $0) })
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
    to path: String, dataset: String, attributes: [String: HDF5Attribute] = [:], compression: HDF5Compression? = nil,
    file: StaticString = #fileID, line: UInt = #line
  ) async throws {
    try await session.write(
      to: path, [.dataset(dataset, self, attributes: attributes, compression: compression)], file: file, line: line)
  }
}
