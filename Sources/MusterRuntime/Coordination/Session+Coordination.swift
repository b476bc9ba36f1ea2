internal import FoundationEssentials

extension Session {
  /// A lock by name, for tasks on any worker. The same name is the same lock.
  ///
  ///     let log = session.lock("log")
  ///     let tasks = files.map { file in
  ///       session.delayed { try log.withLock(timeout: .seconds(60)) { try append(file, to: "log.txt") } }
  ///     }
  ///
  /// Builds a part of the graph, as `delayed` does: every rank has to make the same calls. In a task it may be called too.
  public func lock(_ name: String, file: StaticString = #fileID, line: UInt = #line) -> Lock {
    Lock(use: CoordinationUse(self, CoordinationObject(.lock, name), file, line))
  }

  /// A semaphore by name, for tasks on any worker: as many of them as its limit says may hold a lease at a time.
  ///
  /// Builds a part of the graph: every rank has to make the same calls. In a task it may be called too.
  ///
  /// - Parameter limit: the number of leases, at least 1, and the same wherever the name is used: its first use throws
  ///   `invalidArgument` else.
  public func semaphore(
    _ name: String, limit: Int, file: StaticString = #fileID, line: UInt = #line
  ) -> Semaphore {
    Semaphore(use: CoordinationUse(self, CoordinationObject(.semaphore, name, limit: limit), file, line))
  }

  /// An event by name, which isn't set at first: tasks on any worker, and the program, wait until one of them sets it.
  ///
  /// Builds a part of the graph: every rank has to make the same calls. In a task it may be called too.
  public func event(_ name: String, file: StaticString = #fileID, line: UInt = #line) -> Event {
    Event(use: CoordinationUse(self, CoordinationObject(.event, name), file, line))
  }

  /// A queue by name, through which tasks on any worker, and the program, hand values to each other.
  ///
  /// The values are kept on rank 0, as bytes: it is for messages, and for arrays that are small beside rank 0's memory.
  ///
  /// Builds a part of the graph: every rank has to make the same calls. In a task it may be called too.
  ///
  /// - Parameters:
  ///   - type: the type of the values, which has to be one that delayed functions may yield; the first use throws
  ///     `invalidArgument` else, and where the name is used with another type or capacity.
  ///   - capacity: the number of values that it holds before those who put wait, at least 1; nil for any number.
  public func queue<Value: Sendable>(
    _ name: String, of type: Value.Type, capacity: Int? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> Queue<Value> {
    // No room at all isn't the same as room without bound, and is refused at the first use.
    let limit = capacity.map { $0 == 0 ? .min : $0 } ?? 0
    return Queue(
      use: CoordinationUse(
        self, CoordinationObject(.queue, name, limit: limit, valueType: "\(Value.self)"), file, line))
  }

  /// A variable by name, which tasks on any worker, and the program, set and get.
  ///
  /// The value is kept on rank 0, as bytes.
  ///
  /// Builds a part of the graph: every rank has to make the same calls. In a task it may be called too.
  ///
  /// - Parameter type: the type of the value, which has to be one that delayed functions may yield; the first use throws
  ///   `invalidArgument` else, and where the name is used with another type.
  public func variable<Value: Sendable>(
    _ name: String, of type: Value.Type, file: StaticString = #fileID, line: UInt = #line
  ) -> Variable<Value> {
    Variable(
      use: CoordinationUse(self, CoordinationObject(.variable, name, valueType: "\(Value.self)"), file, line))
  }
}

/// What locks, queues and the like have in common: the object, and how tasks and the program ask for it.
struct CoordinationUse: Sendable {
  let session: Session
  let object: CoordinationObject

  init(_ session: Session, _ object: CoordinationObject, _ file: StaticString, _ line: UInt) {
    self.session = session
    self.object = object
    // A task runs on one rank only: what it calls is no part of the program's history.
    guard CurrentTask.current == nil else { return }
    session.record(
      "\(object.kind)", elementType: object.valueType,
      detail: "\"\(object.name)\"" + (object.limit == 0 ? "" : ", \(object.limit)"),
      callSite: CallSite(file: file, line: line))
  }

  /// For the task of the calling thread.
  @discardableResult
  func perform(
    _ operation: CoordinationRequest.Operation, timeout: Duration? = nil
  ) throws(MusterError) -> CoordinationAnswer {
    try checkJournal()
    return try session.coordination.perform(operation, on: object, timeout: timeout)
  }

  /// For the program. Collective: it happens once, on rank 0, and every rank gets the answer.
  ///
  /// - Parameter operation: made on rank 0 only.
  @discardableResult
  func performForProgram(
    _ name: String, timeout: Duration? = nil, _ file: StaticString, _ line: UInt,
    _ operation: () throws -> CoordinationRequest.Operation
  ) throws -> CoordinationAnswer {
    try checkJournal()
    let data = try session.onRoot("\(name) \(object.text)", callSite: CallSite(file: file, line: line)) {
      let buffer = WireBuffer()
      try session.coordination.performForProgram(operation(), on: object, timeout: timeout).write(to: buffer)
      return Data(buffer.contents)
    }
    return Array(data).withUnsafeBytes { raw in
      var reader = WireReader(raw)
      return CoordinationAnswer(from: &reader)
    }
  }

  /// What such an object holds from one call of the program to the next isn't in a journal.
  private func checkJournal() throws(MusterError) {
    guard session.hasJournal.load(ordering: .relaxed) else { return }
    switch object.kind {
    case .lock, .semaphore: return
    case .event, .queue, .variable:
      throw MusterError(
        .unsupported, "\(object.text) can't be used in a session with a journal, which doesn't keep what it holds",
        fix: "Return values from tasks instead, or run the program without a journal")
    }
  }

  func encode<Value>(_ value: Value) throws(MusterError) -> [UInt8] {
    try CoordinationValue.encode(value, for: object)
  }

  func value<Value>(_ type: Value.Type, in answer: CoordinationAnswer) throws -> Value {
    guard case .value(let bytes) = answer else { throw unexpected(answer) }
    return try CoordinationValue.decode(type, from: bytes, of: object)
  }

  func count(in answer: CoordinationAnswer) throws(MusterError) -> Int {
    guard case .count(let count) = answer else { throw unexpected(answer) }
    return count
  }

  func isSet(in answer: CoordinationAnswer) throws(MusterError) -> Bool {
    guard case .isSet(let isSet) = answer else { throw unexpected(answer) }
    return isSet
  }

  private func unexpected(_ answer: CoordinationAnswer) -> MusterError {
    MusterError(.internal, "\(object.text) gave the answer \(answer)")
  }
}
