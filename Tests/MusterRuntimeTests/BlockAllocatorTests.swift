import Foundation
import MusterRuntime
import Testing

/// Whether the page of an address is in memory; one that isn't mapped isn't.
private func isResident(_ address: UnsafeMutableRawPointer) -> Bool {
  let page = UInt(getpagesize())
  var state: UInt8 = 0
  let start = UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: address) & ~(page - 1))
  return mincore(start, Int(page), &state) == 0 && state & 1 == 1
}

struct BlockAllocatorTests {
  private static let mega = 1 << 20

  @Test func sizeClassesWasteLittle() {
    for bits in 17...30 {
      for size in [1 << bits, 1 << bits + 1, 3 << (bits - 1), 1 << bits - 1] {
        let capacity = BlockAllocator.capacity(for: size)
        #expect(capacity >= size && capacity <= size + size / 4 + 64)
      }
    }
  }

  /// A part goes back, and the rest stays as it is.
  @Test func aPartCanGoBackBeforeTheRest() throws {
    let allocator = BlockAllocator(memoryLimit: 1 << 30)
    let (pointer, capacity) = try #require(allocator.allocate(16 * Self.mega))
    memset(pointer, 7, capacity)
    let bytes = UnsafeMutableRawBufferPointer(start: pointer, count: capacity)
    let part = 6 * Self.mega
    #expect(allocator.giveBack(UnsafeMutableRawBufferPointer(rebasing: bytes[..<part]), of: capacity) == part)
    #expect(!isResident(pointer) && !isResident(pointer + part - 1) && isResident(pointer + part))
    #expect(allocator.usedBytes == capacity - part && bytes[part...].allSatisfy { $0 == 7 })
    #expect(
      allocator.giveBack(UnsafeMutableRawBufferPointer(rebasing: bytes[part...]), of: capacity) == capacity - part)
    #expect(allocator.usedBytes == 0 && allocator.keptBytes == 0 && !isResident(pointer + part))
    // Those from `malloc` go as a whole.
    let small = try #require(allocator.allocate(Self.mega))
    #expect(
      allocator.giveBack(UnsafeMutableRawBufferPointer(start: small.pointer, count: 4096), of: small.capacity) == 0)
    allocator.recycle(small.pointer, capacity: small.capacity)
    allocator.releaseKept()
  }

  @Test func freedMemoryServesTheNextBlockAndIsCounted() throws {
    let allocator = BlockAllocator(memoryLimit: 1 << 30)
    let size = 12_345_678
    let first = try #require(allocator.allocate(size))
    #expect(UInt(bitPattern: first.pointer) % 64 == 0)
    #expect(allocator.usedBytes == first.capacity && allocator.keptBytes == 0)
    allocator.recycle(first.pointer, capacity: first.capacity)
    #expect(allocator.usedBytes == 0 && allocator.keptBytes == first.capacity)
    let second = try #require(allocator.allocate(size))
    #expect(second.pointer == first.pointer)
    #expect(allocator.usedBytes == first.capacity && allocator.keptBytes == 0)
    allocator.recycle(second.pointer, capacity: second.capacity)
    allocator.releaseKept()
    #expect(allocator.keptBytes == 0)
  }

  @Test func aSixteenthOfTheLimitIsKept() throws {
    let allocator = BlockAllocator(memoryLimit: 64 * Self.mega)
    let blocks = try (0..<10).map { _ in try #require(allocator.allocate(Self.mega)) }
    for block in blocks { allocator.recycle(block.pointer, capacity: block.capacity) }
    #expect(allocator.keptBytes == 4 * Self.mega)
    allocator.memoryLimit = 32 * Self.mega
    #expect(allocator.keptBytes == 2 * Self.mega)
    // A block beyond that isn't kept, and nothing is given up for it.
    let large = try #require(allocator.allocate(3 * Self.mega))
    allocator.recycle(large.pointer, capacity: large.capacity)
    #expect(allocator.keptBytes == 2 * Self.mega && allocator.usedBytes == 0)
  }

  @Test func whatWasUsedLongestAgoMakesRoom() throws {
    let allocator = BlockAllocator(memoryLimit: 64 * Self.mega)
    let old = try #require(allocator.allocate(3 * Self.mega))
    allocator.recycle(old.pointer, capacity: old.capacity)
    let blocks = try (0..<2).map { _ in try #require(allocator.allocate(Self.mega)) }
    #expect(allocator.keptBytes == 3 * Self.mega)
    for block in blocks { allocator.recycle(block.pointer, capacity: block.capacity) }
    #expect(allocator.keptBytes == 2 * Self.mega)
  }

  @Test func blocksInUseComeBeforeWhatIsKept() throws {
    let allocator = BlockAllocator(memoryLimit: 64 * Self.mega)
    let freed = try #require(allocator.allocate(4 * Self.mega))
    allocator.recycle(freed.pointer, capacity: freed.capacity)
    // 60 of 64: all of it may stay. One more doesn't fit beside it.
    let used = try #require(allocator.allocate(56 * Self.mega))
    #expect(allocator.keptBytes == 4 * Self.mega)
    let more = try #require(allocator.allocate(5 * Self.mega))
    #expect(allocator.keptBytes == 0)
    let last = try #require(allocator.allocate(4 * Self.mega))
    allocator.recycle(last.pointer, capacity: last.capacity)
    // 61 are in use: there is no room to keep 4.
    #expect(allocator.keptBytes == 0)
    for block in [used, more] { allocator.recycle(block.pointer, capacity: block.capacity) }
  }

  /// In a process of its own: a test beside it may take the addresses as soon as they are given back.
  @Test func whatIsGivenBackLeavesTheProcess() async {
    await #expect(processExitsWith: .success) {
      let mega = 1 << 20
      let allocator = BlockAllocator(memoryLimit: 64 << 30)
      // From here on `malloc` keeps freed memory of blocks like these to itself where others follow in the heap.
      let larger = allocator.allocate(16 * mega)!
      allocator.recycle(larger.pointer, capacity: larger.capacity)
      allocator.releaseKept()
      let blocks = (0..<32).map { _ in allocator.allocate(4 * mega)! }
      for block in blocks { memset(block.pointer, 1, block.capacity) }
      let freed = stride(from: 0, to: 32, by: 2).map { blocks[$0] }
      for block in freed { allocator.recycle(block.pointer, capacity: block.capacity) }
      precondition(allocator.keptBytes == 64 * mega)
      precondition(freed.allSatisfy { isResident($0.pointer + 2 * mega) })
      allocator.releaseKept()
      precondition(!freed.contains { isResident($0.pointer + 2 * mega) })
      for number in stride(from: 1, to: 32, by: 2) {
        allocator.recycle(blocks[number].pointer, capacity: blocks[number].capacity)
      }
    }
  }

  /// In a process of its own, where nobody else takes the addresses in between.
  @Test func whatSeveralBlocksLeaveServesALargerOne() async {
    await #expect(processExitsWith: .success) {
      let mega = 1 << 20
      let allocator = BlockAllocator(memoryLimit: 16 << 30)
      let blocks = (0..<4).map { _ in allocator.allocate(8 * mega)! }
      for block in blocks {
        precondition(UInt(bitPattern: block.pointer) % UInt(2 * mega) == 0 && block.capacity == 8 * mega)
        memset(block.pointer, 1, block.capacity)
      }
      for number in [2, 0, 3, 1] { allocator.recycle(blocks[number].pointer, capacity: blocks[number].capacity) }
      precondition(allocator.keptBytes == 32 * mega)
      let large = allocator.allocate(32 * mega)!
      precondition(allocator.keptBytes == 0 && isResident(large.pointer + 31 * mega))
      allocator.recycle(large.pointer, capacity: large.capacity)
      // And the other way round.
      let parts = (0..<3).map { _ in allocator.allocate(10 * mega)! }
      precondition(allocator.keptBytes == 2 * mega)
      for part in parts { allocator.recycle(part.pointer, capacity: part.capacity) }
      allocator.releaseKept()
      precondition(allocator.keptBytes == 0 && !isResident(large.pointer + 31 * mega))
    }
  }

  @Test func largeMemoryUsedLongestAgoMakesRoomToo() throws {
    let allocator = BlockAllocator(memoryLimit: 256 * Self.mega)
    let (old, new) = (try #require(allocator.allocate(10 * Self.mega)), try #require(allocator.allocate(Self.mega)))
    allocator.recycle(old.pointer, capacity: old.capacity)
    allocator.recycle(new.pointer, capacity: new.capacity)
    #expect(allocator.keptBytes == 11 * Self.mega)
    let blocks = try (0..<4).map { _ in try #require(allocator.allocate(2 * Self.mega)) }
    for block in blocks { allocator.recycle(block.pointer, capacity: block.capacity) }
    // Of the ten megabytes the last four went: as many as were needed, in whole huge pages.
    #expect(allocator.keptBytes == 15 * Self.mega)
    let kept = try #require(allocator.allocate(Self.mega))
    #expect(kept.pointer == new.pointer && allocator.keptBytes == 14 * Self.mega)
    allocator.recycle(kept.pointer, capacity: kept.capacity)
  }

  @Test func tooMuchIsRefusedAndForgotten() throws {
    let allocator = BlockAllocator(memoryLimit: 64 * Self.mega)
    let freed = try #require(allocator.allocate(Self.mega))
    allocator.recycle(freed.pointer, capacity: freed.capacity)
    for size in [1 << 50, 1 << 60, Int.max] { #expect(allocator.allocate(size) == nil) }
    // What was kept was given back for it.
    #expect(allocator.keptBytes == 0 && allocator.usedBytes == 0)
  }

  @Test func outOfMemoryNamesWhatWasAsked() throws {
    let error = #expect(throws: MusterError.self) { try BlockStorage(allocating: 1 << 60, for: "a test") }
    #expect(error?.code == .outOfMemory)
    #expect(error?.message.contains("a test needs 1.0 EiB (1152921504606846976 bytes)") == true)
    #expect(error?.fix.contains("smaller chunks") == true)
  }

  @Test func whereNothingCanThrowTheProcessEndsWithTheMessage() async throws {
    let result = try await #require(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
      _ = BlockStorage(byteCount: 1 << 60)
    }
    let text = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(text.contains("muster: fatal: out of memory: a block needs 1.0 EiB"))
    #expect(text.contains("Use smaller chunks"))
  }
}
