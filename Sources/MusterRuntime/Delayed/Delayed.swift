/// A value that a function will yield: a node of a graph, made by `Session.delayed`. Nothing runs before a collective
/// needs it.
///
///     let counts = files.map { file in session.delayed { try countWords(in: file) } }
///     let total = session.delayed(counts) { counts in counts.reduce(0, +) }
///     print(try await total.compute())
///
/// Immutable. A value that several others take is computed once in each collective.
public struct Delayed<Value: Sendable>: GraphValue {
  @usableFromInline let node: DelayedNode

  @inlinable
  init(node: DelayedNode) { self.node = node }

  /// What it is within a graph: one task.
  @inlinable
  public func reader(adding sources: inout GraphSources) -> DelayedReader<Value> {
    sources.append(node)
    return DelayedReader()
  }

  /// Computes the value. Collective: every rank gets it.
  ///
  /// - Throws: `MusterError`, the same on every rank: what the function, or one that it depends on, threw, as
  ///   `taskFailed` where it wasn't a `MusterError`, with the task and the call that delayed it.
  public func compute(file: StaticString = #fileID, line: UInt = #line) async throws -> Value {
    try await node.session.compute(one: self, at: SourcePlace(file: file, line: line))
  }
}

/// Reads the value of a function that was put off.
public struct DelayedReader<Value: Sendable>: GraphReader {
  @inlinable
  init() {}

  /// The value in the next block.
  @inlinable
  public func read(_ blocks: inout BlockReader) throws -> Value {
    let block = blocks.next()
    guard let block = block as? ValueBlock<Value> else {
      preconditionFailure("a \(type(of: block)) came where a \(Value.self) was to")
    }
    return block.value
  }
}
