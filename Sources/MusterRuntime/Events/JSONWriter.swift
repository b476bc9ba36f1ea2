/// Appends JSON to bytes: for files that are too long to be a value first. Commas are the caller's.
struct JSONWriter: Sendable {
  private(set) var bytes: [UInt8] = []

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func raw(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  mutating func number(_ value: Int) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    digits(value.magnitude)
  }

  private mutating func digits(_ value: UInt, atLeast count: Int = 1) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
      var rest = value
      var first = 20
      while rest > 0 || 20 - first < count {
        first -= 1
        buffer[first] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
      bytes.append(contentsOf: buffer[first...])
    }
  }

  /// Nanoseconds as microseconds, exactly.
  mutating func microseconds(_ nanoseconds: Int) {
    if nanoseconds < 0 { bytes.append(UInt8(ascii: "-")) }
    let (whole, rest) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
    digits(whole)
    bytes.append(UInt8(ascii: "."))
    digits(rest, atLeast: 3)
  }

  /// A string with its quotes.
  mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20, 0x7f:
        raw("\\u00")
        let hex: StaticString = "0123456789abcdef"
        hex.withUTF8Buffer {
          bytes.append($0[Int(byte >> 4)])
          bytes.append($0[Int(byte & 15)])
        }
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// A number as a string of hexadecimal digits, such as `"0x1f"`.
  mutating func hexadecimal(_ value: UInt64) {
    raw("\"0x")
    bytes.append(contentsOf: String(value, radix: 16).utf8)
    raw("\"")
  }
}
