extension Session {
  /// A lock that tasks on any worker share, made by `Session.lock`: one of them holds it at a time, and they get it in the
  /// order in which they ask.
  ///
  /// A task that ends, by returning or by throwing, releases what it still holds. It never loses it before.
  ///
  /// Its functions are for tasks, on the thread that runs the task. The program itself has no use for it:
  /// its collectives never run at the same time.
  public struct Lock: Sendable {
    let use: CoordinationUse

    /// The name, which is the lock's identity.
    public var name: String { use.object.name }

    /// Runs `body` with the lock held, and releases it whether `body` returns or throws.
    ///
    /// - Parameter timeout: how long to wait for the lock; nil for as long as it takes. Zero doesn't wait.
    /// - Throws: what `body` throws, and what `acquire` and `release` throw.
    public func withLock<R>(timeout: Duration? = nil, _ body: () throws -> R) throws -> R {
      try acquire(timeout: timeout)
      let result: R
      do {
        result = try body()
      } catch {
        // The error of the body is the one to hear of; what isn't released here is at the end of the task.
        try? release()
        throw error
      }
      try release()
      return result
    }

    /// Waits until the lock is free and those who asked before have had it, and takes it.
    ///
    /// - Parameter timeout: how long to wait for the lock; nil for as long as it takes. Zero doesn't wait.
    /// - Throws: `MusterError` with code `timedOut`, naming who holds it; `deadlock` where the same task holds it already,
    ///   or tasks would wait for each other for ever; `cancelled` where the collective has failed meanwhile; `notInTask`.
    public func acquire(timeout: Duration? = nil) throws {
      try use.perform(.acquire, timeout: timeout)
    }

    /// Gives the lock to the next who waits.
    ///
    /// - Throws: `MusterError` with code `notHeld` where the calling task doesn't hold it; `notInTask`.
    public func release() throws {
      try use.perform(.release)
    }
  }

  /// A semaphore that tasks on any worker share, made by `Session.semaphore`: as many leases as its limit says, given in
  /// the order in which tasks ask. For what a cluster has only so much of: licences, connections, open files.
  ///
  /// A task that ends, by returning or by throwing, gives back what it still holds. It never loses a lease before.
  ///
  /// Its functions are for tasks, on the thread that runs the task.
  public struct Semaphore: Sendable {
    let use: CoordinationUse

    /// The name, which is the semaphore's identity.
    public var name: String { use.object.name }
    /// The number of leases.
    public var limit: Int { use.object.limit }

    /// Runs `body` with a lease, and gives it back whether `body` returns or throws.
    ///
    /// - Parameter timeout: how long to wait for a lease; nil for as long as it takes. Zero doesn't wait.
    /// - Throws: what `body` throws, and what `acquire` and `release` throw.
    public func withLease<R>(timeout: Duration? = nil, _ body: () throws -> R) throws -> R {
      try acquire(timeout: timeout)
      let result: R
      do {
        result = try body()
      } catch {
        // The error of the body is the one to hear of; what isn't released here is at the end of the task.
        try? release()
        throw error
      }
      try release()
      return result
    }

    /// Waits until a lease is free and those who asked before have had theirs, and takes it. A task may hold several.
    ///
    /// - Parameter timeout: how long to wait for a lease; nil for as long as it takes. Zero doesn't wait.
    /// - Throws: `MusterError` with code `timedOut`, naming who holds them; `deadlock` where tasks would wait for each other
    ///   for ever; `cancelled` where the collective has failed meanwhile; `invalidArgument` where the limit is below 1, or
    ///   isn't the one that the name was used with before; `notInTask`.
    public func acquire(timeout: Duration? = nil) throws {
      try use.perform(.acquire, timeout: timeout)
    }

    /// Gives a lease back, to the next who waits.
    ///
    /// - Throws: `MusterError` with code `notHeld` where the calling task holds none; `notInTask`.
    public func release() throws {
      try use.perform(.release)
    }
  }
}
