/// Sizes of memory and files as people write them.
package enum ByteSize {
  /// What `parse` takes, for messages.
  package static let forms =
    "a number above 0, with a unit or without one: 4 GB or 4GB (10^9 bytes), 4 GiB, 4G or 4Gi (2^30), 1.5 TB, 500 MB,"
    + " 4096 (bytes)"

  /// A number of bytes from text: `4 GB`, `4GiB`, `1.5 tb`, `5e8`, `4096`. nil where it is no size, 0, or too large.
  ///
  /// `kB`, `MB`, `GB`, `TB`, `PB` and `EB` are powers of 1000; `KiB` to `EiB`, and the same without the `B`, powers of
  /// 1024. A letter alone is a power of 1024, as batch systems have it. Case doesn't matter, nor do spaces. Fractions of a
  /// byte are dropped.
  package static func parse(_ text: String) -> Int? {
    let characters = text.filter { !$0.isWhitespace }.lowercased()
    var rest = characters[...]
    func digits() -> Substring {
      let found = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest.dropFirst(found.count)
      return found
    }
    let whole = digits()
    var fraction: Substring = ""
    if rest.first == "." {
      rest = rest.dropFirst()
      fraction = digits()
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return nil }
    var exponent = 0
    // `1e6` is a million, `1e` and `1eb` are exabytes.
    let power = rest.dropFirst().prefix { $0 == "+" || $0 == "-" || ($0.isASCII && $0.isNumber) }
    if rest.first == "e", let value = Int(power) {
      guard abs(value) <= 30 else { return nil }
      exponent = value
      rest = rest.dropFirst(power.count + 1)
    }
    guard let unit = units[String(rest)] else { return nil }
    if fraction.isEmpty && exponent == 0 {
      guard let number = Int(whole) else { return nil }
      let (bytes, isTooLarge) = number.multipliedReportingOverflow(by: unit)
      return isTooLarge || bytes <= 0 ? nil : bytes
    }
    guard let number = Double("\(whole.isEmpty ? "0" : whole).\(fraction.isEmpty ? "0" : fraction)e\(exponent)") else {
      return nil
    }
    let bytes = (number * Double(unit)).rounded(.down)
    return bytes >= 1 && bytes < 0x1p62 ? Int(bytes) : nil
  }

  /// The bytes of each unit, in small letters.
  private static let units: [String: Int] = {
    var units = ["": 1, "b": 1]
    var decimal = 1
    for (number, letter) in "kmgtpe".enumerated() {
      decimal *= 1000
      let binary = 1 << (10 * (number + 1))
      units["\(letter)b"] = decimal
      for name in ["\(letter)", "\(letter)i", "\(letter)ib"] { units[name] = binary }
    }
    return units
  }()

  /// A size for messages, to a tenth of a binary unit: `1.5 GiB`.
  package static func text(_ bytes: Int) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    let magnitude = Int.bitWidth - 1 - max(bytes, 1).leadingZeroBitCount
    let step = min(units.count - 1, max(0, magnitude / 10))
    let tenths = Int((Double(bytes) / Double(1 << (10 * step)) * 10).rounded())
    return step == 0 ? "\(bytes) bytes" : "\(tenths / 10).\(tenths % 10) \(units[step])"
  }
}
