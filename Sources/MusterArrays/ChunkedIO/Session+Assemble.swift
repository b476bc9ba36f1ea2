import MusterRuntime
import MusterScheduling

/// Files with compressed datasets, once all is compressed.
extension Session {
  /// Finds a place for each compressed chunk, and has the workers bring them there. Collective.
  ///
  /// - Parameter chunks: where the compressed chunks are, for each block of each dataset that is compressed.
  func assemble(
    _ target: HDF5WriteTarget, _ description: HDF5FileDescription, _ outputs: [Output], _ chunks: [SpooledChunks],
    callSite: CallSite
  ) async throws {
    let pieces = Self.pieces(outputs, chunks)
    let wasBegun = isBeingReplayed
    let isDurable = keepsJournal
    let places = try onRoot("lay out \(target.path)", callSite: callSite) {
      try target.layOut(
        description, chunkSizes: pieces.map { $0.map(\.place.byteCount) }, lasting: isDurable)
    }
    let groups = Self.groups(
      of: zip(pieces, places.offsets).flatMap { pieces, offsets in
        zip(pieces, offsets).map { HDF5WriteTarget.Copy($0.place, of: $0.chunks, to: $1) }
      })
    let ledger = pieceLedger(total: groups.count)
    defer { ledger?.close() }
    // An error of it is that of what comes next, which the journal has.
    var isLost = false
    if ledger != nil, wasBegun, !isBeingReplayed {
      isLost = try agree("look for what was compressed of \(target.path)") {
        !target.isThere(ofLength: places.fileSize, with: chunks)
      }
    }
    let copied = ledger.map { WrittenPieces($0, of: target) }
    var plan = Plan()
    let layer = plan.add(
      Layer(
        name: "assemble", count: groups.count, yielding: EmptyBlock.self, callSite: callSite, inputs: { _, _ in },
        run: { [isLost] task in
          if isLost { throw target.lostChunks() }
          if copied?.isDone(task.index) == true { return EmptyBlock() }
          try target.copy(groups[task.index])
          copied?.finished(task.index)
          return EmptyBlock()
        }))
    plan.results = groups.indices.map { TaskID(layer: layer, index: $0) }
    plan.isKeptElsewhere = true
    _ = try await compute(plan, operation: "assemble \(target.path)", callSite: callSite) {
      defer { target.close() }
      try FileTime.finishing {
        try copied?.flush()
        try target.sync()
      }
    }
  }

  /// A chunk, and the block that it is of.
  private typealias Piece = (place: SpooledChunks.Place, chunks: SpooledChunks)

  /// For each dataset its chunks in row-major order; none for one that isn't compressed.
  private static func pieces(_ outputs: [Output], _ chunks: [SpooledChunks]) -> [[Piece]] {
    var blocks = chunks[...]
    return outputs.map { output in
      guard let storage = output.storage else { return [] }
      var pieces = [Piece?](repeating: nil, count: storage.counts(of: output.source.shape).reduce(1, *))
      for (block, chunks) in zip(0..<output.grid.count, blocks) {
        let region = output.grid.region(of: block)
        let numbers = storage.chunks(from: region.origin, of: region.shape, in: output.source.shape)
        for (number, place) in zip(numbers, chunks.places) { pieces[number] = (place, chunks) }
      }
      blocks = blocks.dropFirst(output.grid.count)
      return pieces.map { piece in
        guard let piece else { preconditionFailure("a chunk of \(output.name) is in no block of it") }
        return piece
      }
    }
  }

  /// About so much is copied by a task.
  private static let groupByteCount = 32 << 20

  /// Copies that follow one another in the file, some at a time: the same groups for any number of workers.
  private static func groups(of copies: [HDF5WriteTarget.Copy]) -> [[HDF5WriteTarget.Copy]] {
    var groups: [[HDF5WriteTarget.Copy]] = []
    var byteCount = groupByteCount
    for copy in copies {
      if byteCount >= groupByteCount {
        groups.append([])
        byteCount = 0
      }
      groups[groups.count - 1].append(copy)
      byteCount += copy.byteCount
    }
    return groups
  }
}
