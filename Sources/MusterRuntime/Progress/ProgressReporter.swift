internal import Glibc

/// Tells on standard error how far the running collective is. Looks at the board a few times a second, on a thread of
/// its own, so that the engine never waits for a terminal.
///
/// `@unchecked Sendable` is safe: what isn't constant is used with `condition` locked only.
final class ProgressReporter: @unchecked Sendable {
  enum Style { case bar, lines }

  private let board: ProgressBoard
  private let style: Style
  private let terminal: ErrorTerminal?
  private let condition = ConditionLock()
  private var isStopped = false
  private var hasEnded = false
  /// The collective that was seen last, and when.
  private var phase = 0
  private var begin = MonotonicClock.nanoseconds

  /// Collectives shorter than this show no bar: it would only flicker.
  private static let barDelay = 500_000_000
  private static let barInterval = 100_000_000
  /// A log gets a line after this long, and then at doubling intervals up to `longestLineInterval`.
  private static let lineDelay = 5_000_000_000
  private static let longestLineInterval = 60_000_000_000

  /// - Parameter terminal: where the reader sits, for the width of the bar.
  init(board: ProgressBoard, style: Style, terminal: ErrorTerminal?) {
    self.board = board
    self.style = style
    self.terminal = terminal
    SystemThread.start(name: "muster-progress") { self.loop() }
  }

  /// After a collective, before the program goes on: leaves the bar, where there is one, as a line of its own, so that
  /// what the program prints next begins on a new one.
  func collectiveEnded(isComplete: Bool) {
    condition.withLock {
      var isDrawn = false
      StandardStreams.closeLine {
        isDrawn = true
        var snapshot = board.snapshot
        if isComplete { snapshot.finished = snapshot.total }
        return bar(snapshot)
      }
      if isDrawn { StandardStreams.waitUntilErrorsAreRead() }
    }
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
    var nextLine = begin
    var interval = Self.lineDelay
    condition.lock()
    while !isStopped {
      condition.wait(nanoseconds: Self.barInterval)
      let now = MonotonicClock.nanoseconds
      let snapshot = board.snapshot
      if snapshot.phase != phase || !snapshot.isRunning {
        phase = snapshot.phase
        begin = now
        interval = Self.lineDelay
        nextLine = now + interval
        continue
      }
      switch style {
      case .bar where now - begin > Self.barDelay:
        StandardStreams.redrawLine(bar(snapshot))
      case .lines where now >= nextLine:
        StandardStreams.writeError(ProgressText.line(snapshot, seconds: seconds) + "\n")
        interval = min(2 * interval, Self.longestLineInterval)
        nextLine = now + interval
      default:
        break
      }
    }
    StandardStreams.closeLine()
    hasEnded = true
    condition.broadcast()
    condition.unlock()
  }

  private var seconds: Int { (MonotonicClock.nanoseconds - begin) / 1_000_000_000 }

  private func bar(_ snapshot: ProgressBoard.Snapshot) -> String {
    ProgressText.bar(snapshot, seconds: seconds, columns: terminal?.columns ?? ErrorTerminal.usualColumns)
  }
}
