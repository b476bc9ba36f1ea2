import Glibc
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

  /// The same means by whole numbers, in tasks of their own.
  private static func exactMeans(_ session: Session, count: Int) async throws -> [Double] {
    let parts = 64
    let sums = try session.map(Array(0..<parts), name: "exact") { part -> [Int] in
      var sums = [0, 0, 0, 0]
      for index in part * count / parts..<(part + 1) * count / parts {
        let (u, v, w) = (number(1, index), number(2, index), number(3, index))
        sums[0] += u * u
        sums[1] += v * v
        sums[2] += u * v
        sums[3] += w * w
      }
      return sums
    }
    let all = try await session.gather(sums)
    return (0..<4).map { place in Double(all.reduce(0) { $0 + $1[place] }) / Double(count) }
  }

  /// On every rank: the process has never held more of the machine's memory than it may.
  private static func expectPeak(below limit: Int?) throws {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let peak = usage.ru_maxrss << 10
    if let limit, peak > limit {
      throw MusterError(.internal, "a process held \(peak) bytes, and may hold \(limit)")
    }
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
      // Before anything else takes memory.
      try expectPeak(below: getenv("MUSTER_MEMORY_LIMIT").flatMap { Int(String(cString: $0)) })
      let means = [uu.item(), vv.item(), uv.item(), ww.item()]
      let exact = try await exactMeans(session, count: fieldBytes / 8)
      guard means == exact else { throw MusterError(.internal, "the means are \(means), and should be \(exact)") }
      guard session.isRoot else { return }
      let check = means.reduce(0, +)
      print("{\"seconds\": \(elapsed), \"check\": \(check)}")
    }
  }
}
