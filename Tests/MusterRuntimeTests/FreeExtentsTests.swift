import MusterRuntime
import Testing

struct FreeExtentsTests {
  private typealias Extent = FreeExtents.Extent

  @Test func neighboursBecomeOne() {
    var free = FreeExtents()
    free.insert(start: 100, length: 10, lastUse: 1)
    free.insert(start: 120, length: 10, lastUse: 2)
    free.insert(start: 140, length: 10, lastUse: 3)
    #expect(free.extents.map(\.start) == [100, 120, 140])
    free.insert(start: 110, length: 10, lastUse: 4)
    #expect(free.extents == [Extent(start: 100, length: 30, lastUse: 4), Extent(start: 140, length: 10, lastUse: 3)])
    free.insert(start: 95, length: 5, lastUse: 5)
    free.insert(start: 150, length: 5, lastUse: 6)
    #expect(free.extents == [Extent(start: 95, length: 35, lastUse: 5), Extent(start: 140, length: 15, lastUse: 6)])
  }

  @Test func theSmallestThatFitsIsTaken() {
    var free = FreeExtents()
    for (start, length) in [(100, 30), (200, 10), (300, 20), (400, 20)] {
      free.insert(start: UInt(start), length: length, lastUse: 0)
    }
    #expect(free.take(15) == 300)
    #expect(free.take(31) == nil)
    #expect(free.take(5) == 315)
    #expect(free.take(10) == 200)
    #expect(free.take(30) == 100)
    #expect(free.extents == [Extent(start: 400, length: 20, lastUse: 0)])
  }

  @Test func theOldestGoesFromItsEnd() {
    var free = FreeExtents()
    free.insert(start: 100, length: 30, lastUse: 2)
    free.insert(start: 200, length: 30, lastUse: 1)
    #expect(free.oldest?.start == 200)
    var evicted = free.evict(10)
    #expect(evicted?.start == 220 && evicted?.length == 10)
    evicted = free.evict(40)
    #expect(evicted?.start == 200 && evicted?.length == 20)
    evicted = free.evict(30)
    #expect(evicted?.start == 100 && evicted?.length == 30)
    evicted = free.evict(1)
    #expect(evicted == nil)
  }

  /// Against a table of bytes.
  @Test(arguments: 0..<20) func nothingIsLostOrGivenTwice(_ seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var isFree = [Bool](repeating: false, count: 500)
    var used = [(start: 0, length: 500)]
    var free = FreeExtents()
    for step in 0..<2000 {
      if random(2) == 0, !used.isEmpty {
        let piece = used.remove(at: random(used.count))
        let length = 1 + random(piece.length)
        if length < piece.length { used.append((piece.start + length, piece.length - length)) }
        free.insert(start: UInt(piece.start), length: length, lastUse: step)
        for index in piece.start..<piece.start + length { isFree[index] = true }
      } else {
        let length = 1 + random(40)
        let runs = isFree.split(separator: false).map(\.count)
        let start = free.take(length)
        #expect((start == nil) == runs.allSatisfy { $0 < length })
        guard let start = start.map({ Int($0) }) else { continue }
        #expect(!isFree[start..<start + length].contains(false))
        for index in start..<start + length { isFree[index] = false }
        used.append((start, length))
      }
      #expect(free.extents.map(\.length) == isFree.split(separator: false).map(\.count))
    }
  }
}
