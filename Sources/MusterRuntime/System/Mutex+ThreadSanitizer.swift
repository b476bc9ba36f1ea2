#if MUSTER_THREAD_SANITIZER
  internal import Glibc

  /// Swift's `Mutex` in builds for ThreadSanitizer, under the same name.
  ///
  /// Where several threads want a `Mutex` of Synchronization's at once, it is taken within libswiftSynchronization, which is
  /// built without the sanitizer: what the lock guards looks as if nothing guarded it. Locks of POSIX threads the sanitizer
  /// knows.
  package struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Safe: the value is reached with the lock held only, and neither moves while this exists.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

    package init(_ initial: consuming sending Value) {
      value.initialize(to: initial)
      pthread_mutex_init(lock, nil)
    }

    deinit {
      value.deinitialize(count: 1)
      value.deallocate()
      pthread_mutex_destroy(lock)
      lock.deallocate()
    }

    package borrowing func withLock<Result: ~Copyable, E: Error>(
      _ body: (inout sending Value) throws(E) -> sending Result
    ) throws(E) -> sending Result {
      pthread_mutex_lock(lock)
      defer { pthread_mutex_unlock(lock) }
      return try body(&value.pointee)
    }

    package borrowing func withLockIfAvailable<Result: ~Copyable, E: Error>(
      _ body: (inout sending Value) throws(E) -> sending Result
    ) throws(E) -> sending Result? {
      guard pthread_mutex_trylock(lock) == 0 else { return nil }
      defer { pthread_mutex_unlock(lock) }
      return try body(&value.pointee)
    }
  }
#endif
