import Glibc
import Muster
import MusterRuntime

/// Means of products of two fields that are larger than the memory that they are computed in.
enum MemoryUV {
  /// The numbers are whole and small: sums of their products are exact in any order.
  private static func number(_ field: Int, _ index: Int) -> Int {
    var mixed = UInt64(truncatingIfNeeded: index) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(field)
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int(mixed >> 54) - 512
  }

  /// - Parameters:
  ///   - bytes: Of each field.
  ///   - chunkBytes: Of each of its chunks.
  ///   - way: `kept` where all of both fields is to be there before a mean is asked for; `small-disk` where a scratch
  ///     file can take only one of its chunks; `killed` where all of its processes but rank 0 end in the middle, or the
  ///     only one.
  static func run(bytes: Int, chunkBytes: Int, way: Set<String>) async throws {
    let count = bytes / 8
    try await Session.run { session in
      if way.contains("small-disk") {
        // Not before: an MPI may make larger files when it starts.
        var limit = rlimit(rlim_cur: rlim_t(chunkBytes), rlim_max: rlim_t(chunkBytes))
        setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE, which Swift doesn't see
      }
      func field(_ number: Int) -> ChunkedArray<Double> {
        session.zeros([count], as: Double.self, chunks: .sizes([chunkBytes / 8])).mapBlocks { block, info in
          let first = info.region.origin[0]
          return NDArray<Double>(shape: block.shape) { buffer in
            for place in buffer.indices {
              buffer.initializeElement(at: place, to: Double(self.number(number, first + place)))
            }
          }
        }
      }
      var (u, v) = (field(1), field(2))
      if way.contains("kept") { (u, v) = try session.persist(u, v) }
      let start = ContinuousClock.now
      let (uu, vv, uv) = try await session.compute((u * u).mean(), (v * v).mean(), (u * v).mean())
      let seconds = ContinuousClock.now - start
      if way.contains("killed") && (session.rank > 0 || session.rankCount == 1) { kill(getpid(), SIGKILL) }
      let disk = SpillTraffic.counts
      print("peak \(session.rank) \(peak()) written \(disk.written) read \(disk.read)")
      guard session.isRoot else { return }
      print("means \(uu.item()) \(vv.item()) \(uv.item())")
      var sums = (0, 0, 0)
      for index in 0..<count {
        let (u, v) = (number(1, index), number(2, index))
        sums = (sums.0 + u * u, sums.1 + v * v, sums.2 + u * v)
      }
      let expected = [sums.0, sums.1, sums.2].map { Double($0) / Double(count) }
      print([uu.item(), vv.item(), uv.item()] == expected ? "exact" : "expected \(expected)")
      print("took \(seconds)")
    }
  }

  /// The most that this process has held, in bytes. What `getrusage` says begins with that of the process that started it.
  static func peak() -> Int { ProcessMemory.highWater ?? .max }
}
