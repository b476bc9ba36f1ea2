/// A value that a function will yield: a node of a graph, made by `Session.delayed`. Nothing runs before a collective
/// needs it.
///
///     let counts = files.map { file in session.delayed { try countWords(in: file) } }
///     let total = session.delayed(counts) { counts in counts.reduce(0, +) }
///     print(try await total.compute())
///
/// Immutable. A value that several others take is computed once in each collective.
public struct Delayed<Value: Sendable>: GraphValue {
  let node: DelayedNode

  /// What it is within a graph: one task.
  public var operand: GraphOperand<Value> {
    GraphOperand(sources: [.delayed(node)]) { reader in
      let block = reader.next()
      guard let block = block as? ValueBlock<Value> else {
        preconditionFailure("a \(type(of: block)) came where a \(Value.self) was to")
      }
      return block.value
    }
  }

  /// Computes the value. Collective: every rank gets it.
  ///
  /// - Throws: `MusterError`, the same on every rank: what the function, or one that it depends on, threw, as
  ///   `taskFailed` where it wasn't a `MusterError`, with the task and the call that delayed it.
  public func compute(file: StaticString = #fileID, line: UInt = #line) async throws -> Value {
    try await node.session.compute(self, file: file, line: line)
  }
}
