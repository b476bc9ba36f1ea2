internal import MusterScheduling

extension Session {
  /// Futures in the order in which they come to an end, failures included: every rank sees the same order, which rank 0
  /// decides.
  ///
  ///     for try await future in session.asCompleted(futures) {
  ///       print(try await future.value())
  ///     }
  ///
  /// - Parameter timeout: how long to wait for the next one; past that the loop throws `timedOut`. nil: for ever.
  public func asCompleted<Value: Sendable>(
    _ futures: [Future<Value>], timeout: Duration? = nil, file: StaticString = #fileID, line: UInt = #line
  ) -> CompletedFutures<Value> {
    CompletedFutures(session: self, futures: futures, timeout: timeout, callSite: CallSite(file: file, line: line))
  }
}

/// Futures in the order in which they come to an end: what `Session.asCompleted` returns.
public struct CompletedFutures<Value: Sendable>: AsyncSequence {
  /// A future that has come to an end.
  public typealias Element = Future<Value>

  let session: Session
  let futures: [Future<Value>]
  let timeout: Duration?
  let callSite: CallSite

  /// The first of them is not waited for before `next()` is called.
  public func makeAsyncIterator() -> Iterator {
    // Those without a task are there already.
    Iterator(
      session: session, timeout: timeout, callSite: callSite, ready: futures.filter { $0.task == nil },
      waiting: futures.filter { $0.task != nil })
  }

  /// Waits for one future after the other.
  public struct Iterator: AsyncIteratorProtocol {
    let session: Session
    let timeout: Duration?
    let callSite: CallSite
    /// Those that have come to an end and haven't been returned.
    var ready: [Future<Value>]
    var waiting: [Future<Value>]

    /// The next one that came to an end; nil when all have. Collective, where it has to wait.
    ///
    /// - Throws: `MusterError` with code `timedOut`; `session` after the session's end.
    public mutating func next() async throws -> Future<Value>? {
      if !ready.isEmpty { return ready.removeFirst() }
      guard !waiting.isEmpty else { return nil }
      let tasks = waiting.compactMap(\.task)
      let answer = try await session.ask(
        .settled(tasks, timeout: timeout?.nanoseconds), operation: "asCompleted",
        detail: "\(tasks.count) futures, \(tasks.digest)", callSite: callSite)
      let places = answer.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: 4).map { Int(bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self)) }
      }
      guard !places.isEmpty else {
        throw MusterError(
          .timedOut, "none of \(waiting.count) futures came to an end within \((timeout ?? .zero).text)",
          callSite: callSite)
      }
      ready = places.map { waiting[$0] }
      let isReady = Set(places)
      waiting = waiting.indices.filter { !isReady.contains($0) }.map { waiting[$0] }
      return ready.removeFirst()
    }
  }
}
