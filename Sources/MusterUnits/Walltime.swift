/// Lengths of time as people write them for batch systems.
package enum Walltime {
  /// What `parse` takes, for messages.
  package static let forms =
    "2h30m, 90 min, 45m, 1d 12h, 30s, 02:30:00 (hours, minutes, seconds) or 1-12:00:00 (days first)"

  /// A number of seconds from text: `2h30m`, `1d 12h`, `90 min`, `02:30:00`, `1-12:00:00`. nil where it is no length of
  /// time, is 0, or has a number without a unit: batch systems take that for minutes or for seconds, each its own way.
  package static func parse(_ text: String) -> Int? {
    let seconds = text.contains(":") ? clock(text) : units(text)
    return seconds.flatMap { $0 > 0 ? $0 : nil }
  }

  /// `D-HH:MM:SS` or `HH:MM:SS`.
  private static func clock(_ text: String) -> Int? {
    let trimmed = text.filter { !$0.isWhitespace }
    let parts = trimmed.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count <= 2, let last = parts.last else { return nil }
    let fields = last.split(separator: ":", omittingEmptySubsequences: false).map { number($0) }
    guard fields.count == 3, let hours = fields[0], let minutes = fields[1], let seconds = fields[2] else { return nil }
    guard minutes < 60, seconds < 60, parts.count == 1 || hours < 24 else { return nil }
    var days = 0
    if parts.count == 2 {
      guard let number = number(parts[0]) else { return nil }
      days = number
    }
    return sum([(days, 86_400), (hours, 3_600), (minutes, 60), (seconds, 1)])
  }

  private static let lengths: [(names: Set<String>, seconds: Int)] = [
    (["d", "day", "days"], 86_400),
    (["h", "hour", "hours"], 3_600),
    (["m", "min", "minute", "minutes"], 60),
    (["s", "sec", "second", "seconds"], 1),
  ]

  /// Numbers with units, the largest unit first, each at most once.
  private static func units(_ text: String) -> Int? {
    var rest = text.lowercased().filter { !$0.isWhitespace }[...]
    var parts: [(Int, Int)] = []
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(digits.count)
      let unit = String(rest.prefix { $0.isLetter })
      rest = rest.dropFirst(unit.count)
      guard let number = number(digits), let length = lengths.first(where: { $0.names.contains(unit) }) else {
        return nil
      }
      guard length.seconds < parts.last?.1 ?? .max else { return nil }
      parts.append((number, length.seconds))
    }
    return parts.isEmpty ? nil : sum(parts)
  }

  private static func number(_ text: Substring) -> Int? {
    guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
    return Int(text)
  }

  private static func sum(_ parts: [(Int, Int)]) -> Int? {
    var total = 0
    for (number, seconds) in parts {
      let (product, isTooLarge) = number.multipliedReportingOverflow(by: seconds)
      let (sum, isTooMuch) = total.addingReportingOverflow(product)
      guard !isTooLarge, !isTooMuch else { return nil }
      total = sum
    }
    return total
  }

  /// `HH:MM:SS`, which SLURM and PBS take alike: `36:00:00` is a day and a half.
  package static func clockText(_ seconds: Int) -> String {
    let fields = [seconds / 3_600, seconds / 60 % 60, seconds % 60]
    return fields.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
  }

  /// For messages: `2h30m`.
  package static func text(_ seconds: Int) -> String {
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
    let text = parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    return text.isEmpty ? "0s" : text
  }
}
