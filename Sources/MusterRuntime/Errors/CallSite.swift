/// A place in the user's program: the one that asked for an operation.
public struct CallSite: Hashable, Sendable, Codable, CustomStringConvertible {
  /// `Module/File.swift`, as `#fileID` gives it.
  public var file: String
  public var line: Int

  public init(file: String, line: Int) {
    self.file = file
    self.line = line
  }

  public init(file: StaticString, line: UInt) {
    self.file = file.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
    self.line = Int(line)
  }

  public var description: String { "\(file):\(line)" }
}
