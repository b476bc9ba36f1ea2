extension Session {
  /// A queue that tasks on any worker share, made by `Session.queue`: values come out in the order in which they went in,
  /// to those who wait in the order in which they came.
  ///
  /// In a task the functions are called without `await`. In the program itself they are collectives: they happen once, and
  /// every rank gets the same value. What a task has put or got stays so where the task fails or is run again.
  public struct Queue<Value: Sendable>: Sendable {
    let use: CoordinationUse

    /// The name, which is the queue's identity.
    public var name: String { use.object.name }

    /// In a task: puts a value at the end, when there is room for it.
    ///
    /// - Parameter timeout: how long to wait for room; nil for as long as it takes.
    /// - Throws: `MusterError` with code `timedOut`, and then the value isn't put; `cancelled` where the collective has
    ///   failed meanwhile; `invalidArgument` where values of the type can't cross ranks, or the queue was used with another
    ///   type or capacity; `notInTask`.
    public func put(_ value: Value, timeout: Duration? = nil) throws {
      try use.perform(.put(try use.encode(value)), timeout: timeout)
    }

    /// In the program, collective: puts a value at the end, when there is room for it, once for all ranks.
    ///
    /// - Parameter timeout: how long to wait for room; nil for as long as it takes.
    /// - Throws: `MusterError`, the same on every rank, with code `timedOut`, and then the value isn't put; without a timeout
    ///   `deadlock` where the queue is full and no task is left that could make room; `invalidArgument` as in a task.
    public func put(
      _ value: Value, timeout: Duration? = nil, file: StaticString = #fileID, line: UInt = #line
    ) async throws {
      try use.performForProgram("put into", timeout: timeout, file, line) { .put(try use.encode(value)) }
    }

    /// In a task: takes the first value, when there is one.
    ///
    /// - Parameter timeout: how long to wait for a value; nil for as long as it takes.
    /// - Throws: `MusterError` with code `timedOut`; `cancelled` where the collective has failed meanwhile;
    ///   `invalidArgument` where the queue was used with another type or capacity; `taskFailed` where the value's own
    ///   decoding threw; `notInTask`.
    public func get(timeout: Duration? = nil) throws -> Value {
      try use.value(Value.self, in: try use.perform(.get, timeout: timeout))
    }

    /// In the program, collective: takes the first value, when there is one, the same on every rank.
    ///
    /// - Parameter timeout: how long to wait for a value; nil for as long as it takes.
    /// - Throws: `MusterError`, the same on every rank, with code `timedOut`; without a timeout `deadlock` where the queue is
    ///   empty and no task is left that could put something into it.
    public func get(
      timeout: Duration? = nil, file: StaticString = #fileID, line: UInt = #line
    ) async throws -> Value {
      try use.value(Value.self, in: try use.performForProgram("get from", timeout: timeout, file, line) { .get })
    }

    /// In a task: the number of values in the queue. It may be another one at once.
    ///
    /// - Throws: `MusterError` with code `notInTask` or `cancelled`.
    public func count() throws -> Int {
      try use.count(in: try use.perform(.count))
    }

    /// In the program, collective: the number of values in the queue.
    ///
    /// - Throws: `MusterError`, the same on every rank.
    public func count(file: StaticString = #fileID, line: UInt = #line) async throws -> Int {
      try use.count(in: try use.performForProgram("count", file, line) { .count })
    }
  }
}
