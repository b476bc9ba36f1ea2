/// A place in the user's program: the one that asked for an operation.
public struct CallSite: Hashable, Sendable, Codable, CustomStringConvertible {
  /// `Module/File.swift`, as `#fileID` gives it.
  public var file: String
  /// The line, from 1.
  public var line: Int

  /// A place by a file's name and a line.
  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  /// A place as `#fileID` and `#line` give it.
  public init(file: StaticString, line: UInt) {
    self.file = file.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
    self.line = Int(line)
  }

  /// `Module/File.swift:12`.
  public var description: String { "\(file):\(line)" }
}
