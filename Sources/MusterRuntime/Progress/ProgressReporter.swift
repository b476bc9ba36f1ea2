internal import Glibc

/// Tells on standard error how far the running collective is. Looks at the board a few times a second, on a thread of
/// its own, so that the engine never waits for a terminal.
///
/// `@unchecked Sendable` is safe: `isStopped` is used with `condition` locked only, the rest is constant.
final class ProgressReporter: @unchecked Sendable {
  enum Style { case bar, lines }

  private let board: ProgressBoard
  private let style: Style
  private let condition = ConditionLock()
  private var isStopped = false
  private var hasEnded = false

  /// Collectives shorter than this show no bar: it would only flicker.
  private static let barDelay = 500_000_000
  private static let barInterval = 100_000_000
  /// A log gets a line after this long, and then at doubling intervals up to `longestLineInterval`.
  private static let lineDelay = 5_000_000_000
  private static let longestLineInterval = 60_000_000_000

  init(board: ProgressBoard, style: Style) {
    self.board = board
    self.style = style
    SystemThread.start(name: "muster-progress") { self.loop() }
  }

  /// Ends the thread and waits for it, so that nothing is drawn later.
  func stop() {
    condition.withLock {
      isStopped = true
      condition.broadcast()
      while !hasEnded { condition.wait() }
    }
  }

  private func loop() {
    var phase = 0
    var begin = MonotonicClock.nanoseconds
    var nextLine = begin
    var interval = Self.lineDelay
    var isDrawn = false
    condition.lock()
    while !isStopped {
      condition.wait(nanoseconds: Self.barInterval)
      let now = MonotonicClock.nanoseconds
      let snapshot = board.snapshot
      if snapshot.phase != phase || !snapshot.isRunning {
        if isDrawn { write("\r\u{1B}[K") }
        isDrawn = false
        phase = snapshot.phase
        begin = now
        interval = Self.lineDelay
        nextLine = now + interval
        continue
      }
      let seconds = (now - begin) / 1_000_000_000
      switch style {
      case .bar where now - begin > Self.barDelay:
        write("\r\u{1B}[K" + ProgressText.bar(snapshot, seconds: seconds, columns: Self.terminalColumns))
        isDrawn = true
      case .lines where now >= nextLine:
        write(ProgressText.line(snapshot, seconds: seconds) + "\n")
        interval = min(2 * interval, Self.longestLineInterval)
        nextLine = now + interval
      default:
        break
      }
    }
    if isDrawn { write("\r\u{1B}[K") }
    hasEnded = true
    condition.broadcast()
    condition.unlock()
  }

  private func write(_ text: String) { StandardStreams.writeError(text) }

  static var standardErrorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }

  private static var terminalColumns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
