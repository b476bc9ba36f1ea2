#if MUSTER_THREAD_SANITIZER
  import MusterRuntime

  typealias Mutex<Value: ~Copyable> = MusterRuntime.Mutex<Value>
#endif
