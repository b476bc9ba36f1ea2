internal import CLinux
internal import Glibc
internal import Synchronization

/// Standard output and error as the session arranges them: the program speaks once.
package enum StandardStreams {
  /// A line of standard error that is drawn again and again, by one thread, while others have something to say.
  private enum DrawnLine {
    case none, open
    /// The last words have been written: nothing is drawn behind them.
    case over
  }
  private static let drawnLine = Mutex(DrawnLine.none)

  /// Draws a line of a terminal anew, and stays in it.
  static func redrawLine(_ text: String) {
    drawnLine.withLock { line in
      guard line != .over else { return }
      line = .open
      put("\r\u{1B}[K" + text)
    }
  }

  /// Ends the line that was drawn, if any. `text` is drawn in its place before.
  static func closeLine(_ text: () -> String? = { nil }) {
    drawnLine.withLock { line in
      guard line == .open else { return }
      line = .none
      put((text().map { "\r\u{1B}[K" + $0 } ?? "") + "\n")
    }
  }

  /// Writes to standard error at once, in one piece, on a line of its own.
  static func writeError(_ text: String, isLast: Bool = false) {
    drawnLine.withLock { line in
      put((line == .open ? "\n" : "") + text)
      if line == .open { line = .none }
      if isLast { line = .over }
    }
  }

  private static func put(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      writeAll(UnsafeRawBufferPointer(bytes), to: STDERR_FILENO)
    }
  }

  /// Writes all of it, also where the other end is slow and the file doesn't wait for it: others that the terminal or the
  /// pipe is shared with may have made it so.
  ///
  /// - Parameter patience: for how many milliseconds such a file may take nothing before what is left is dropped.
  package static func writeAll(_ bytes: UnsafeRawBufferPointer, to file: Int32, patience: Int32 = 5000) {
    _ = writeAsMuch(of: bytes, to: file, patience: patience)
  }

  /// The same; returns how much that was.
  static func writeAsMuch(of bytes: UnsafeRawBufferPointer, to file: Int32, patience: Int32 = 5000) -> Int {
    var rest = bytes
    while !rest.isEmpty {
      let count = write(file, rest.baseAddress, rest.count)
      if count >= 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      } else if errno == EAGAIN {
        var waiting = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        if poll(&waiting, 1, patience) == 0 { break }
      } else if errno != EINTR {
        break
      }
    }
    return bytes.count - rest.count
  }

  /// Where a standard stream is closed, what is opened next would be taken for it: what the program prints would go into
  /// its journal, say.
  static func openClosed() {
    for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) == -1 && errno == EBADF {
      // The lowest number that is free is this one: those below are open.
      _ = open("/dev/null", O_RDWR)
    }
  }

  /// Has standard output pass each line on at once, where the program hasn't chosen to have no buffer at all.
  ///
  /// Under `srun`, MPICH's launcher, or with a file, the C library keeps output back by the block, and a job is seldom
  /// left through `exit`: what was printed would be lost when another rank dies, or the time that was asked for is over.
  static func passOutputOnByLines() { clinux_buffer_output_by_lines() }

  /// Passes on what is left of standard output. Not to be called in a signal handler.
  static func flushOutput() {
    flushBufferedOutput()
    OutputKeeper.passOnCurrent()
  }

  /// The same as far as the C library keeps it back.
  static func flushBufferedOutput() { clinux_flush_output() }

  /// The same before the process ends by other means than `exit`. Where nobody takes the output, or the end takes longer
  /// otherwise, the kernel ends the process after five seconds.
  static func flushLastOutput() {
    signal(SIGALRM, SIG_DFL)
    alarm(5)
    flushOutput()
  }

  private static let outputPath = Mutex<String?>(nil)

  /// Where standard error is a pipe to a launcher, gives it a moment to pass on what was written, before it is given
  /// something on standard output: the two come to the user's terminal separately.
  static func waitUntilErrorsAreRead() {
    for _ in 0..<50 {
      var waiting: Int32 = 0
      guard ioctl(STDERR_FILENO, UInt(FIONREAD), &waiting) == 0, waiting > 0 else { return }
      usleep(1000)
    }
  }

  /// Sends standard output to a file (`rank-N.out` in the folder), or nowhere. A second session goes on in the file of
  /// the first.
  ///
  /// - Throws: `MusterError` where the folder or the file can't be made.
  static func redirectOutput(rank: Int, logDirectory: String?) throws(MusterError) {
    let path: String
    if let logDirectory {
      if mkdir(logDirectory, 0o777) != 0 && errno != EEXIST {
        throw MusterError(
          .inputOutput, "the log folder '\(logDirectory)' can't be made: \(String(cString: strerror(errno)))",
          fix: "Set MUSTER_LOG_DIRECTORY to a folder that this job may write to")
      }
      path = "\(logDirectory)/rank-\(rank).out"
    } else {
      path = "/dev/null"
    }
    guard outputPath.withLock({ $0 != path }) else { return }
    fflush(nil)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else {
      throw MusterError(
        .inputOutput, "the log file '\(path)' can't be opened: \(String(cString: strerror(errno)))",
        fix: "Set MUSTER_LOG_DIRECTORY to a folder that this job may write to")
    }
    dup2(file, STDOUT_FILENO)
    close(file)
    outputPath.withLock { $0 = path }
    if logDirectory != nil { passOutputOnByLines() }
  }

  /// Gives the thread that prefixes standard error the time to pass on what was written.
  static func letErrorsThrough() {
    if isPrefixed.load(ordering: .relaxed) { usleep(80_000) }
  }

  private static let isPrefixed = Atomic<Bool>(false)

  /// Prefixes the standard error of every rank but 0, once: it stays so after the session.
  static func prefixErrorsIfNeeded(rank: Int) {
    guard rank != 0, isPrefixed.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else {
      return
    }
    prefixErrors(rank: rank)
    Signals.delayCrashes()
  }

  /// Puts `[rank N] ` before every line of standard error, through a pipe and a thread that reads it.
  private static func prefixErrors(rank: Int) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    let original = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)
    guard original >= 0 else { return }
    dup2(ends[1], STDERR_FILENO)
    close(ends[1])
    let reading = ends[0]
    SystemThread.start(name: "muster-stderr") {
      let prefix = Array("[rank \(rank)] ".utf8)
      var line: [UInt8] = prefix
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(reading, &buffer, buffer.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        var out: [UInt8] = []
        for byte in buffer[..<count] {
          line.append(byte)
          if byte == UInt8(ascii: "\n") {
            out += line
            line = prefix
          }
        }
        // A line without its end is passed on as it is when nothing follows it at once: it may be the last words.
        var waiting = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
        if line.count > prefix.count && poll(&waiting, 1, 50) == 0 {
          out += line + [UInt8(ascii: "\n")]
          line = prefix
        }
        out.withUnsafeBytes { writeAll($0, to: original) }
      }
    }
  }
}
