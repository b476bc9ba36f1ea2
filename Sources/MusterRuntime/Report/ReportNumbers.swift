/// Figures as the report has them: three digits and a unit.
enum ReportNumbers {
  /// `1.23`, `12.3`, `123`, `1234`.
  static func digits(_ value: Double) -> String {
    let places = value < 9.995 ? 100 : value < 99.95 ? 10 : 1
    let whole = Int((value * Double(places)).rounded())
    guard places > 1 else { return "\(whole)" }
    let rest = "\(whole % places)"
    return "\(whole / places)." + String(repeating: "0", count: (places == 100 ? 2 : 1) - rest.count) + rest
  }

  /// Nanoseconds.
  static func time(_ nanoseconds: Int) -> String {
    let value = Double(nanoseconds)
    if nanoseconds == 0 { return "0" }
    if value < 999.5 { return "\(nanoseconds) ns" }
    if value < 999.5e3 { return digits(value / 1e3) + " µs" }
    if value < 999.5e6 { return digits(value / 1e6) + " ms" }
    return value < 1e13 ? digits(value / 1e9) + " s" : digits(value / 3.6e12) + " h"
  }

  /// Powers of 1000, as transfers and files are measured.
  static func bytes(_ count: Int) -> String {
    let value = Double(count)
    if count < 1000 { return "\(count) B" }
    let units = ["kB", "MB", "GB", "TB", "PB", "EB"]
    var (scaled, unit) = (value / 1000, 0)
    while scaled >= 999.5, unit < units.count - 1 { (scaled, unit) = (scaled / 1000, unit + 1) }
    return digits(scaled) + " " + units[unit]
  }

  /// A number of things, in full as far as anybody reads it.
  static func count(_ count: Int) -> String {
    let value = Double(count)
    if count < 10_000_000 { return "\(count)" }
    return value < 999.5e6 ? digits(value / 1e6) + " M" : digits(value / 1e9) + " G"
  }

  static func percent(_ share: Double) -> String {
    share > 0 && share < 0.005 ? "<1 %" : share > 9.99 ? ">999 %" : "\(Int((100 * share).rounded())) %"
  }

  /// On one line, and within so many columns.
  static func name(_ text: String, columns: Int) -> String {
    let line = String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    return line.count <= columns ? line : line.prefix(columns - 1) + "…"
  }
}

/// Rows of a table, each cell as wide as the widest of its column: the first to the left, the others to the right.
struct ReportTable {
  private var rows: [[String]] = []

  mutating func append(_ row: [String]) { rows.append(row) }

  /// - Parameters:
  ///   - indent: Blanks before each row.
  ///   - room: How wide a row may be: what is too much is cut from the first column.
  func lines(indent: Int = 2, columns room: Int = .max) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    var widths = (0..<columns).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    let excess = indent + widths.reduce(0, +) + 2 * max(0, columns - 1) - room
    if excess > 0 { widths[0] = max(1, widths[0] - excess) }
    return rows.map { row in
      var line = String(repeating: " ", count: indent)
      for (column, text) in row.enumerated() {
        let cell = text.count <= widths[column] ? text : ReportNumbers.name(text, columns: widths[column])
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        line += column == 0 ? cell + blanks : "  " + blanks + cell
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
