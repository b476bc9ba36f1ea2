import Muster

/// Means of u², v², u·v and w² of three fields that are kept, each many times the workers' memory.
enum MemoryUV {
  /// The numbers are whole and small: sums of their products are exact in any order.
  private static func number(_ field: Int, _ index: Int) -> Int {
    var mixed = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(field)
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int(mixed >> 54) - 512
  }

  static func run(fieldBytes: Int, chunkBytes: Int) async throws {
    try await Session.run { session in
      func field(_ number: Int) -> ChunkedArray<Double> {
        session.zeros([fieldBytes / 8], as: Double.self, chunks: .sizes([chunkBytes / 8])).mapBlocks { block, info in
          let first = info.region.origin[0]
          return NDArray<Double>(shape: block.shape) { buffer in
            for place in buffer.indices {
              buffer.initializeElement(at: place, to: Double(self.number(number, first + place)))
            }
          }
        }
      }
      let start = ContinuousClock.now
      let (u, v, w) = try session.persist(field(1), field(2), field(3))
      let (uu, vv, uv, ww) = try await session.compute(
        (u * u).mean(), (v * v).mean(), (u * v).mean(), (w * w).mean())
      let elapsed = seconds(since: start)
      guard session.isRoot else { return }
      let check = uu.item() + vv.item() + uv.item() + ww.item()
      print("{\"seconds\": \(elapsed), \"check\": \(check)}")
    }
  }
}
