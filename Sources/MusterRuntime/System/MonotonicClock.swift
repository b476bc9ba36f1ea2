internal import Glibc

/// The monotonic clock, in nanoseconds.
enum MonotonicClock {
  static var nanoseconds: Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1_000_000_000 + now.tv_nsec
  }
}
