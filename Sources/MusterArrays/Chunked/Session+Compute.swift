public import MusterRuntime
internal import MusterScheduling

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
    try await session.compute([expression], callSite: CallSite(file: file, line: line))[0]
  }
}

extension Session {
  /// Computes several arrays in one go, sharing what they have in common. Collective.
  ///
  /// - Returns: the arrays in memory, in the order given.
  /// - Throws: as `ChunkedArray.compute()`.
  public func compute<each Element: ArrayElement>(
    _ arrays: repeat ChunkedArray<each Element>, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> (repeat NDArray<each Element>) {
    var expressions: [ArrayExpression] = []
    for array in repeat each arrays { expressions.append(array.expression) }
    var results = try await compute(expressions, callSite: CallSite(file: file, line: line))[...]
    func next<E: ArrayElement>(_ type: ChunkedArray<E>) -> NDArray<E> { NDArray(results.removeFirst()) }
    return (repeat next(each arrays))
  }

  func compute(_ expressions: [ArrayExpression], callSite: CallSite) async throws -> [AnyNDArray] {
    let plan = try Lowering.plan(for: expressions, session: self)
    let blocks = try await compute(
      plan, operation: "compute", detail: "of " + expressions.map { "call \($0.number + 1)" }.joined(separator: ", "),
      callSite: callSite)
    var rest = blocks[...]
    return try expressions.map { expression in
      let parts = rest.prefix(expression.grid.count).enumerated().map { chunk, block in
        guard let block = block as? AnyNDArray else {
          preconditionFailure("a block of an array is a \(type(of: block))")
        }
        return (origin: expression.grid.region(of: chunk).origin, block: block)
      }
      rest = rest.dropFirst(expression.grid.count)
      return try .assemble(shape: expression.shape, elementType: expression.elementType, parts: parts)
    }
  }
}

extension Lowering {
  /// The plan whose results are all blocks of some expressions, one after the other.
  static func plan(for expressions: [ArrayExpression], session: Session) throws -> Plan {
    for expression in expressions where expression.session !== session {
      throw MusterError(
        .session, "\(expression.operation.name) belongs to another session", fix: "Compute it with the session it is of"
      )
    }
    let lowering = try Lowering(expressions, keepRoots: true)
    for expression in expressions {
      let layer = try lowering.layer(of: expression)
      lowering.addResults((0..<expression.grid.count).map { TaskID(layer: layer, index: $0) })
    }
    return lowering.plan
  }
}

extension ChunkedArray {
  /// How many nodes `compute()` lowers; for tests of sharing.
  package func nodeCount() throws -> Int { try Lowering([expression], keepRoots: true).nodes.count }

  /// The plan that `compute()` runs; for tests of fusion.
  package func loweredPlan() throws -> Plan { try Lowering.plan(for: [expression], session: session) }
}
