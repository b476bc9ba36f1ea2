import Muster

/// Prints a digest of the bytes of what each of many operations gives: they depend on neither ranks nor threads.
enum Operations {
  static func run() async throws {
    try await Session.run { session in
      let a = session.linspace(-3.0, 4.0, count: 60 * 44).reshaped([60, 44]).rechunked([7, 11])
      let wave = sin(a * 37.0) + a
      let row = cos(session.linspace(0.1, 2.0, count: 44))
      let small = wave[0..., ..<9]
      let (u, s, vt) = small.svd()
      let (wideU, wideS, wideVt) = small.transposed().svd()
      // Large enough for the eigenvectors of the Gram matrix to be the way.
      let times = session.linspace(0.1, 4.0, count: 300 * 140)
      let (largeU, largeS, largeVt) = sin(times * times * 3000.0).reshaped([300, 140]).rechunked([64, -1]).svd()
      let operations: [(String, ChunkedArray<Double>)] = [
        ("broadcast", (wave - row) / (row + 3.0)), ("sqrt", sqrt(abs(wave))), ("exp", exp(wave)),
        ("log", log(abs(wave) + 1.0)), ("which", which(wave .> row, wave, 0.0)), ("sum", wave.sum()),
        ("sum 0", wave.sum(axis: 0)), ("sum 1", wave.sum(axis: 1, keepDims: true)),
        ("product", cos(wave).product(axis: 1)),
        ("mean", wave.mean()), ("mean 0", wave.mean(axis: 0)), ("variance", wave.variance()),
        ("variance 1", wave.variance(axis: 1)), ("deviation", wave.standardDeviation(axis: 0)),
        ("min", wave.min(axis: 0)), ("max", wave.max()), ("slice", wave[3..<50, .stride(by: 3)]),
        ("transposed", wave.transposed()), ("reshaped", wave.reshaped([30, 88])),
        ("rechunked", wave.rechunked([13, -1])),
        ("matmul", wave.matmul(wave.transposed())), ("mapBlocks", wave.mapBlocks { $0 * 2.0 }),
        ("concatenated", concatenated([wave, wave * 2.0])), ("u", u), ("s", s), ("vt", vt), ("wide u", wideU),
        ("wide s", wideS), ("wide vt", wideVt), ("modes", (u * s)[0..., ..<3]), ("large u", largeU),
        ("large s", largeS), ("large vt", largeVt), ("large modes", (largeU * largeS)[0..., ..<5]),
        ("large patterns", largeVt[..<5]),
      ]
      for (name, array) in operations {
        let result = try await array.compute()
        print("\(name) \(result.shape) \(digest(result))")
      }
    }
  }

  private static func digest(_ array: NDArray<Double>) -> UInt64 {
    array.withElements { elements in
      elements.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ $1.bitPattern) &* 0x0000_0100_0000_01B3 }
    }
  }
}
