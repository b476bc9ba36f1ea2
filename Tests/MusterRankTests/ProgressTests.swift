import Foundation
import Testing

@Suite(.serialized)
struct ProgressTests {
  /// The program prints, computes for a second, prints, computes briefly, computes for another second, prints.
  @Test(arguments: Launch.sizes)
  func theBarIsDrawnAndLeavesTheOutputAlone(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["progress"], ranks: ranks, onTerminalOf: 64)
    let screen = Screen(run.written)
    #expect(run.status == 0, "\(screen.lines)")
    #expect(screen.lines.count == 5 && screen.endsWithNewLine, "\(screen.lines)")
    guard screen.lines.count == 5 else { return }
    #expect(screen.lines[0] == "before")
    #expect(screen.lines[1].wholeMatch(of: /first  \[#+\]  100 %  40\/40 tasks  \d s/) != nil, "\(screen.lines)")
    #expect(screen.lines[2] == "between")
    #expect(screen.lines[3].wholeMatch(of: /second  \[#+\]  100 %  40\/40 tasks  \d s/) != nil, "\(screen.lines)")
    #expect(screen.lines[4] == "after")
    // It was drawn again and again while it grew, and never as wide as the terminal.
    #expect(Set(screen.drawnOver).count >= 4, "\(screen.drawnOver)")
    #expect(screen.drawnOver.allSatisfy { $0.hasPrefix("first  [#") || $0.hasPrefix("second  [#") })
    #expect(screen.drawnOver.contains { $0.contains("-]  ") })
    #expect(screen.width == 63)
  }

  @Test func theBarFitsANarrowTerminal() throws {
    let run = try Launch.run("rank-programs", ["progress"], onTerminalOf: 24)
    let screen = Screen(run.written)
    #expect(run.status == 0 && screen.width < 24, "\(screen.lines)")
    #expect(screen.lines.count == 5 && screen.lines[1].hasPrefix("first  100 %"), "\(screen.lines)")
  }

  /// The bar stays where it was, and the error begins on a line of its own.
  @Test(arguments: Launch.sizes)
  func errorsHaveALineOfTheirOwn(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["progress", "fail"], ranks: ranks, onTerminalOf: 64)
    let screen = Screen(run.written)
    #expect(run.status != 0)
    #expect(try Self.bars(in: screen, before: "caught a task threw: Unhappy(number: 32)").count == 1, "\(screen.lines)")
  }

  /// What mpirun says of the death of a rank may stand behind the bar, and another bar behind that.
  @Test(.whereOthersOutliveTheDead) func theEndOfTheJobHasALineOfItsOwn() throws {
    let run = try Launch.run("rank-programs", ["progress", "die"], ranks: 3, onTerminalOf: 64)
    let screen = Screen(run.written)
    #expect(run.status != 0)
    #expect(try !Self.bars(in: screen, before: "muster: fatal: rank 1 (").isEmpty, "\(screen.lines)")
  }

  /// The lines with a bar that isn't full. Expects none behind the line that begins with `text`.
  private static func bars(in screen: Screen, before text: String) throws -> [String] {
    let last = try #require(screen.lines.firstIndex { $0.hasPrefix(text) }, "\(screen.lines)")
    #expect(!screen.lines[last...].contains { $0.contains("first  [") }, "\(screen.lines)")
    return screen.lines[..<last].filter {
      $0.prefixMatch(of: /first  \[#+-+\]  [1-9]\d? %  \d+\/40 tasks  \d s/) != nil
    }
  }

  /// Where standard error isn't a terminal there are plain lines, of what takes long; what is printed isn't touched.
  @Test(arguments: Launch.sizes)
  func logsGetPlainLines(ranks: Int?) throws {
    let run = try Launch.run("rank-programs", ["progress", "long"], ranks: ranks)
    #expect(run.status == 0 && run.output == "before\nbetween\nafter\n", "\(run.errors)")
    let lines = run.errors.split(separator: "\n").filter { $0.hasPrefix("muster: ") }
    #expect(lines.count == 1, "\(run.errors)")
    #expect(lines.first?.wholeMatch(of: /muster: first: \d\d %, \d\d\/40 tasks, 5 s/) != nil, "\(run.errors)")
    #expect(!run.errors.contains("\r") && !run.errors.contains("\u{1B}"))
  }

  /// A log that is asked for on a terminal, and a bar without one.
  @Test func theStyleCanBeChosen() throws {
    let lines = try Launch.run(
      "rank-programs", ["progress"], onTerminalOf: 64, environment: ["MUSTER_PROGRESS": "lines"])
    #expect(Screen(lines.written).lines == ["before", "between", "after"])
    let bar = try Launch.run("rank-programs", ["progress"], environment: ["MUSTER_PROGRESS": "bar"])
    #expect(bar.status == 0 && bar.errors.contains("\r") && bar.errors.contains("100 %  40/40 tasks"))
    #expect(Screen(Array(bar.errors.utf8)).width < 80)
  }

  @Test(arguments: Launch.sizes)
  func silentWhenAsked(ranks: Int?) throws {
    let run = try Launch.run(
      "rank-programs", ["progress"], ranks: ranks, onTerminalOf: 64, environment: ["MUSTER_PROGRESS": "none"])
    #expect(run.status == 0)
    #expect(String(decoding: run.written, as: UTF8.self) == "before\r\nbetween\r\nafter\r\n")
  }
}
