import Muster

/// The steps of examples/eof on one large field, from the opening of the file to the written result.
enum EOF {
  static func run(input: String, output: String) async throws {
    try await Session.run { session in
      let start = ContinuousClock.now
      let field = try session.open(input, dataset: "field", as: Double.self)
      let latitude = try session.open(input, dataset: "latitude", as: Double.self)
      let (times, rows, columns) = (field.shape[0], field.shape[1], field.shape[2])
      let weights = sqrt(cos(latitude * (.pi / 180)))[0..., .newAxis]
      let anomaly = field - field.mean(axis: 0)
      let (u, s, vt) = (anomaly * weights).reshaped([times, rows * columns]).svd()
      let variance = s * s / (s * s).sum()
      let kept = 0..<20
      try await session.write(
        to: output,
        [
          .dataset("latitude", latitude),
          .dataset("mode", NDArray(kept.map { $0 + 1 })),
          .dataset("singular_values", s[kept], dimensions: ["mode"]),
          .dataset("explained_variance", variance[kept], dimensions: ["mode"]),
          .dataset("principal_components", (u * s)[0..., kept], dimensions: [nil, "mode"]),
          .dataset("eof", vt[kept].reshaped([kept.count, rows, columns]), dimensions: ["mode", "latitude", nil]),
        ])
      let elapsed = seconds(since: start)
      let leading = try await session.open(output, dataset: "explained_variance", as: Double.self)[0].compute()
      print("{\"seconds\": \(elapsed), \"check\": \(leading.elements[0])}")
    }
  }
}
