#if MUSTER_THREAD_SANITIZER
  internal import MusterRuntime

  typealias Mutex<Value: ~Copyable> = MusterRuntime.Mutex<Value>
#endif
