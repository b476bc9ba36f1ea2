/// What rank 0 alone does, or every rank, between tasks.
extension Session {
  /// Collective: runs `body` on rank 0 alone and returns its value, or throws its error, on every rank.
  ///
  /// Blocks the calling thread meanwhile: for short things, such as reading the metadata of a file. The value crosses
  /// in its `Codable` form.
  ///
  /// - Throws: `MusterError`, the same on every rank: what `body` threw, as `taskFailed` where it was another error, which
  ///   `cause(as:)` gives back where it is `Codable`.
  @discardableResult
  public func onRoot<T: Codable & Sendable>(
    _ operation: String, callSite: CallSite? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ body: () throws -> T
  ) throws -> T {
    let callSite = callSite ?? CallSite(file: file, line: line)
    let call = Call(operation: operation, callSite: callSite)
    if let known = try replayedValue(of: call) { return try Self.decode(known) }
    let arrival = try arrive(.rootValue, call)
    defer { leave() }
    return try fromRoot(arrival, operation, callSite, body)
  }

  /// Collective: runs `body` on rank 0 alone, for its effect. The other ranks go on when it is done, or throw its
  /// error.
  ///
  ///     try session.onRoot("make the folder") {
  ///       try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  ///     }
  ///
  /// Blocks the calling thread meanwhile.
  ///
  /// - Throws: `MusterError`, the same on every rank: what `body` threw, as `taskFailed` where it was another error, which
  ///   `cause(as:)` gives back where it is `Codable`.
  public func onRoot(
    _ operation: String, callSite: CallSite? = nil, file: StaticString = #fileID, line: UInt = #line,
    _ body: () throws -> Void
  ) throws {
    // Nothing can't be encoded; what crosses is that it is done.
    _ = try onRoot(operation, callSite: callSite ?? CallSite(file: file, line: line)) {
      try body()
      return true
    }
  }

  /// Collective: runs `body` on every rank, rank 0 included. An error on any of them is thrown on all. Blocks the
  /// calling thread.
  ///
  /// - Throws: `MusterError`, the same on every rank: that of the lowest rank on which `body` threw.
  package func onEachRank(_ operation: String, callSite: CallSite? = nil, _ body: () throws -> Void) throws {
    let call = Call(operation: operation, callSite: callSite)
    if try replayedValue(of: call) != nil { return }
    let arrival = try arrive(.rootValue, call)
    defer { leave() }
    let shared = onEachRank(arrival, operation, callSite, body)
    record(shared.map { [] }, as: arrival.pending)
    try shared.get()
  }

  /// Collective, outside of the record of calls: gives every rank what `body` returns on rank 0.
  package func agree<T: Codable & Sendable>(_ operation: String, _ body: () throws -> T) throws -> T {
    let arrival = state.value.withLock { Self.unrecordedArrival(.rootValue, Call(operation: operation), &$0) }
    return try fromRoot(arrival, operation, nil, body)
  }

  /// Collective, outside of the record of calls: what went wrong on the lowest rank on which something did.
  func onAllRanks(_ operation: String, _ body: () throws -> Void) -> Result<Void, MusterError> {
    let arrival = state.value.withLock { Self.unrecordedArrival(.rootValue, Call(operation: operation), &$0) }
    return onEachRank(arrival, operation, nil, body)
  }

  private func fromRoot<T: Codable & Sendable>(
    _ arrival: Arrival, _ operation: String, _ callSite: CallSite?, _ body: () throws -> T
  ) throws -> T {
    guard isRoot else { return try Self.decode(try engine.shareFromRoot(nil, arrival: arrival).get()) }
    let outcome = arrival.error.map { .failure($0) } ?? Self.wrapErrors(of: operation, callSite: callSite, body)
    guard engine.rankCount > 1 || arrival.pending != nil else { return try outcome.get() }
    let encoded = outcome.flatMap { value in
      Result {
        let bytes = try CodedValue.bytes(of: value)
        // Else the others alone would see that it can't be read.
        _ = try CodedValue.value(T.self, from: bytes)
        return bytes
      }.mapError {
        MusterError(
          .invalidArgument, "the value of \(operation) can't cross to other ranks: \(ErrorText.cut("\($0)"))",
          fix: "Look at its encode(to:) and init(from:)", callSite: callSite)
      }
    }
    let shared = engine.rankCount > 1 ? engine.shareFromRoot(encoded, arrival: arrival) : encoded
    record(shared, as: arrival.pending)
    _ = try shared.get()
    return try outcome.get()
  }

  private func onEachRank(
    _ arrival: Arrival, _ operation: String, _ callSite: CallSite?, _ body: () throws -> Void
  ) -> Result<Void, MusterError> {
    let outcome = arrival.error.map { .failure($0) } ?? Self.wrapErrors(of: operation, callSite: callSite, body)
    guard engine.rankCount > 1 else { return outcome }
    var arrival = arrival
    if case .failure(let error) = outcome { arrival.error = error }
    return engine.shareFromRoot(isRoot ? outcome.map { [] } : nil, arrival: arrival).map { _ in }
  }

  static func wrapErrors<T>(
    of operation: String, callSite: CallSite?, _ body: () throws -> T
  ) -> Result<T, MusterError> {
    Result(catching: body).mapError { error in
      MusterError(thrown: error, callSite: callSite) { "\(operation) failed: \($0)" }
    }
  }

  static func decode<T: Codable>(_ bytes: [UInt8]) throws -> T {
    do {
      return try CodedValue.value(T.self, from: bytes)
    } catch {
      throw MusterError(.internal, "a value of rank 0 arrived damaged: \(error)")
    }
  }
}
