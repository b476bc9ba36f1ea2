internal import MusterScheduling

/// The value of a task that runs, or has run, while the program goes on: made by `Session.submit` and the like. The worker
/// that made the value keeps it as long as the program holds the future, or anything that was made of it.
///
///     let reading = session.submit { try readStation("A17") }
///     let sum = session.submit(reading) { series in series.reduce(0, +) }
///     // … the program goes on …
///     print(try await sum.value())
///
/// Futures are inputs of others, of delayed functions and of collectives, beside arrays and delayed values.
public struct Future<Value: Sendable>: GraphValue {
  let node: DelayedNode
  private let constant: Value?

  init(node: DelayedNode) {
    self.node = node
    constant = nil
  }

  /// A value that every rank has: no task is needed for it.
  init(_ value: Value, node: DelayedNode) {
    self.node = node
    constant = value
  }

  /// What it is within a graph: one task, or nothing where every rank has the value.
  public func reader(adding sources: inout GraphSources) -> FutureReader<Value> {
    if constant == nil { sources.append(node) }
    return FutureReader(constant: constant)
  }

  /// The task, where there is one.
  var task: TaskID? { constant == nil ? node.kept?.tasks[0] : nil }

  /// Waits for the value. Collective: every rank gets it.
  ///
  /// - Throws: `MusterError`, the same on every rank: what the task, or one that it depends on, threw, as `taskFailed`
  ///   where it wasn't a `MusterError`; `cancelled`; `timedOut`.
  public func value(file: StaticString = #fileID, line: UInt = #line) async throws -> Value {
    try await node.session.compute(one: self, at: SourcePlace(file: file, line: line))
  }

  /// How far the task is. Collective: every rank gets the same answer.
  ///
  /// - Throws: `MusterError` with code `session`, after the session's end.
  public func status(file: StaticString = #fileID, line: UInt = #line) async throws -> FutureStatus {
    try await node.session.statuses(of: [self], file: file, line: line)[0]
  }

  /// Has the task not run, where no worker has begun it, and what depends on it fail: its value, and theirs, throw
  /// `cancelled`. A task that is done stays done. Every rank has to make the call.
  ///
  /// - Throws: `MusterError` with code `session`, in a task.
  public func cancel(file: StaticString = #fileID, line: UInt = #line) throws {
    try node.session.cancel([self], file: file, line: line)
  }
}

/// Reads the value of a future.
public struct FutureReader<Value: Sendable>: GraphReader {
  /// The value, where every rank has it.
  let constant: Value?

  /// The value: in the next block, where there is a task for it.
  public func read(_ blocks: inout BlockReader) throws -> Value {
    if let constant { return constant }
    return try DelayedReader().read(&blocks)
  }
}
