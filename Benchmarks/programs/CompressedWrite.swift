import Glibc
import Muster

/// An array in memory, written compressed.
enum CompressedWrite {
  /// As `compressed_write.py` has it: temperatures to a hundredth of a degree.
  static func run(rows: Int, columns: Int, path: String) async throws {
    try await Session.run { session in
      let field = try session.fromFunction([rows, columns], as: Double.self, chunks: [256, -1]) { index in
        let value = 280 + 20 * sin(0.01 * Double(index[0])) * cos(0.003 * Double(index[1]))
        return (value * 100).rounded() / 100
      }.persist()
      let sum = try await field.sum().compute().item()
      var timings: [Double] = []
      // The first doesn't count.
      for _ in 0..<4 {
        let start = ContinuousClock.now
        try await field.write(to: path, dataset: "t", compression: .deflate(level: 4, chunkShape: [64, 2048]))
        timings.append(seconds(since: start))
      }
      print("{\"seconds\": \(timings.dropFirst().sorted()[1]), \"check\": \(sum)}")
    }
  }
}
