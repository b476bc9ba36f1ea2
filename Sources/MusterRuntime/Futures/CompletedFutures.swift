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

  /// Waits for one future after the other. Copies of an iterator share what comes to an end: use one of them only.
  public struct Iterator: AsyncIteratorProtocol {
    let session: Session
    let timeout: Duration?
    let callSite: CallSite
    /// Those that have come to an end, and how many of them have been returned. What has been returned is let go of.
    private var ready: [Future<Value>?]
    private var returned = 0
    /// All futures with a task, without those that have come to an end.
    private var waiting: [Future<Value>?]
    private var left: Int
    /// Made with the first question, which names the futures to rank 0: the next ones needn't.
    private var watch: FutureWatch?
    private var digest = ""

    init(
      session: Session, timeout: Duration?, callSite: CallSite, ready: [Future<Value>], waiting: [Future<Value>]
    ) {
      self.session = session
      self.timeout = timeout
      self.callSite = callSite
      self.ready = ready
      self.waiting = waiting
      left = waiting.count
    }

    /// The next one that came to an end; nil when all have. Collective, where it has to wait.
    ///
    /// - Throws: `MusterError` with code `timedOut`; `session` after the session's end.
    public mutating func next() async throws -> Future<Value>? {
      if returned == ready.count {
        guard left > 0 else { return nil }
        try await wait()
      }
      returned += 1
      return ready[returned - 1].take()
    }

    /// Waits for those that come to an end next.
    private mutating func wait() async throws {
      let watch: FutureWatch
      if let known = self.watch {
        watch = known
      } else {
        let tasks = waiting.compactMap { $0?.task }
        watch = session.watch(tasks)
        digest = tasks.digest
        self.watch = watch
      }
      let answer = try await session.ask(
        .settled(watch, timeout: timeout?.nanoseconds), operation: "asCompleted",
        detail: "\(left) of \(waiting.count) futures, \(digest)", callSite: callSite)
      guard !answer.isEmpty else {
        throw MusterError(
          .timedOut, "none of \(left) futures came to an end within \((timeout ?? .zero).text)", callSite: callSite)
      }
      ready = answer.withUnsafeBytes { bytes in
        stride(from: 0, to: bytes.count, by: 4).map { start in
          waiting[Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))].take()
        }
      }
      returned = 0
      left -= ready.count
    }
  }
}
