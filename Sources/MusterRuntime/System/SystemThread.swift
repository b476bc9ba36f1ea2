internal import CLinux
internal import Glibc

/// A thread of the library's own: tasks never run on Swift's cooperative pool, which they would block.
enum SystemThread {
  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// LAPACK keeps blocks on the stack, and user closures may recurse.
  private static let stackSize = 16 << 20

  /// Starts a detached thread. The name, cut to 15 characters, shows in `top -H` and debuggers.
  static func start(name: String, _ run: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, stackSize)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let body = Unmanaged.passRetained(Body(name: name, run: run))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        let body = Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        String(body.name.prefix(15)).withCString { clinux_name_thread($0) }
        body.run()
        return nil
      }, body.toOpaque())
    pthread_attr_destroy(&attributes)
    guard status == 0 else {
      fatalError("a thread could not be started: \(String(cString: strerror(status)))")
    }
  }
}
