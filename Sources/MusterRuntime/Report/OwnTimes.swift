internal import Glibc
internal import Synchronization

/// What each thread has spent in its task besides work, in nanoseconds, until it's asked.
struct OwnTimes {
  /// In reading and writing files.
  var files = 0
  /// In waiting for other tasks, while another thread worked in its place.
  var waits = 0

  private static let key: pthread_key_t? = {
    var key = pthread_key_t()
    return pthread_key_create(&key) { free($0) } == 0 ? key : nil
  }()

  /// Whether any thread has spent any: most tasks of most programs have nothing to do with files.
  private static let isAny = Atomic<Bool>(false)

  /// What the calling thread has spent since this was last called.
  @inline(__always)
  static func take() -> OwnTimes { isAny.load(ordering: .relaxed) ? takeThere() : OwnTimes() }

  private static func takeThere() -> OwnTimes {
    guard let key, let own = pthread_getspecific(key)?.assumingMemoryBound(to: OwnTimes.self) else { return OwnTimes() }
    defer { own.pointee = OwnTimes() }
    return own.pointee
  }

  static func add(_ time: Int, to kind: WritableKeyPath<OwnTimes, Int>) {
    guard let key else { return }
    isAny.store(true, ordering: .relaxed)
    // Zeros are none of either.
    if pthread_getspecific(key) == nil { pthread_setspecific(key, calloc(1, MemoryLayout<OwnTimes>.size)) }
    pthread_getspecific(key)?.assumingMemoryBound(to: OwnTimes.self).pointee[keyPath: kind] += time
  }
}
