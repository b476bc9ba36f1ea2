/// Text as a POSIX shell takes it.
enum ShellText {
  /// One word, as it is: in quotes where the shell would read something into it.
  static func word(_ text: String) -> String {
    let plain = text.wholeMatch(of: /[A-Za-z0-9_@%+=:,.\/-]+/) != nil
    return plain ? text : "'" + text.replacing("'", with: #"'\''"#) + "'"
  }

  static func words(_ texts: [String]) -> String { texts.map(word).joined(separator: " ") }

  /// A file's name with placeholders, `{id}` and the like, for each of which the shell has a value.
  static func file(_ name: String, _ values: [String: String]) -> String {
    // The parts are quoted one by one; the variables between them are for the shell.
    var text = ""
    var rest = name[...]
    while let match = rest.firstMatch(of: /\{(?:id|index)\}/), let value = values[String(match.0)] {
      let before = String(rest[..<match.range.lowerBound])
      text += (before.isEmpty ? "" : word(before)) + value
      rest = rest[match.range.upperBound...]
    }
    return text + (rest.isEmpty ? "" : word(String(rest)))
  }

  /// The last thing of a path, without characters that a job's name can't have.
  static func name(ofProgram path: String) -> String {
    let last = path.split(separator: "/").last.map(String.init) ?? path
    let name = String(last.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._+-".contains($0)) }.prefix(60))
    return JobDescription.isName(name) ? name : "job"
  }
}
