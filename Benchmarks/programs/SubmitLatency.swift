import Muster

/// From submitting a function to having its value, one after the other.
enum SubmitLatency {
  static func run(count: Int) async throws {
    try await Session.run { session in
      var microseconds: [Double] = []
      microseconds.reserveCapacity(count)
      var sum = 0
      // The first ones find memory and threads cold.
      for number in -200..<count {
        let start = ContinuousClock.now
        sum += try await session.submit { number }.value()
        if number >= 0 { microseconds.append(seconds(since: start) * 1e6) }
      }
      microseconds.sort()
      let expected = (-200..<count).reduce(0, +)
      guard sum == expected else { throw MusterError(.internal, "the values add up to \(sum), not \(expected)") }
      print(
        """
        {"p50": \(microseconds[count / 2]), "p99": \(microseconds[count * 99 / 100]), \
        "mean": \(microseconds.reduce(0, +) / Double(count)), "check": \(sum)}
        """)
    }
  }
}
