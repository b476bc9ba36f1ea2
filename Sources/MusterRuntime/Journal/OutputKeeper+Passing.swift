internal import CLinux
internal import Glibc
internal import Synchronization

/// From the file to where standard output went before.
extension OutputKeeper {
  /// Passes on what has been printed, as far as somebody reads it, tells how much, and passes nothing on any more: what is
  /// left, and printed from now on, is the next run's.
  ///
  /// - Parameters:
  ///   - patience: how long to wait for who reads standard output, in milliseconds.
  ///   - isTotal: whether that is all the time there is; else it's for each bit that is read.
  func stop(patience: Int, isTotal: Bool) {
    let length = length()
    // Who writes may have to wait for ever.
    var left = patience
    var before: UInt64 = 0
    while left > 0 && clinux_output_has_failed() == 0 {
      let (isKeeping, passedOn) = state.withLock { ($0.isKeeping, $0.passedOn) }
      guard isKeeping && passedOn < length else { break }
      left = passedOn > before && !isTotal ? patience : left - 1
      before = passedOn
      usleep(1000)
    }
    // Who still waits for a reader keeps nobody else from leaving.
    Self.current.withLock { if $0 === self { $0 = nil } }
    state.withLock { $0.isKeeping = false }
    tellOfNews()
  }

  /// Passes on what is in the file of the session that runs. Not to be called in a signal handler.
  static func passOnCurrent() {
    current.withLock { $0 }?.passOn()
  }

  /// Passes on what has been printed, and tells how much that is where it's news. Returns whether there may be more later.
  @discardableResult
  func passOnAndTell(_ extent: Extent = .all) -> Bool {
    let goesOn = passOn(extent)
    tellOfNews()
    return goesOn
  }

  /// The program has come to its end: nobody passes on what is left.
  func passOnRest() {
    // What other threads print from now on is after the end.
    let end = state.withLock { $0.isKeeping ? lseek($0.file, 0, SEEK_CUR) : 0 }
    passOnAndTell()
    // A program that goes on may print less than it did.
    let left = max(0, end - state.withLock { off_t($0.passedOn) })
    guard left > 0, clinux_output_has_failed() == 0 else { return }
    StandardStreams.writeError(
      "muster: warning: standard output took no more: the last \(left) bytes that the program has printed are in"
        + " '\(path)' alone\n")
  }

  private func tellOfNews() {
    // With the lock held: who finds nothing to tell may take it that it has been told.
    state.withLock { state in
      guard state.passedOn > state.told else { return }
      state.tell(state.passedOn)
      state.told = state.passedOn
    }
  }

  /// Returns whether there may be more later.
  @discardableResult
  private func passOn(_ extent: Extent = .all) -> Bool { passing.withLock { _ in passOnLocked(extent) } }

  /// The same with the lock of who passes on held.
  private func passOnLocked(_ extent: Extent = .all) -> Bool {
    // A pipe takes so much whole or not at all: how much has gone is known whoever stops meanwhile.
    var buffer = [UInt8](repeating: 0, count: Int(PIPE_BUF))
    while true {
      // What comes after a hole is the next run's, which prints it again.
      guard clinux_output_has_failed() == 0 else { return false }
      let part = state.withLock { state -> (count: Int, original: Int32)? in
        guard state.isKeeping else { return nil }
        let length = extent == .all ? UInt64(max(0, lseek(state.file, 0, SEEK_CUR))) : state.recorded
        guard length > state.passedOn else { return (0, state.original) }
        return (
          max(0, pread(state.file, &buffer, min(buffer.count, Int(length - state.passedOn)), off_t(state.passedOn))),
          state.original
        )
      }
      guard let part else { return false }
      guard part.count > 0 else { return true }
      let count = buffer.withUnsafeBytes {
        StandardStreams.writeAsMuch(of: UnsafeRawBufferPointer(rebasing: $0[..<part.count]), to: part.original)
      }
      state.withLock { $0.passedOn += UInt64(count) }
      // Who doesn't take it now may later.
      guard count == part.count else { return true }
    }
  }
}
