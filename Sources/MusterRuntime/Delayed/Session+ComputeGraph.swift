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
    var sources = GraphSources()
    let readers = (repeat (each values).reader(adding: &sources))
    var blocks = BlockReader(try await compute(sources.all, at: SourcePlace(file: file, line: line)))
    return (repeat try (each readers).read(&blocks))
  }

  /// Computes one value: an array, a delayed value, or a list of such. Collective.
  ///
  ///     let energy = try await session.compute(runs).reduce(0, +)
  ///
  /// - Throws: as `compute` of several.
  public func compute<G: GraphValue>(
    _ value: G, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> G.Value {
    try await compute(one: value, at: SourcePlace(file: file, line: line))
  }

  /// The same where the place is known: a list of types that is known at run time only takes longer.
  func compute<G: GraphValue>(one value: G, at place: SourcePlace) async throws -> G.Value {
    var sources = GraphSources()
    let reader = value.reader(adding: &sources)
    var blocks = BlockReader(try await compute(sources.all, at: place))
    return try reader.read(&blocks)
  }

  private func compute(_ sources: [GraphSource], at place: SourcePlace) async throws -> [any Block] {
    // Futures are let go of no sooner than their blocks are here.
    defer { extendLifetime(sources) }
    let call = Call(kind(of: "compute", at: place), sources: CallSources(sources))
    if let futures = sources.futures(of: self) { return try await gather(futures, call: call) }
    return try await compute(try GraphLowering.plan(for: sources, session: self), call: call)
  }

  /// The plan that `compute` runs.
  package func plan<G: GraphValue>(for value: G) throws -> Plan {
    var sources = GraphSources()
    _ = value.reader(adding: &sources)
    return try GraphLowering.plan(for: sources.all, session: self)
  }
}
