import MusterRuntime
import Testing

struct ProgressTests {
  private let half = ProgressBoard.Snapshot(phase: 1, finished: 45, total: 90, operation: "mean")

  @Test func theBarFitsTheTerminal() {
    #expect(ProgressText.bar(half, seconds: 12, columns: 54) == "mean  [##########----------]  50 %  45/90 tasks  12 s")
    for columns in 10...200 { #expect(ProgressText.bar(half, seconds: 12, columns: columns).count < columns) }
  }

  @Test func linesNameTheOperation() {
    #expect(ProgressText.line(half, seconds: 75) == "muster: mean: 50 %, 45/90 tasks, 1 min 15 s")
  }

  @Test func nothingToDoIsDone() {
    let none = ProgressBoard.Snapshot(phase: 1, finished: 0, total: 0, operation: "mean")
    #expect(ProgressText.line(none, seconds: 0).contains("100 %"))
  }

  /// A plan that is refused never begins, but its end is told.
  @Test func anEndWithoutABeginningChangesNothing() {
    let board = ProgressBoard()
    board.end()
    #expect(!board.snapshot.isRunning)
    board.begin(total: 3)
    #expect(board.snapshot.isRunning)
    board.end()
    #expect(!board.snapshot.isRunning)
  }

  @Test func durations() {
    #expect(ProgressText.duration(59) == "59 s")
    #expect(ProgressText.duration(3599) == "59 min 59 s")
    #expect(ProgressText.duration(3661) == "1 h 1 min")
  }
}
