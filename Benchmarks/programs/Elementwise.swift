import Muster

/// `(x - mean) / std`, then a sum, of doubles in memory: the median time of several runs.
enum Elementwise {
  static func run(count: Int, repeats: Int) async throws {
    try await Session.run { session in
      let values = NDArray<Double>(shape: [count]) { x in
        for index in x.indices { x[index] = Double(index % 1009) * 0.25 }
      }
      let (mean, deviation) = (126.0, 72.75)
      let x = try session.array(values, chunks: [count / 16]).validate()
      var times: [Double] = []
      var check = 0.0
      for _ in 0...repeats {
        let start = ContinuousClock.now
        check = try await ((x - mean) / deviation).sum().compute().elements[0]
        times.append(seconds(since: start))
      }
      // The first run finds the memory.
      let median = times.dropFirst().sorted()[repeats / 2]
      print("{\"seconds\": \(median), \"check\": \(check)}")
    }
  }
}
