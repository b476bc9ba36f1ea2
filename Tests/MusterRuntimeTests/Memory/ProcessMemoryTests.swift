import Foundation
import MusterRuntime
import Synchronization
import Testing

struct ProcessMemoryTests {
  /// In a process of its own: others' memory comes and goes.
  @Test(.plainMemory) func whatIsFreedLeavesTheProcess() async {
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
    // A sixteenth for tasks, a thirty-second for what nobody has looked at.
    #expect(budget.blockLimit == 12_500)
    #expect(!budget.observe(resident: 8000, storedBytes: 6000) && budget.blockLimit == 12_500)
    #expect(!budget.observe(resident: 14_000, storedBytes: 9000) && budget.blockLimit == 10_500)
    // The most was when 9000 were stored.
    #expect(!budget.observe(resident: 14_000, storedBytes: 100) && budget.blockLimit == 10_500)
    #expect(budget.observe(resident: 15_000, storedBytes: 100) && budget.blockLimit == 4000)
    // What was taken once isn't taken for ever.
    for _ in 0..<200 { _ = budget.observe(resident: 4000, storedBytes: 2000) }
    #expect(budget.blockLimit > 12_400)
  }

  /// A task has what the program leaves, but for a program that leaves next to nothing.
  @Test func aTaskMayTakeWhatTheProgramLeaves() {
    for (baseline, task) in [(0, 16_000), (2000, 14_000), (11_000, 5000), (13_000, 4000), (20_000, 4000)] {
      let marks = BlockStore.Marks(MemoryBudget(limit: 16_000, baseline: baseline))
      #expect(marks.taskLimit == task && marks.programBytes == baseline, "\(baseline)")
    }
    #expect(BlockStore.Marks(MemoryBudget(limit: 0, baseline: 2000)).taskLimit == 0)
  }

  /// Memory that tasks have had between two looks shows in the most that was ever resident.
  @Test func whatTasksHeldBetweenTwoLooksIsLeftToThem() {
    var budget = MemoryBudget(limit: 16_000, baseline: 2000, highWater: 3000)
    // Of 4000 that are being made now, 1000 were before.
    _ = budget.observe(resident: 4000, highWater: 3000, storedBytes: 1000, reservedBytes: 1000)
    #expect(budget.blockLimit == 12_500)
    _ = budget.observe(resident: 4000, highWater: 9000, storedBytes: 1000, reservedBytes: 4000)
    #expect(budget.blockLimit == 16_000 - 7000 - 500)
    // Far from the limit it's forgotten when it isn't seen any more, since it would be seen again in time.
    for _ in 0..<200 { _ = budget.observe(resident: 4000, highWater: 9000, storedBytes: 2000) }
    #expect(budget.blockLimit > 12_400)
    // Near the limit it wouldn't.
    _ = budget.observe(resident: 8000, highWater: 15_000, storedBytes: 6000)
    for _ in 0..<200 { _ = budget.observe(resident: 4000, highWater: 15_000, storedBytes: 2000) }
    #expect(budget.blockLimit == 16_000 - 9000 - 500)
  }

  /// Before anything was seen each of a few threads has a part for its task.
  @Test func threadsHaveAPartEach() {
    #expect(MemoryBudget(limit: 16_000, baseline: 2000, threads: 3).blockLimit == 16_000 - 2000 - 3000 - 500)
    #expect(MemoryBudget(limit: 16_000, baseline: 2000, threads: 64).blockLimit == 16_000 - 2000 - 4000 - 500)
  }

  @Test(.plainMemory) func theMostThatWasResident() async {
    await #expect(processExitsWith: .success) {
      let size = 100 << 20
      let before = ProcessMemory.highWater!
      do {
        let memory = [UInt8](repeating: 1, count: size)
        precondition(memory[Int.random(in: 0..<size)] == 1)
      }
      precondition(ProcessMemory.resident!.total < before + size / 2)
      precondition(ProcessMemory.highWater! > before + size / 10 * 9)
    }
  }

  @Test(.plainMemory) func whatTasksHeldForAMomentCounts() async {
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

  /// Each time that a thirty-second of the limit has been stored.
  @Test func aLookIsDueWhenMuchHasBeenStored() {
    var budget = MemoryBudget(limit: 16_000, baseline: 2000)
    #expect(
      [200, 299, 1, 499, 600, 499].map { budget.isLookDue(storing: $0) } == [false, false, true, false, true, false])
    var unlimited = MemoryBudget(limit: 0, baseline: 2000)
    #expect([100_000, 100_000].map { unlimited.isLookDue(storing: $0) } == [false, false])
  }
}
