import MusterRuntime
import Testing

struct CoveredTimeTests {
  /// Compared with a count of the moments that are covered, in the order of the ends and in any.
  @Test(arguments: [true, false])
  func countsEachMomentOnce(inOrder: Bool) {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      var spans = (0..<60).map { _ -> Range<Int> in
        let begin = Int.random(in: 0..<400, using: &random)
        return begin..<begin + Int.random(in: 0..<30, using: &random)
      }
      if inOrder { spans.sort { $0.upperBound < $1.upperBound } }
      var covered = CoveredTime()
      for span in spans { covered.add(from: span.lowerBound, to: span.upperBound) }
      let expected = Set(spans.flatMap { Array($0) }).count
      #expect(covered.total == expected, "\(spans)")
    }
  }

  @Test func remembersOnlySoMuch() {
    var covered = CoveredTime()
    for number in 0..<10_000 { covered.add(from: 10 * number, to: 10 * number + 5) }
    #expect(covered.total == 50_000)
    // One that spans all of it counts from where it is remembered on, and never more than once.
    covered.add(from: 0, to: 100_000)
    #expect((50_000...100_000).contains(covered.total) && covered.total > 50_000)
  }
}
