import CHDF5
import Glibc
import MusterRuntime
import Synchronization

/// The HDF5 library of this process, behind one lock.
///
/// The library that Linux distributions package isn't safe to call from two threads at once, not even for different
/// files. Every call of it goes through `withLock`, and every `HDF5Identifier` lives and dies inside it. What needs no
/// library call (reading and writing contiguous elements) stays outside. A program that also calls HDF5 by itself must
/// not do so while Muster reads or writes.
enum HDF5Library {
  /// What the lock protects besides the library itself.
  struct State: ~Copyable {
    var isReady = false
    var openFiles = HDF5OpenFiles()
  }

  private static let state = Mutex(State())

  /// Runs the body as the only one in the library.
  static func withLock<R>(_ body: (inout State) throws -> R) throws -> R {
    try state.withLock { state in
      if !state.isReady {
        guard chdf5_open_library() >= 0 else {
          throw MusterError(
            .inputOutput, "the HDF5 library can't be initialised",
            fix: "Check that the HDF5 library that the program loads is the one that it was built with")
        }
        state.isReady = true
      }
      // In a thread-safe build of the library the printing of errors is a setting of each thread.
      chdf5_silence_errors()
      chdf5_clear_errors()
      return try body(&state)
    }
  }

  /// What the library's last failure came from, in its own words, to go at the end of a message; and the `errno`
  /// behind it, if a system call failed.
  static func lastFailure() -> (text: String, system: SystemFailure?) {
    var number: Int32 = 0
    var found = false
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer -> String in
      guard let start = buffer.baseAddress else { return "" }
      found = chdf5_innermost_error(start, buffer.count, &number)
      return found ? String(cString: start) : ""
    }
    return (text.isEmpty ? "" : " (the HDF5 library says: \(text))", number == 0 ? nil : SystemFailure(errno: number))
  }

  /// A string from a call that gives its length when asked without a buffer.
  static func string(_ call: (UnsafeMutablePointer<CChar>?, Int) -> Int64) -> String {
    let length = Int(call(nil, 0))
    guard length > 0 else { return "" }
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: length + 1) { buffer in
      guard let start = buffer.baseAddress else { return "" }
      buffer.initialize(repeating: 0)
      _ = call(start, buffer.count)
      return String(cString: start)
    }
  }
}

/// Something that is open in the library, closed when the value goes. Lives inside `HDF5Library.withLock` only.
struct HDF5Identifier: ~Copyable {
  let id: chdf5_id

  /// Takes over what a call returned; nil where the call failed.
  init?(_ id: chdf5_id) {
    guard id >= 0 else { return nil }
    self.id = id
  }

  /// Takes over what a call returned.
  ///
  /// - Throws: `inputOutput` where the call failed, naming what the call was to get and from which file.
  init(_ id: chdf5_id, _ thing: @autoclosure () -> String, in path: String) throws {
    guard id >= 0 else { throw HDF5Failure.error("can't get \(thing())", in: path) }
    self.id = id
  }

  deinit { chdf5_close(id) }
}

/// Errors out of failed library calls.
enum HDF5Failure {
  /// An error that says what couldn't be done, where, and what the library says about it.
  static func error(_ what: String, in path: String) -> MusterError {
    let (text, system) = HDF5Library.lastFailure()
    if let system, [ENOSPC, EDQUOT, EACCES, EPERM, EROFS, EFBIG].contains(system.errno) {
      return system.error("use", path)
    }
    return MusterError(.inputOutput, "\(what) in \"\(path)\"\(text)")
  }

  /// Throws where a call returned a negative number.
  static func check(_ result: Int32, _ what: @autoclosure () -> String, in path: String) throws {
    if result < 0 { throw error(what(), in: path) }
  }
}
