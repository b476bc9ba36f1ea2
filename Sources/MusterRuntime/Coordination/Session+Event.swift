extension Session {
  /// Something that happens, made by `Session.event`: tasks on any worker wait until it is set.
  ///
  /// In a task the functions are called without `await`. In the program itself they are collectives: they happen once,
  /// and where they wait they block the calling thread.
  public struct Event: Sendable {
    let use: CoordinationUse

    /// The name, which is the event's identity.
    public var name: String { use.object.name }

    /// In a task: sets the event, and lets all who wait for it go on.
    ///
    /// - Throws: `MusterError` with code `notInTask` or `cancelled`.
    public func set() throws {
      try use.perform(.set)
    }

    /// In the program, collective: sets the event.
    ///
    /// - Throws: `MusterError`, the same on every rank.
    public func set(file: StaticString = #fileID, line: UInt = #line) async throws {
      try use.performForProgram("set", file, line) { .set }
    }

    /// In a task: has the event not set, as it was at first.
    ///
    /// - Throws: `MusterError` with code `notInTask` or `cancelled`.
    public func clear() throws {
      try use.perform(.clear)
    }

    /// In the program, collective: has the event not set, as it was at first.
    ///
    /// - Throws: `MusterError`, the same on every rank.
    public func clear(file: StaticString = #fileID, line: UInt = #line) async throws {
      try use.performForProgram("clear", file, line) { .clear }
    }

    /// In a task: waits until the event is set; not at all where it is.
    ///
    /// - Parameter timeout: how long to wait; nil for as long as it takes.
    /// - Throws: `MusterError` with code `timedOut`; `cancelled` where the collective has failed meanwhile; `notInTask`.
    public func wait(timeout: Duration? = nil) throws {
      try use.perform(.awaitSet, timeout: timeout)
    }

    /// In the program, collective: waits until the event is set, by the task of a future.
    ///
    /// - Parameter timeout: how long to wait; nil for as long as it takes.
    /// - Throws: `MusterError`, the same on every rank, with code `timedOut`; without a timeout `deadlock` where no task is
    ///   left that could set it.
    public func wait(timeout: Duration? = nil, file: StaticString = #fileID, line: UInt = #line) async throws {
      try use.performForProgram("wait for", timeout: timeout, file, line) { .awaitSet }
    }

    /// In a task: whether the event is set.
    ///
    /// - Throws: `MusterError` with code `notInTask` or `cancelled`.
    public func isSet() throws -> Bool {
      try use.isSet(in: try use.perform(.isSet))
    }

    /// In the program, collective: whether the event is set.
    ///
    /// - Throws: `MusterError`, the same on every rank.
    public func isSet(file: StaticString = #fileID, line: UInt = #line) async throws -> Bool {
      try use.isSet(in: try use.performForProgram("look at", file, line) { .isSet })
    }
  }
}
