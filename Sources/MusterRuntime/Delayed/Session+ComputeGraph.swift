internal import MusterScheduling

extension Session {
  /// Computes several values in one go: arrays, delayed values, and lists of such. What they share is computed once.
  /// Collective.
  ///
  ///     let (mean, largest) = try await session.compute(field.mean(), field.max())
  ///
  /// - Returns: the values, in the order given, the same on every rank.
  /// - Throws: `MusterError`, the same on every rank: the error that building an array met; one of a task, which names
  ///   the operation, the chunk or index, and the call that asked for it.
  public func compute<each G: GraphValue>(
    _ values: repeat each G, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> (repeat (each G).Value) {
    let operands = (repeat (each values).operand)
    var sources: [GraphSource] = []
    for operand in repeat each operands { sources += operand.sources }
    let call = Call(
      operation: "compute", sources: CallSources(sources), callSite: CallSite(file: file, line: line))
    let blocks: [any Block]
    if let futures = sources.futures(of: self) {
      blocks = try await gather(futures, call: call)
    } else {
      blocks = try await compute(try GraphLowering.plan(for: sources, session: self), call: call)
    }
    // Futures are let go of no sooner than their blocks are here.
    extendLifetime(sources)
    var reader = BlockReader(blocks)
    return (repeat try (each operands).read(&reader))
  }

  /// The plan that `compute` runs.
  package func plan<G: GraphValue>(for value: G) throws -> Plan {
    try GraphLowering.plan(for: value.operand.sources, session: self)
  }
}
