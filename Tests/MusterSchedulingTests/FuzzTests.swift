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

  /// `MUSTER_FUZZ_SEED` runs that seed alone, `MUSTER_FUZZ_SEEDS` that many from 0 on.
  @Test func randomGraphsOnUnreliableWorkers() {
    let environment = ProcessInfo.processInfo.environment
    let seeds: Range<UInt64>
    if let seed = environment["MUSTER_FUZZ_SEED"].flatMap({ UInt64($0) }) {
      seeds = seed..<seed + 1
    } else {
      seeds = 0..<(environment["MUSTER_FUZZ_SEEDS"].flatMap { UInt64($0) } ?? Self.seeds)
    }
    var losses = 0
    var retracts = 0
    var slotChanges = 0
    var attached = 0
    var (spills, loads, diskFailures, misfits) = (0, 0, 0, 0)
    for seed in seeds {
      do {
        let report = try FuzzCase(seed: seed).run()
        losses += report.losses
        retracts += report.givenBack
        slotChanges += report.slotChanges
        attached += report.attached
        spills += report.spills
        loads += report.loads
        diskFailures += report.diskFailures
        misfits += report.misfits
      } catch {
        Issue.record("MUSTER_FUZZ_SEED=\(seed): \(error)")
        return
      }
    }
    if seeds.count >= 1000 {
      // What the fuzzer is for has to have happened.
      #expect(losses > seeds.count / 4)
      #expect(retracts > seeds.count / 10)
      #expect(slotChanges > seeds.count)
      #expect(attached > seeds.count)
      #expect(
        spills > seeds.count && loads > seeds.count / 2 && diskFailures > seeds.count / 50
          && misfits > seeds.count / 50,
        "\(spills) \(loads) \(diskFailures) \(misfits)")
    }
  }
}
