/// A rolling 128-bit hash of the calls that a rank has made. Not cryptographic: it guards against mistakes.
package struct Fingerprint: Hashable, Sendable, BitwiseCopyable {
  package private(set) var low: UInt64 = 0x243F_6A88_85A3_08D3
  package private(set) var high: UInt64 = 0x1319_8A2E_0370_7344

  package init() {}

  /// One that was made elsewhere.
  init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  package mutating func fold(_ value: UInt64) {
    // Two lanes of the finaliser of SplitMix64 (Steele, Lea and Flood 2014), with different constants.
    low = Self.mix(low ^ value &* 0x9E37_79B9_7F4A_7C15)
    high = Self.mix(high &+ value ^ (low << 32 | low >> 32))
  }

  package mutating func fold(_ value: Int) { fold(UInt64(bitPattern: Int64(value))) }

  package mutating func fold(_ text: String) {
    var word: UInt64 = 0
    var filled = 0
    for byte in text.utf8 {
      word = word << 8 | UInt64(byte)
      filled += 1
      if filled == 8 {
        fold(word)
        (word, filled) = (0, 0)
      }
    }
    fold(word ^ UInt64(filled) << 60)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
