extension Session {
  /// A variable that tasks on any worker share, made by `Session.variable`: it has no value until one is set.
  ///
  /// In a task the functions are called without `await`. In the program itself they are collectives: they happen once, and
  /// every rank gets the same value. To read a value and set another one that depends on it, hold a lock meanwhile.
  public struct Variable<Value: Sendable>: Sendable {
    let use: CoordinationUse

    /// The name, which is the variable's identity.
    public var name: String { use.object.name }

    /// In a task: gives the variable a value.
    ///
    /// - Throws: `MusterError` with code `invalidArgument` where values of the type can't cross ranks, or the variable was
    ///   used with another type; `notInTask` or `cancelled`.
    public func set(_ value: Value) throws {
      try use.perform(.assign(try use.encode(value)))
    }

    /// In the program, collective: gives the variable a value, once for all ranks.
    ///
    /// - Throws: `MusterError`, the same on every rank, with code `invalidArgument` as in a task.
    public func set(_ value: Value, file: StaticString = #fileID, line: UInt = #line) async throws {
      try use.performForProgram("set", file, line) { .assign(try use.encode(value)) }
    }

    /// In a task: the value, when one has been set.
    ///
    /// - Parameter timeout: how long to wait for the first value; nil for as long as it takes.
    /// - Throws: `MusterError` with code `timedOut`; `cancelled` where the collective has failed meanwhile;
    ///   `invalidArgument` where the variable was used with another type; `taskFailed` where the value's own decoding threw;
    ///   `notInTask`.
    public func get(timeout: Duration? = nil) throws -> Value {
      try use.value(Value.self, in: try use.perform(.read, timeout: timeout))
    }

    /// In the program, collective: the value, when one has been set, the same on every rank.
    ///
    /// - Parameter timeout: how long to wait for the first value; nil for as long as it takes.
    /// - Throws: `MusterError`, the same on every rank, with code `timedOut`; without a timeout `deadlock` where none has been
    ///   set and no task is left that could set one.
    public func get(
      timeout: Duration? = nil, file: StaticString = #fileID, line: UInt = #line
    ) async throws -> Value {
      try use.value(Value.self, in: try use.performForProgram("get", timeout: timeout, file, line) { .read })
    }
  }
}
