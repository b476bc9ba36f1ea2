import MusterRuntime
import Testing

@Suite struct ValueDigestTests {
  private struct Point { var x: Int8, y: Int }

  @Test func differentContentsHaveDifferentDigests() {
    let values: [any Sendable] = [
      0, 1, UInt8(3), -1.5, 0.1, "", "a", "ab", true, [1, 2], [2, 1], [1, 2, 0], [0.5], ["a", "b"], ["ab"],
      [[1], [2]], [[1, 2]], [Float80(1)], [false, true], Array(0..<100_000), Array(0..<100_001),
    ]
    let texts = values.map { ValueDigest.text(of: $0) }
    #expect(!texts.contains(nil))
    #expect(Set(texts).count == values.count)
    for (value, text) in zip(values, texts) { #expect(ValueDigest.text(of: value) == text) }
  }

  @Test func ofLongListsBothEndsAndPagesBetweenCount() {
    let list = Array(repeating: UInt8(0), count: 1 << 20)
    let plain = ValueDigest.text(of: list)
    for position in [0, 1023, (1 << 20) - 1] {
      var other = list
      other[position] = 1
      #expect(ValueDigest.text(of: other) != plain, "\(position)")
    }
    #expect(ValueDigest.text(of: list.map { _ in UInt8(1) }) != plain)
  }

  @Test func valuesWithGapsBetweenTheirFieldsHaveNone() {
    #expect(ValueDigest.text(of: Point(x: 1, y: 2)) == nil)
    #expect(ValueDigest.text(of: [Point(x: 1, y: 2)]) == nil)
    #expect(ValueDigest.text(of: [1: 2]) == nil)
  }
}
