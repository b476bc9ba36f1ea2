import Foundation
import MusterRuntime
import Testing

struct ProcessMemoryTests {
  /// In a process of its own: others' memory comes and goes.
  @Test func whatIsFreedLeavesTheProcess() async {
    await #expect(processExitsWith: .success) {
      let mega = 1 << 20
      func resident() -> Int { ProcessMemory.resident?.total ?? 0 }
      let baseline = resident()
      precondition(baseline > mega)
      // Small blocks are malloc's. The last one keeps it from giving the others back by itself.
      var small = (0..<4096).map { _ in malloc(32 << 10)! }
      for block in small { memset(block, 1, 32 << 10) }
      let last = small.removeLast()
      let large = (0..<16).map { _ in BlockStorage(byteCount: 4 * mega) }
      for block in large { memset(block.bytes, 1, block.byteCount) }
      let full = resident()
      precondition(full > baseline + 180 * mega, "\(full - baseline)")
      for block in small { free(block) }
      withExtendedLifetime(large) {}
      precondition(resident() > baseline + 120 * mega)
      ProcessMemory.trim()
      // The large ones live still.
      precondition(resident() < baseline + 100 * mega, "\(resident() - baseline)")
      withExtendedLifetime(large) {}
      free(last)
    }
  }

  @Test func blocksGetWhatTheProgramLeaves() {
    var budget = MemoryBudget(limit: 16_000, baseline: 2000)
    #expect(budget.blockLimit == 13_000)
    #expect(!budget.observe(resident: 8000, storedBytes: 6000) && budget.blockLimit == 13_000)
    #expect(!budget.observe(resident: 14_000, storedBytes: 9000) && budget.blockLimit == 11_000)
    // The most was when 9000 were stored.
    #expect(!budget.observe(resident: 14_000, storedBytes: 100) && budget.blockLimit == 11_000)
    #expect(budget.observe(resident: 15_000, storedBytes: 100) && budget.blockLimit == 4000)
    // What was taken once isn't taken for ever.
    for _ in 0..<200 { _ = budget.observe(resident: 4000, storedBytes: 2000) }
    #expect(budget.blockLimit > 12_900)
  }

  @Test func whatTasksHeldForAMomentCounts() async {
    await #expect(processExitsWith: .success) {
      let size = 100 << 20
      let before = ProcessMemory.recentPeak!
      do {
        let storage = try! BlockStorage(allocating: size, for: "a test")
        memset(storage.bytes, 1, size)
      }
      BlockAllocator.shared.releaseKept()
      precondition(ProcessMemory.resident!.total < before + size / 2)
      precondition(ProcessMemory.recentPeak! > before + size / 10 * 9)
      // Once.
      precondition(ProcessMemory.recentPeak! < before + size / 2)
    }
  }
}
