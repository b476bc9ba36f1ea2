import Muster

/// `(x - mean) / std` and a sum, over an array in memory; mean and standard deviation are numbers known beforehand.
enum Elementwise {
  static func run(count: Int) async throws {
    try await Session.run { session in
      // Not random: what the numbers are has no bearing on the time, and the other side has the same.
      let values = NDArray<Double>(shape: [count]) { buffer in
        for index in buffer.indices { buffer[index] = 5 + 3 * Double(index % 1009 - 504) / 291 }
      }
      let (mean, deviation) = (5.0, 3.0)
      let x = session.array(values)
      var timings: [Double] = []
      var sum = 0.0
      // The first doesn't count.
      for _ in 0..<16 {
        let start = ContinuousClock.now
        sum = try await ((x - mean) / deviation).sum().compute().elements[0]
        timings.append(seconds(since: start))
      }
      let expected = values.elements.reduce(0) { $0 + ($1 - mean) / deviation }
      guard abs(sum - expected) < 1e-6 * Double(count).squareRoot() else {
        throw MusterError(.internal, "the sum is \(sum), and should be \(expected)")
      }
      print("{\"seconds\": \(timings.dropFirst().sorted()[7]), \"check\": \(sum)}")
    }
  }
}
