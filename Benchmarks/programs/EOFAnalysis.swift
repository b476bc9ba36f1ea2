import Muster

/// The steps of `examples/eof` on a field of doubles, from the opening of the file to the closing of the result.
enum EOFAnalysis {
  static let modeCount = 20

  static func run(input: String, output: String) async throws {
    try await Session.run { session in
      let start = ContinuousClock.now
      let field = try session.open(input, dataset: "field", as: Double.self)
      let latitude = try session.open(input, dataset: "latitude", as: Double.self)
      let (times, rows, columns) = (field.shape[0], field.shape[1], field.shape[2])
      let weights = sqrt(cos(latitude * (.pi / 180)))[0..., .newAxis]
      let anomaly = field - field.mean(axis: 0)
      let matrix = (anomaly * weights).reshaped([times, rows * columns])
      let (u, s, vt) = matrix.svd()
      let variance = s * s / (s * s).sum()
      let kept = 0..<modeCount
      try await session.write(to: output) {
        DatasetOutput.dataset("latitude", latitude)
        DatasetOutput.dataset("mode", NDArray(kept.map { $0 + 1 }))
        DatasetOutput.dataset("singular_values", s[kept])
        DatasetOutput.dataset("explained_variance", variance[kept])
        DatasetOutput.dataset("principal_components", (u * s)[0..., kept])
        DatasetOutput.dataset("eof", vt[kept].reshaped([modeCount, rows, columns]))
      }
      let elapsed = seconds(since: start)
      let shares = try await session.open(output, dataset: "explained_variance", as: Double.self).compute()
      print("{\"seconds\": \(elapsed), \"check\": \(shares.elements[0])}")
    }
  }
}
