import Foundation
import Synchronization

/// A terminal without a screen. A thread takes what is written to it, as a terminal would.
final class PseudoTerminal: Sendable {
  /// The end that a program has as its standard output.
  let inside: FileHandle
  private let outside: Int32
  private let written = Mutex<[UInt8]>([])
  private let hasEnded = DispatchSemaphore(value: 0)

  init(columns: Int) throws {
    var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    var ends: (outside: Int32, inside: Int32) = (-1, -1)
    guard openpty(&ends.outside, &ends.inside, nil, nil, &size) == 0 else {
      throw LaunchError("there is no pseudo-terminal: \(String(cString: strerror(errno)))")
    }
    // Other programs that tests start meanwhile would hold it open.
    for end in [ends.outside, ends.inside] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    outside = ends.outside
    inside = FileHandle(fileDescriptor: ends.inside, closeOnDealloc: false)
    Thread.detachNewThread { self.read() }
  }

  private func read() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = Foundation.read(outside, &buffer, buffer.count)
      // An error says that nobody has the inside open any more.
      guard count > 0 else { break }
      written.withLock { $0 += buffer[..<count] }
    }
    hasEnded.signal()
  }

  /// After the programs have ended: everything that they wrote.
  func end() -> [UInt8] {
    try? inside.close()
    hasEnded.wait()
    close(outside)
    return written.withLock { $0 }
  }
}

/// What a terminal shows: carriage returns, line feeds and "erase to the end of the line" are obeyed.
struct Screen {
  /// The lines as they stand at the end, without trailing spaces.
  private(set) var lines: [String] = []
  /// Every state that a line had when it was drawn over.
  private(set) var drawnOver: [String] = []
  /// The longest that a line ever was.
  private(set) var width = 0
  /// Whether the cursor stands at the beginning of a line at the end.
  private(set) var endsWithNewLine = true

  init(_ bytes: [UInt8]) {
    var line: [Character] = []
    var column = 0
    var rest = Substring.UnicodeScalarView(String(decoding: bytes, as: UTF8.self).unicodeScalars)
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\r":
        column = 0
      case "\n":
        lines.append(Self.trimmed(line))
        line = []
        column = 0
      case "\u{1B}":
        if rest.starts(with: "[K".unicodeScalars) {
          rest = rest.dropFirst(2)
          if column == 0 && !line.isEmpty { drawnOver.append(Self.trimmed(line)) }
          line.removeSubrange(min(column, line.count)...)
        } else {
          line.append("?")
        }
      default:
        while line.count <= column { line.append(" ") }
        line[column] = Character(scalar)
        column += 1
        width = max(width, column)
      }
    }
    endsWithNewLine = line.isEmpty
    if !line.isEmpty { lines.append(Self.trimmed(line)) }
  }

  private static func trimmed(_ line: [Character]) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }
}
