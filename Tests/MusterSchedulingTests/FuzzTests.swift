import Foundation
import MusterSimulation
import Testing

@Suite struct FuzzTests {
  /// Unoptimised code takes several milliseconds for a seed.
  #if DEBUG
    static let seeds: UInt64 = 2000
  #else
    static let seeds: UInt64 = 10_000
  #endif

  /// What a seed comes to at least, on average.
  private static let expected: [(count: any KeyPath<SimulationReport, Int> & Sendable, perSeed: Double)] = [
    (\.losses, 0.25), (\.givenBack, 0.1), (\.slotChanges, 1), (\.attached, 1),
    (\.spills, 1), (\.loads, 0.5), (\.diskFailures, 0.02), (\.misfits, 0.02),
    (\.retries, 0.1), (\.overdue, 0.04), (\.lateEnds, 0.04), (\.cancellations, 0.2),
    (\.settledFutures, 0.5), (\.unsettledReleases, 0.1), (\.replays, 0.15), (\.heldBack, 0.01), (\.heldUp, 0.01),
  ]

  /// `MUSTER_FUZZ_SEED` runs that seed alone, `MUSTER_FUZZ_SEEDS` that many from 0 on.
  @Test func randomGraphsOnUnreliableWorkers() {
    let environment = ProcessInfo.processInfo.environment
    let seeds: Range<UInt64>
    if let seed = environment["MUSTER_FUZZ_SEED"].flatMap({ UInt64($0) }) {
      seeds = seed..<seed + 1
    } else {
      seeds = 0..<(environment["MUSTER_FUZZ_SEEDS"].flatMap { UInt64($0) } ?? Self.seeds)
    }
    var counts = [Int](repeating: 0, count: Self.expected.count)
    for seed in seeds {
      do {
        let report = try FuzzCase(seed: seed).run()
        for (place, expected) in Self.expected.enumerated() { counts[place] += report[keyPath: expected.count] }
      } catch {
        Issue.record("\(error); that seed alone: MUSTER_FUZZ_SEED=\(seed) make fuzz")
        return
      }
    }
    guard seeds.count >= 1000 else { return }
    // What the fuzzer is for has to have happened.
    for (expected, count) in zip(Self.expected, counts) {
      #expect(Double(count) > expected.perSeed * Double(seeds.count), "\(expected.count): \(count)")
    }
  }
}
